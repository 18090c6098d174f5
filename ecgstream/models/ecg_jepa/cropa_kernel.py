"""Cross-pattern attention on the CPU, forward and backward: one head of one record at a time, in cache. Compiled.

Everything lies with time last, (lead, channel, time), padded with zeros to whole tiles. Then both kinds of product are
sums of contiguous rows: over a lead's own times (a matrix product) and over the leads of one time (a small matrix
product in every lane). All of it is in this one file, so that numba's cache of compiled code sees every change.
"""

from __future__ import annotations

import math

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

LANES = 16
LEADS, ROWS, COLUMNS = 4, 8, 32
"""Sums of a tile, as many as registers hold. Leads are padded to multiples of LEADS, channels ROWS, times COLUMNS."""
_LOG2E = np.float32(1.44269504)
_LN2_HIGH, _LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
_LOWEST = np.float32(-87.0)
_ABSENT = np.float32(-1e30)
_ONE = np.float32(1)
_HEADS, _SUMS, _LEADS = types.float32[:, :, :, :, ::1], types.float32[:, :, :, ::1], types.boolean[:, ::1]


@njit(cache=True, nogil=True)
def _padded(n, step):
    return (n + step - 1) // step * step


@njit(cache=True, nogil=True)
def _space(q):
    """Room for one head, (L, d, T) padded."""
    leads, times, width = q.shape[2:]
    return np.zeros((_padded(leads, LEADS), _padded(width, ROWS), _padded(times, COLUMNS)), np.float32)


@njit(cache=True, nogil=True)
def _scores_space(q):
    """Room for scores of own keys (T, T) and of other leads' (L, L, T), and for keys (T, d) as they came; padded."""
    leads, wide = _padded(q.shape[2], LEADS), _padded(q.shape[3], COLUMNS)
    own, cross = np.zeros((wide, wide), np.float32), np.zeros((leads, leads, wide), np.float32)
    return own, cross, np.zeros((_padded(q.shape[3], ROWS), _padded(q.shape[4], ROWS)), np.float32)


@njit(cache=True, nogil=True)
def _lay(rows, present, scale, turned):
    """(L, T, d) to (L, d, T), scaled; zero where a lead is absent."""
    for lead in range(rows.shape[0]):
        if present[lead]:
            for t in range(rows.shape[1]):
                for c in range(rows.shape[2]):
                    turned[lead, c, t] = rows[lead, t, c] * scale
        else:
            turned[lead] = 0


@njit(cache=True, nogil=True)
def _fetch(turned, present, scale, rows):
    """(L, d, T) to (L, T, d), scaled; zero where a lead is absent."""
    for lead in range(rows.shape[0]):
        if present[lead]:
            for t in range(rows.shape[1]):
                for c in range(rows.shape[2]):
                    rows[lead, t, c] = turned[lead, c, t] * scale
        else:
            rows[lead] = 0


@njit(cache=True, nogil=True)
def _own_scores(queries, keys, rows, scores):
    """Products of one lead's keys (T, d), the rows, and queries (d, T) padded, the columns."""
    for j in range(keys.shape[0]):
        for c in range(keys.shape[1]):
            rows[j, c] = keys[j, c]
    scores[:] = 0
    _product(rows, queries, rows.shape[1], scores)


@njit(cache=True, nogil=True)
def _cross_scores(qt, kt, present, scores):
    """Products of each lead's queries with every other lead's keys of the same time: (L, other L, T)."""
    scores[:] = 0
    _lanewise(qt, kt.transpose(1, 0, 2), scores)
    for lead in range(scores.shape[0]):
        for other in range(scores.shape[0]):
            if (
                lead >= len(present)
                or other >= len(present)
                or lead == other
                or not present[lead]
                or not present[other]
            ):
                scores[lead, other] = _ABSENT


@njit(cache=True, nogil=True, fastmath=True)
def _sums_of_products(a, b, sums):
    """Over channels: two (L, d, T) to (L, T)."""
    sums[:] = 0
    for lead in range(a.shape[0]):
        for c in range(a.shape[1]):
            for i in range(a.shape[2]):
                sums[lead, i] += a[lead, c, i] * b[lead, c, i]


@njit(cache=True, nogil=True, fastmath=True)
def _normalise(own, cross, log_sum):
    """Scores to softmax weights over the rows of both, in place."""
    wide = own.shape[1]
    top, total = np.full(wide, _ABSENT, np.float32), np.zeros(wide, np.float32)
    for j in range(own.shape[0]):
        for i in range(wide):
            top[i] = max(top[i], own[j, i])
    for j in range(cross.shape[0]):
        for i in range(wide):
            top[i] = max(top[i], cross[j, i])
    _exponentials(own, top, total)
    _exponentials(cross, top, total)
    for i in range(len(log_sum)):
        log_sum[i] = top[i] + math.log(total[i])
    for i in range(wide):
        total[i] = _ONE / total[i]
    for j in range(own.shape[0]):
        for i in range(wide):
            own[j, i] *= total[i]
    for j in range(cross.shape[0]):
        for i in range(wide):
            cross[j, i] *= total[i]


@njit(cache=True, nogil=True, fastmath=True)
def _recall(own, cross, log_sum):
    """Scores to the softmax weights that ``_normalise`` made of them."""
    top, total = np.zeros(own.shape[1], np.float32), np.zeros(own.shape[1], np.float32)
    top[: len(log_sum)] = log_sum
    _exponentials(own, top, total)
    _exponentials(cross, top, total)


@njit(cache=True, nogil=True, fastmath=True)
def _exponentials(scores, top, total):
    """exp(scores - top) in place and added to ``total``, to 2e-7 (reduction and polynomial of Cephes' expf)."""
    power = np.empty(scores.shape[1], np.int32)
    two_to = power.view(np.float32)
    for j in range(scores.shape[0]):
        for i in range(scores.shape[1]):
            x = max(scores[j, i] - top[i], _LOWEST)
            n = np.float32(math.floor(x * _LOG2E + np.float32(0.5)))
            power[i] = (np.int32(n) + np.int32(127)) << np.int32(23)
            x = x - n * _LN2_HIGH - n * _LN2_LOW
            y = np.float32(1.9875691500e-4) * x + np.float32(1.3981999507e-3)
            y = y * x + np.float32(8.3334519073e-3)
            y = y * x + np.float32(4.1665795894e-2)
            y = y * x + np.float32(1.6666665459e-1)
            y = y * x + np.float32(5.0000001201e-1)
            scores[j, i] = (y * x * x + x + _ONE) * np.float32(scores[j, i] - top[i] > _LOWEST)
        for i in range(scores.shape[1]):
            scores[j, i] *= two_to[i]
            total[i] += scores[j, i]


@njit(cache=True, nogil=True, fastmath=True)
def _to_scores(grads, weights, delta):
    """Gradients of softmax weights to gradients of scores, in place."""
    for j in range(grads.shape[0]):
        for i in range(grads.shape[1]):
            grads[j, i] = (grads[j, i] - delta[i]) * weights[j, i]


@njit(cache=True, nogil=True)
def _turn(square, times, out):
    for j in range(times):
        for i in range(times):
            out[i, j] = square[j, i]


@njit(cache=True, nogil=True)
def _product(left, right, terms, out):
    """out[r, :] += left[r, :terms] @ right[:terms, :]."""
    for r in range(0, left.shape[0], ROWS):
        for c in range(0, right.shape[1], COLUMNS):
            _tile(left, right, out, r, c, terms)


@njit(cache=True, nogil=True)
def _lanewise(left, right, out):
    """out[r, c, i] += left[r, :, i] @ right[:, c, i] in every lane i."""
    for i in range(0, out.shape[2], LANES):
        for r in range(0, left.shape[0], LEADS):
            for c in range(0, right.shape[1], LEADS):
                _lane_tile(left, right, out, r, c, i)


@intrinsic
def _tile(typing, left, right, out, row, column, terms):
    """ROWS x COLUMNS sums of ``_product``, kept in registers over all terms, which a loop over arrays is not."""

    def generate(context, builder, signature, arguments):
        at = _addresses(context, builder, signature, arguments)
        r0, c0, terms = arguments[3:]
        cells = [(r, c) for r in range(ROWS) for c in range(0, COLUMNS, LANES)]
        targets = {(r, c): at(2, _plus(builder, r0, r), _plus(builder, c0, c)) for r, c in cells}

        def step(j):
            rights = [_load(builder, at(1, j, _plus(builder, c0, c))) for c in range(0, COLUMNS, LANES)]
            lefts = [_spread(builder, builder.load(at(0, _plus(builder, r0, r), j))) for r in range(ROWS)]
            return {(r, c): (lefts[r], rights[c // LANES]) for r, c in cells}

        _sum_up(builder, targets, terms, step)
        return context.get_dummy_value()

    return types.none(left, right, out, types.intp, types.intp, types.intp), generate


@intrinsic
def _lane_tile(typing, left, right, out, row, column, lane):
    """LEADS x LEADS sums of ``_lanewise`` in LANES lanes, kept in registers over all terms."""

    def generate(context, builder, signature, arguments):
        at = _addresses(context, builder, signature, arguments)
        r0, c0, i = arguments[3:]
        cells = [(r, c) for r in range(LEADS) for c in range(LEADS)]
        targets = {(r, c): at(2, _plus(builder, r0, r), _plus(builder, c0, c), i) for r, c in cells}

        def step(j):
            lefts = [_load(builder, at(0, _plus(builder, r0, r), j, i)) for r in range(LEADS)]
            rights = [_load(builder, at(1, j, _plus(builder, c0, c), i)) for c in range(LEADS)]
            return {(r, c): (lefts[r], rights[c]) for r, c in cells}

        terms = cgutils.unpack_tuple(builder, make_array(left)(context, builder, arguments[0]).shape)[1]
        _sum_up(builder, targets, terms, step)
        return context.get_dummy_value()

    return types.none(left, right, out, types.intp, types.intp, types.intp), generate


def _addresses(context, builder, signature, arguments):
    """A function from (which of the first three arguments, index, …) to the address of that element."""
    kinds = signature.args[:3]
    arrays = [make_array(kind)(context, builder, value) for kind, value in zip(kinds, arguments, strict=False)]
    return lambda which, *index: cgutils.get_item_pointer(context, builder, kinds[which], arrays[which], list(index))


def _plus(builder, index, k):
    return builder.add(index, ir.Constant(index.type, k))


def _vector():
    return ir.VectorType(ir.FloatType(), LANES)


def _load(builder, address):
    return builder.load(builder.bitcast(address, _vector().as_pointer()), align=4)


def _spread(builder, value):
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    undefined = ir.Constant(_vector(), ir.Undefined)
    return builder.shuffle_vector(builder.insert_element(undefined, value, zeros.type.element(0)), undefined, zeros)


def _sum_up(builder, targets, terms, step):
    """Add to each target vector the products that ``step(j)`` names for it, over j < ``terms``."""
    sums = {cell: cgutils.alloca_once(builder, _vector()) for cell in targets}
    for cell, address in targets.items():
        builder.store(_load(builder, address), sums[cell])
    with cgutils.for_range(builder, terms) as loop:
        for cell, (left, right) in step(loop.index).items():
            product = builder.fmul(left, right, flags=("contract",))
            builder.store(builder.fadd(builder.load(sums[cell]), product, flags=("contract",)), sums[cell])
    for cell, address in targets.items():
        builder.store(builder.load(sums[cell]), builder.bitcast(address, _vector().as_pointer()), align=4)


@njit(types.void(*[_HEADS] * 3, _LEADS, types.float32, _HEADS, _SUMS), cache=True, nogil=True, fastmath=True)
def forward(q, k, v, present, scale, out, log_sum):
    """Attend in every head: float32 ``q``, ``k``, ``v``, ``out`` (B, H, L, T, d), ``present`` bool (B, L).

    ``log_sum`` (B, H, L, T) gets the logarithm of each query's sum of exponentials, which ``backward`` starts from.
    """
    n_leads, times = q.shape[2:4]
    qt, kt, vt, ot = _space(q), _space(q), _space(q), _space(q)
    own, cross, rows = _scores_space(q)
    for b in range(q.shape[0]):
        for h in range(q.shape[1]):
            _lay(q[b, h], present[b], scale, qt)
            _lay(k[b, h], present[b], _ONE, kt)
            _lay(v[b, h], present[b], _ONE, vt)
            ot[:] = 0
            _cross_scores(qt, kt, present[b], cross)
            for lead in range(n_leads):
                if present[b, lead]:
                    _own_scores(qt[lead], k[b, h, lead], rows, own)
                    _normalise(own[:times], cross[lead], log_sum[b, h, lead])
                    _product(vt[lead], own, times, ot[lead])
            _lanewise(cross, vt, ot)
            _fetch(ot, present[b], _ONE, out[b, h])


@njit(
    types.void(*[_HEADS] * 3, _LEADS, types.float32, _HEADS, _SUMS, *[_HEADS] * 4),
    cache=True,
    nogil=True,
    fastmath=True,
)
def backward(q, k, v, present, scale, out, log_sum, grad, grad_q, grad_k, grad_v):
    """Gradients of ``forward``: from ``grad`` of ``out`` to those of q, k and v, all (B, H, L, T, d)."""
    n_leads, times = q.shape[2:4]
    qt, kt, vt, gt, ot = _space(q), _space(q), _space(q), _space(q), _space(q)
    dq, dk, dv = _space(q), _space(q), _space(q)
    own, cross, rows = _scores_space(q)
    d_own, d_cross, turned = np.zeros_like(own), np.zeros_like(cross), np.zeros_like(own)
    delta = np.zeros((qt.shape[0], qt.shape[2]), np.float32)
    for b in range(q.shape[0]):
        for h in range(q.shape[1]):
            _lay(q[b, h], present[b], scale, qt)
            _lay(k[b, h], present[b], _ONE, kt)
            _lay(v[b, h], present[b], _ONE, vt)
            _lay(grad[b, h], present[b], _ONE, gt)
            _lay(out[b, h], present[b], _ONE, ot)
            dq[:], dk[:], dv[:], d_cross[:] = 0, 0, 0, 0
            _cross_scores(qt, kt, present[b], cross)
            _lanewise(gt, vt.transpose(1, 0, 2), d_cross)
            _sums_of_products(gt, ot, delta)
            for lead in range(n_leads):
                if present[b, lead]:
                    _own_scores(qt[lead], k[b, h, lead], rows, own)
                    _recall(own[:times], cross[lead], log_sum[b, h, lead])
                    _own_scores(gt[lead], v[b, h, lead], rows, d_own)
                    _to_scores(d_own[:times], own, delta[lead])
                    _to_scores(d_cross[lead], cross[lead], delta[lead])
                    _product(kt[lead], d_own, times, dq[lead])
                    _turn(d_own, times, turned)
                    _product(qt[lead], turned, times, dk[lead])
                    _turn(own, times, turned)
                    _product(gt[lead], turned, times, dv[lead])
            _lanewise(d_cross, kt, dq)
            _lanewise(d_cross.transpose(1, 0, 2), qt, dk)
            _lanewise(cross.transpose(1, 0, 2), gt, dv)
            _fetch(dq, present[b], scale, grad_q[b, h])
            _fetch(dk, present[b], _ONE, grad_k[b, h])
            _fetch(dv, present[b], _ONE, grad_v[b, h])
