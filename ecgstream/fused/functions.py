"""Functions of arrays that every part of the encoder uses. Compiled."""

from __future__ import annotations

import numpy as np
from numba import njit

from .sizes import LANES, PANEL, ROWS
from .vectors import float_of, tile

_STRICT = {"contract", "nsz"}
"""What may be done to the order of arithmetic: values that are not numbers must come out as such."""
compiled = njit(cache=True, nogil=True, error_model="numpy", fastmath=_STRICT)
ONE = np.float32(1)
_HALF, _EPSILON = np.float32(0.5), np.float32(1e-5)
_LOG2E = np.float32(1.44269504)
_LN2_HIGH, _LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
_LEAST, _MOST = np.float32(-87), np.float32(88)


@compiled
def exp(x):
    """To 2e-7 (reduction and polynomial of Cephes' expf)."""
    x = _LEAST if x < _LEAST else x
    x = _MOST if x > _MOST else x
    n = np.floor(x * _LOG2E + _HALF)
    r = x - n * _LN2_HIGH - n * _LN2_LOW
    y = np.float32(1.9875691500e-4) * r + np.float32(1.3981999507e-3)
    y = y * r + np.float32(8.3334519073e-3)
    y = y * r + np.float32(4.1665795894e-2)
    y = y * r + np.float32(1.6666665459e-1)
    y = y * r + np.float32(5.0000001201e-1)
    return (y * r * r + r + ONE) * float_of((np.int32(n) + np.int32(127)) << np.int32(23))


@compiled
def sigmoid(x):
    return ONE / (ONE + exp(-x))


@compiled
def gelu(x):
    """x times the normal distribution function, to 2e-7 (Abramowitz & Stegun, 7.1.26)."""
    t = ONE / (ONE + np.float32(0.3275911 / np.sqrt(2)) * abs(x))
    q = np.float32(0.5 * 1.061405429) * t + np.float32(0.5 * -1.453152027)
    q = q * t + np.float32(0.5 * 1.421413741)
    q = q * t + np.float32(0.5 * -0.284496736)
    q = q * t + np.float32(0.5 * 0.254829592)
    q = q * t * exp(-_HALF * x * x)
    return x * (ONE - q if x > 0 else q)


@compiled
def gelu_all(values):
    """In place."""
    for k in range(len(values)):
        values[k] = gelu(values[k])


@njit(cache=True, nogil=True, error_model="numpy", fastmath={*_STRICT, "reassoc"})
def normalise(tokens, out):
    """Root-mean-square norm of each row."""
    width = tokens.shape[1]
    for i in range(tokens.shape[0]):
        total = np.float32(0)
        for c in range(width):
            total += tokens[i, c] * tokens[i, c]
        scale = ONE / np.sqrt(total / np.float32(width) + _EPSILON)
        for c in range(width):
            out[i, c] = tokens[i, c] * scale


@compiled
def product(left, panels, first, n, out):
    """out[:n] = first + left[:n] @ weights, which lie in panels; up to the next whole tile is overwritten."""
    for p in range(len(panels)):
        for row in range(0, n, ROWS):
            tile(left, panels[p], first[p * PANEL : (p + 1) * PANEL], out, row, row, p * PANEL)


@compiled
def add_gated(left, panels, n, sums, tokens):
    """tokens[:n] += value * sigmoid(gate) of left[:n] @ weights, as ``product``; a panel is LANES values and gates.

    ``sums`` is room for a tile.
    """
    nothing = np.zeros(PANEL, np.float32)
    for p in range(len(panels)):
        for row in range(0, n, ROWS):
            tile(left, panels[p], nothing, sums, row, 0, 0)
            for r in range(ROWS):
                for c in range(LANES):
                    tokens[row + r, p * LANES + c] += sums[r, c] * sigmoid(sums[r, LANES + c])
