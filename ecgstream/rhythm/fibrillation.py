"""Fibrillatory and flutter waves, from the last 4 s of the main leads. Compiled.

Two measures tell them from beats. *Fill*: QRS energy between waves against its peaks; beats leave rest between them,
fibrillation does not. *Leakage* (Kuo & Dillman 1978): what is left when a wave is added to itself half a mean period
later; nothing of a sine, nearly all of beats or broadband noise.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from ..waveform import GRID_HZ, HOP_SAMPLES
from .state import FIBRILLATION_HOPS, N_MAIN_LEADS

_PER_HOP = HOP_SAMPLES // 2
WAVE = FIBRILLATION_HOPS * _PER_HOP
"""Samples of a main lead kept, every second one (125 Hz)."""
_WAVE_HZ = GRID_HZ / 2
_BAND_HZ = (1.7, 10.0)
_LEAST_MV = 0.03
"""Mean size of the wave; below it may be asystole."""
LEAKAGE_SHARE = 0.13
BEGIN, END = 0.08, 0.04
"""Score (fill less a share of leakage) above which fibrillation begins, and below which it ends."""
CONFIRM_HOPS = 5


@njit(cache=True, nogil=True)
def add_hop(s, main, ecg, energy, whole):
    """Append a hop, ``ecg`` and ``energy`` (HOP_SAMPLES,), to a main lead's memory; start over if not whole."""
    place = s.hops % FIBRILLATION_HOPS
    size = change = 0.0
    previous = s.wave[main, place * _PER_HOP - 1]
    for i in range(_PER_HOP):
        value = ecg[2 * i]
        s.wave[main, place * _PER_HOP + i] = value
        size += abs(value)
        change += abs(value - previous)
        previous = value
    s.wave_size[main, place], s.wave_change[main, place] = size, change
    s.wave_low[main, place], s.wave_peak[main, place] = energy.min(), energy.max()
    s.wave_hops[main] = min(s.wave_hops[main] + 1, FIBRILLATION_HOPS) if whole else 0


@njit(cache=True, nogil=True)
def fibrillation_score(s):
    """Fill less a share of leakage, over full main leads weighed by size; -1 when none is full or all are slight."""
    total = weight = 0.0
    for main in range(N_MAIN_LEADS):
        if s.wave_hops[main] == FIBRILLATION_HOPS:
            size = s.wave_size[main].sum()
            weight += size
            total += size * _score(s, main, size)
    return total / weight if weight > 0.0 else -1.0


@njit(cache=True, nogil=True)
def _score(s, main, size):
    half = round(np.pi * size / max(s.wave_change[main].sum(), 1e-9))
    if size < _LEAST_MV * WAVE or not _WAVE_HZ / _BAND_HZ[1] <= 2 * half <= _WAVE_HZ / _BAND_HZ[0]:
        return -1.0
    fill = np.sort(s.wave_low[main])[6] / max(np.sort(s.wave_peak[main])[17], 1e-9)
    if fill < (END if s.fibrillating else BEGIN):
        return fill - LEAKAGE_SHARE  # no leakage is small enough to matter
    oldest = (s.hops + 1) % FIBRILLATION_HOPS * _PER_HOP
    wave = np.empty(WAVE, np.float32)
    wave[: WAVE - oldest] = s.wave[main, oldest:]
    wave[WAVE - oldest :] = s.wave[main, :oldest]
    return fill - LEAKAGE_SHARE * _leakage(wave[half:], wave[: WAVE - half])


@njit(cache=True, nogil=True)
def _leakage(wave, delayed):
    """What is left of a wave and its delayed self, added, of their sizes."""
    left = whole = 0.0
    for i in range(len(wave)):
        left += abs(wave[i] + delayed[i])
        whole += abs(wave[i]) + abs(delayed[i])
    return left / max(whole, 1e-9)


@njit(cache=True, nogil=True)
def judge_fibrillation(s):
    """Whether a fibrillatory or flutter wave holds, with hysteresis; one call a usable hop."""
    s.fibrillation_score = fibrillation_score(s)
    beyond = s.fibrillation_score < END if s.fibrillating else s.fibrillation_score > BEGIN
    s.fibrillation_hops = s.fibrillation_hops + 1 if beyond else 0
    if s.fibrillation_hops >= CONFIRM_HOPS:
        s.fibrillating = 1 - s.fibrillating
        s.fibrillation_hops = 0
    return s.fibrillating == 1
