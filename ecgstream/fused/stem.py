"""Samples to tokens: one bank of filters for every lead, then leads mixed by weight. Compiled."""

from __future__ import annotations

import numpy as np

from .functions import ONE, compiled, product
from .sizes import FILTERS, HISTORY, KERNEL, N_LEADS, PADDING, ROWS, TOKEN_INPUTS
from .vectors import bank_tile

_LARGEST_MV = np.float32(8)


@compiled
def leads_heard(samples, state, rows):
    """Slots of the leads that any of these rows has now or had within the history."""
    heard = np.zeros(N_LEADS, np.bool_)
    for b in range(len(rows)):
        before = state[rows[b], N_LEADS * HISTORY : 2 * N_LEADS * HISTORY].reshape(N_LEADS, HISTORY)
        for lead in range(N_LEADS):
            if not heard[lead]:
                heard[lead] = before[lead].max() > 0 or samples[b, N_LEADS + lead].max() > 0
    return np.flatnonzero(heard)


@compiled
def _ones(values):
    n = np.int32(0)
    for value in values:
        n += np.int32(value == ONE)
    return n == len(values)


@compiled
def _present(before, new, present):
    """Share of valid samples under a token's kernel: ``before`` (HISTORY,) and ``new`` (5 T,) to (T,)."""
    n, back = len(present), HISTORY // TOKEN_INPUTS
    if _ones(before) and _ones(new):  # as nearly always
        for t in range(n):
            present[t] = ONE
        return
    for t in range(n):
        present[t] = 0
    for group in range(n + back):
        total = np.float32(0)
        for i in range(group * TOKEN_INPUTS, (group + 1) * TOKEN_INPUTS):
            total += before[i] if i < HISTORY else new[i - HISTORY]
        for t in range(max(0, group - back), min(n, group + 1)):
            present[t] += total / np.float32(KERNEL)


@compiled
def stem(samples, state, rows, heard, weights, features, tokens):
    """Samples (beds, 32, 5 T) of the leads ``heard`` to tokens (beds x T, width). What the state keeps of the samples
    before is renewed. ``features`` (beds x T + PADDING, FILTERS + 1 of each lead heard) is room for what is mixed."""
    bank, bank_bias, panels, bias = weights
    new = samples.shape[2]
    length, n = new // TOKEN_INPUTS, len(heard)
    line = np.zeros(HISTORY + new + PADDING * TOKEN_INPUTS, np.float32)
    present = np.empty((n, length), np.float32)
    patches = np.lib.stride_tricks.as_strided(line, (length + PADDING, KERNEL), (4 * TOKEN_INPUTS, 4))
    for b in range(len(rows)):
        before = state[rows[b], : 2 * N_LEADS * HISTORY].reshape(2 * N_LEADS, HISTORY)
        own = features[b * length :]
        for k in range(n):
            lead = heard[k]
            line[:HISTORY], line[HISTORY : HISTORY + new] = before[lead], samples[b, lead]
            for i in range(HISTORY + new):
                line[i] = -_LARGEST_MV if line[i] < -_LARGEST_MV else line[i]
                line[i] = _LARGEST_MV if line[i] > _LARGEST_MV else line[i]
            for t in range(0, length, ROWS):
                bank_tile(patches, bank, bank_bias, own, t, t, k * FILTERS)
            _present(before[N_LEADS + lead], samples[b, N_LEADS + lead], present[k])
        for t in range(length):
            row = own[t]
            for k in range(n):
                share = present[k, t]
                row[n * FILTERS + k] = share
                for f in range(FILTERS):
                    row[k * FILTERS + f] *= np.float32(row[k * FILTERS + f] > 0) * share
        for channel in range(2 * N_LEADS):
            _push(before[channel], samples[b, channel])
    product(features, panels, bias, len(rows) * length, tokens)


@compiled
def _push(ring, new):
    """Let as many of the oldest go as come; more than the ring holds may come."""
    stay = max(0, len(ring) - len(new))
    for i in range(stay):
        ring[i] = ring[len(ring) - stay + i]
    for i in range(stay, len(ring)):
        ring[i] = new[len(new) - len(ring) + i]
