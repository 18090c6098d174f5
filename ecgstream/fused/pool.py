"""Hops and tokens to probabilities: attention over the last 10 s, and the two heads. Compiled."""

from __future__ import annotations

import numpy as np

from .functions import ONE, compiled, exp, product, sigmoid
from .sizes import HEADS, HOP_TOKENS, N_BEAT, POOL_HOPS

_TWO, _LOGIT_LIMIT = np.float32(2), np.float32(4)


@compiled
def pool(hops, length, state, first, rows, weights, sums, seen):
    """Attention over the last 10 s to the first columns of ``seen``, of whose others ``hops`` are made."""
    panels, bias = weights
    product(hops, panels, bias, len(rows) * length, sums)
    wide = (state.shape[1] - first) // (POOL_HOPS - 1)
    values = wide - HEADS
    per_head = values // HEADS
    total = np.empty((length, wide), np.float32)
    for b in range(len(rows)):
        own = sums[b * length : (b + 1) * length, :wide]
        for t in range(length):
            for h in range(HEADS):
                bound = exp(-_TWO * own[t, values + h] / _LOGIT_LIMIT)
                own[t, values + h] = exp(_LOGIT_LIMIT * (_TWO / (ONE + bound) - ONE))
                for c in range(h * per_head, (h + 1) * per_head):
                    own[t, c] *= own[t, values + h]
        ring = state[rows[b], first:].reshape(POOL_HOPS - 1, wide)
        _window_sums(ring, own, total)
        for t in range(length):
            for c in range(values):
                seen[b * length + t, c] = total[t, c] / total[t, values + c // per_head]
            seen[b * length + t, values:] = hops[b * length + t]


@compiled
def _window_sums(ring, new, total):
    """Sums over the last POOL_HOPS hops at each new one, and the ring with these in it. Nothing is subtracted: no
    digits are lost."""
    come, wide = new.shape
    rest = np.zeros(wide, np.float32)
    total[:] = ring[:come]
    for i in range(come, len(ring)):
        for c in range(wide):
            rest[c] += ring[i, c]
        ring[i - come] = ring[i]
    for t in range(come - 1, -1, -1):
        for c in range(wide):
            rest[c] += total[t, c]
            total[t, c] = rest[c]
    rest[:] = 0
    for t in range(come):
        for c in range(wide):
            rest[c] += new[t, c]
            total[t, c] += rest[c]
            ring[len(ring) - come + t, c] = new[t, c]


@compiled
def probabilities(scores, beats, rows, length, out):
    """Logits of hops and of their tokens, rows of their own, to scores and beat classes (beds, hops, S + 30)."""
    n_scores = out.shape[2] - HOP_TOKENS * N_BEAT
    for b in range(rows):
        for t in range(length):
            for s in range(n_scores):
                out[b, t, s] = sigmoid(scores[b * length + t, s])
            for token in range(HOP_TOKENS):
                logits = beats[(b * length + t) * HOP_TOKENS + token]
                told = out[b, t, n_scores + token * N_BEAT : n_scores + (token + 1) * N_BEAT]
                none = sigmoid(logits[N_BEAT - 1])
                top, total = logits[: N_BEAT - 1].max(), np.float32(0)
                for k in range(N_BEAT - 1):
                    told[k] = exp(logits[k] - top)
                    total += told[k]
                for k in range(N_BEAT - 1):
                    told[k] *= (ONE - none) / total
                told[N_BEAT - 1] = none
