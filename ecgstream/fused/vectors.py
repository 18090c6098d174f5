"""Vector code that no loop over arrays becomes: tiles of products, and a state space whose modes stay in registers."""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

from .sizes import FILTERS, LANES, ROWS


@intrinsic
def float_of(typing, bits):
    """The float32 that these bits are."""

    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.int32), generate


def _addresses(context, builder, signature, arguments, n):
    """A function from (which of the first ``n`` arguments, index, …) to the address of that element."""
    kinds = signature.args[:n]
    arrays = [make_array(kind)(context, builder, value) for kind, value in zip(kinds, arguments, strict=False)]
    return lambda which, *index: cgutils.get_item_pointer(context, builder, kinds[which], arrays[which], list(index))


def _vector():
    return ir.VectorType(ir.FloatType(), LANES)


def _load(builder, address):
    return builder.load(builder.bitcast(address, _vector().as_pointer()), align=4)


def _store(builder, value, address):
    builder.store(value, builder.bitcast(address, _vector().as_pointer()), align=4)


def _spread(builder, value):
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    undefined = ir.Constant(_vector(), ir.Undefined)
    return builder.shuffle_vector(builder.insert_element(undefined, value, zeros.type.element(0)), undefined, zeros)


def _add_product(builder, total, a, b):
    return builder.fadd(total, builder.fmul(a, b, flags=("contract",)), flags=("contract",))


def _plus(builder, index, k):
    return builder.add(index, ir.Constant(index.type, k))


def _tile_of(vectors):
    """A tile of a product with so many vectors of columns."""

    @intrinsic
    def tile(typing, left, panel, first, out, row, out_row, column):
        """out[out_row + r, column:] = first + left[row + r] @ panel over ROWS rows: sums stay in registers over all
        terms, which a loop over arrays does not see to."""

        def generate(context, builder, signature, arguments):
            at = _addresses(context, builder, signature, arguments, 4)
            row, out_row, column = arguments[4:]
            lanes = [ir.Constant(row.type, v * LANES) for v in range(vectors)]
            cells = [(r, v) for r in range(ROWS) for v in range(vectors)]
            sums = {cell: cgutils.alloca_once(builder, _vector()) for cell in cells}
            for r, v in cells:
                builder.store(_load(builder, at(2, lanes[v])), sums[r, v])
            terms = cgutils.unpack_tuple(builder, make_array(panel)(context, builder, arguments[1]).shape)[0]
            with cgutils.for_range(builder, terms) as loop:
                right = [_load(builder, at(1, loop.index, lane)) for lane in lanes]
                for r in range(ROWS):
                    value = _spread(builder, builder.load(at(0, _plus(builder, row, r), loop.index)))
                    for v in range(vectors):
                        builder.store(_add_product(builder, builder.load(sums[r, v]), value, right[v]), sums[r, v])
            for r, v in cells:
                target = at(3, _plus(builder, out_row, r), builder.add(column, lanes[v]))
                _store(builder, builder.load(sums[r, v]), target)
            return context.get_dummy_value()

        return types.none(left, panel, first, out, types.intp, types.intp, types.intp), generate

    return tile


tile, bank_tile = _tile_of(2), _tile_of(FILTERS // LANES)


def _riffled(builder, vectors, times):
    """The floats of ``vectors``, those of the second half between those of the first, so many times over.

    Each time the highest bit of a float's place becomes the lowest: after log2(R) times (R, C) has become (C, R).
    """
    kind, half = ir.VectorType(ir.IntType(32), LANES), len(vectors) // 2
    order = np.arange(2 * LANES).reshape(2, LANES).T.reshape(2, LANES)
    low, high = (ir.Constant(kind, [int(k) for k in part]) for part in order)
    for _ in range(times):
        pairs = list(zip(vectors[:half], vectors[half:], strict=True))
        vectors = [builder.shuffle_vector(one, other, mask) for one, other in pairs for mask in (low, high)]
    return vectors


@intrinsic(prefer_literal=True)
def scan(typing, u, kept, maps, direct, gain, modes):
    """Step channels of a state space over the rows of ``u`` (T, D), in place: their modes stay in registers.

    ``kept`` (D x 2 modes) state, real parts and then imaginary ones, in place; ``maps`` (4 modes, D): what turns a mode
    (real, imaginary) and what of it is seen; ``direct`` (D,) what is seen of the input at once; ``gain`` (2, modes, D)
    of the input, which the modes are stepped without, and its inverse.
    """
    n = modes.literal_value

    def generate(context, builder, signature, arguments):
        at = _addresses(context, builder, signature, arguments, 5)
        shape = make_array(signature.args[0])(context, builder, arguments[0]).shape
        length, width = cgutils.unpack_tuple(builder, shape)
        row = [ir.Constant(length.type, k) for k in range(4 * n)]
        states = [cgutils.alloca_once(builder, _vector()) for _ in range(2 * n)]
        with cgutils.for_range_slice(builder, row[0], width, ir.Constant(width.type, LANES)) as (c, _):
            first = builder.mul(c, row[2 * n])
            places = [at(1, _plus(builder, first, k * LANES)) for k in range(2 * n)]
            by_mode = _riffled(builder, [_load(builder, place) for place in places], LANES.bit_length() - 1)
            for k, vector in enumerate(by_mode):
                builder.store(builder.fmul(vector, _load(builder, at(4, row[1], row[k % n], c))), states[k])
            with cgutils.for_range(builder, length) as loop:
                come = _load(builder, at(0, loop.index, c))
                seen = builder.fmul(_load(builder, at(3, c)), come)
                for k in range(n):
                    keep, turn, by_re, by_im = (_load(builder, at(2, row[4 * k + part], c)) for part in range(4))
                    re, im = builder.load(states[k]), builder.load(states[n + k])
                    seen = _add_product(builder, _add_product(builder, seen, by_re, re), by_im, im)
                    back = builder.fneg(im)
                    builder.store(_add_product(builder, _add_product(builder, come, keep, re), turn, back), states[k])
                    builder.store(_add_product(builder, builder.fmul(keep, im), turn, re), states[n + k])
                _store(builder, seen, at(0, loop.index, c))
            gains = [_load(builder, at(4, row[0], row[k % n], c)) for k in range(2 * n)]
            after = [builder.fmul(builder.load(state), by) for state, by in zip(states, gains, strict=True)]
            for vector, place in zip(_riffled(builder, after, (2 * n).bit_length() - 1), places, strict=True):
                _store(builder, vector, place)
        return context.get_dummy_value()

    return types.none(u, kept, maps, direct, gain, modes), generate
