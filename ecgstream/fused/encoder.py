"""A few beds at a time from samples to probabilities, so that what lies between does not leave the cache. Compiled.

Rows are tokens, (bed, time), and channels lie side by side. Weights come as ``diagnosis.fused`` lays them.
"""

from __future__ import annotations

import numpy as np

from .functions import add_gated, compiled, gelu_all, normalise, product
from .pool import pool, probabilities
from .sizes import BLOCK_TOKENS, HISTORY, HOP_TOKENS, MODES, N_LEADS, PADDING, PANEL, ROWS, SLOW_MODES
from .stem import stem
from .vectors import scan


def _blocks_of(modes):
    """The blocks of one rate."""

    @compiled
    def run(tokens, length, state, first, rows, weights, over_time, sums):
        """Mix over time and then over channels, block by block; ``tokens`` (beds x length, D) in place."""
        maps, direct, gain, panels = weights
        width = tokens.shape[1]
        size, n = 2 * modes * width, len(rows) * length
        for k in range(len(maps)):
            for b in range(len(rows)):
                part = over_time[b * length : (b + 1) * length]
                own = state[rows[b], first + k * size : first + (k + 1) * size]
                normalise(tokens[b * length : (b + 1) * length], part)
                scan(part, own, maps[k], direct[k], gain[k], modes)
                gelu_all(part.reshape(part.size))
            add_gated(over_time, panels[k], n, sums, tokens)

    return run


_fast_blocks, _slow_blocks = _blocks_of(MODES), _blocks_of(SLOW_MODES)


@compiled
def advance(samples, state, rows, heard, weights, out):
    """Advance ``rows`` of ``state`` (R, n_state) by the hops of ``samples`` (B, 32, 25 n), n <= MOST_HOPS.

    ``out`` (B, n, S + 30); ``heard`` as ``leads_heard`` tells.
    """
    filters, fast, slow, gather, pooling, score_head, beat_head = weights
    hops = out.shape[1]
    length = hops * HOP_TOKENS
    many = min(len(rows), max(1, BLOCK_TOKENS // length))
    width, slow_width = fast[1].shape[1], slow[1].shape[1]
    features = np.zeros((many * length + PADDING, filters[2].shape[1]), np.float32)
    tokens = np.zeros((many * length + PADDING * HOP_TOKENS, width), np.float32)
    over_time = np.zeros_like(tokens)
    slow_tokens = np.zeros((many * hops + PADDING, slow_width), np.float32)
    slow_over_time = np.zeros_like(slow_tokens)
    weighted = np.empty((many * hops + PADDING, len(pooling[0]) * PANEL), np.float32)
    seen = np.zeros((many * hops + PADDING, score_head[0].shape[1]), np.float32)
    scores = np.empty((many * hops + PADDING, len(score_head[0]) * PANEL), np.float32)
    beats = np.empty((many * length + PADDING, PANEL), np.float32)
    sums = np.empty((ROWS, PANEL), np.float32)
    x_first = 2 * N_LEADS * HISTORY
    slow_first = x_first + fast[2].size
    ring_first = slow_first + slow[2].size
    for start in range(0, len(rows), many):
        part = rows[start : start + many]
        n = len(part)
        stem(samples[start : start + n], state, part, heard, filters, features, tokens)
        _fast_blocks(tokens, length, state, x_first, part, fast, over_time, sums)
        normalise(tokens[: n * length], over_time)
        product(over_time, beat_head[0], beat_head[1], n * length, beats)
        by_hop = over_time.reshape(len(over_time) // HOP_TOKENS, HOP_TOKENS * width)
        product(by_hop, gather[0], gather[1], n * hops, slow_tokens)
        _slow_blocks(slow_tokens, hops, state, slow_first, part, slow, slow_over_time, sums)
        normalise(slow_tokens[: n * hops], slow_over_time)
        pool(slow_over_time, hops, state, ring_first, part, pooling, weighted, seen)
        product(seen, score_head[0], score_head[1], n * hops, scores)
        probabilities(scores, beats, n, hops, out[start : start + n])
