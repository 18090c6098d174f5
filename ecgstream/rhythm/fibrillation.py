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
_TREND = 62
"""Samples on either side of the running mean that is taken off (1 s in all): a wandering trace is none the slower."""
_LEAST_MV = 0.045
"""Mean size of the wave over the main leads; below it is asystole."""
LEAKAGE_SHARE = 0.13
BEGIN, END = 0.08, 0.04
"""Score (fill less a share of leakage) above which fibrillation begins, and below which it ends."""
CONFIRM_HOPS = 5


@njit(cache=True, nogil=True)
def add_hop(s, main, ecg, energy, whole):
    """Append a hop, ``ecg`` and ``energy`` (HOP_SAMPLES,), to a main lead's memory; start over if not whole."""
    place = s.hops % FIBRILLATION_HOPS
    change = 0.0
    previous = s.wave[main, place * _PER_HOP - 1]
    for i in range(_PER_HOP):
        value = ecg[2 * i]
        s.wave[main, place * _PER_HOP + i] = value
        change += abs(value - previous)
        previous = value
    s.wave_change[main, place] = change
    s.wave_low[main, place], s.wave_peak[main, place] = energy.min(), energy.max()
    s.wave_hops[main] = min(s.wave_hops[main] + 1, FIBRILLATION_HOPS) if whole else 0


@njit(cache=True, nogil=True)
def fibrillation_score(s):
    """Fill less a share of leakage, over full main leads weighed by how much they move; -1 when none is full or all
    are slight."""
    total = weight = size = 0.0
    leads = 0
    for main in range(N_MAIN_LEADS):
        if s.wave_hops[main] == FIBRILLATION_HOPS:
            change = s.wave_change[main].sum()
            score, mean_mv = _score(s, main)
            weight += change
            total += change * score
            size += mean_mv
            leads += 1
    return total / weight if weight > 0.0 and size >= _LEAST_MV * leads else -1.0


@njit(cache=True, nogil=True)
def _score(s, main):
    """(score, mean size in mV) of a main lead; the size is not looked at where the score is below 0 anyway."""
    fill = lead_fill(s, main)
    if fill < (END if s.fibrillating else BEGIN):
        return fill - LEAKAGE_SHARE, _LEAST_MV  # no leakage is small enough to matter
    wave = np.empty(WAVE, np.float32)
    take_trend_off(s, main, wave)
    half, size = half_period(wave)
    if not _WAVE_HZ / _BAND_HZ[1] <= 2 * half <= _WAVE_HZ / _BAND_HZ[0]:
        return -1.0, size
    return fill - LEAKAGE_SHARE * leakage(wave[half:], wave[: WAVE - half]), size


@njit(cache=True, nogil=True)
def lead_fill(s, main):
    """QRS energy between a main lead's waves against its peaks."""
    return _of_rank(s.wave_low[main], 6) / max(_of_rank(s.wave_peak[main], 17), 1e-9)


@njit(cache=True, nogil=True)
def _of_rank(values, rank):
    """The value that ``rank`` others are below, were they sorted; so few are counted sooner than sorted, by numbers as
    wide as the values, many at once."""
    for value in values:
        below = upto = 0
        for i in range(len(values)):
            below += np.int64(values[i] < value)
            upto += np.int64(values[i] <= value)
        if below <= rank < upto:
            return value
    return np.nan


@njit(cache=True, nogil=True)
def take_trend_off(s, main, wave):
    """``wave`` (WAVE,) is the lead's last 4 s less their running mean of 1 s; returns the mean size of that mean."""
    oldest = (s.hops + 1) % FIBRILLATION_HOPS * _PER_HOP
    trace = np.empty(WAVE, np.float32)
    trace[: WAVE - oldest] = s.wave[main, oldest:]
    trace[WAVE - oldest :] = s.wave[main, :oldest]
    total = wander = 0.0
    for i in range(_TREND):
        total += trace[i]
    for i in range(WAVE):
        if i + _TREND < WAVE:
            total += trace[i + _TREND]
        if i > _TREND:
            total -= trace[i - _TREND - 1]
        mean = total / (min(i + _TREND, WAVE - 1) - max(i - _TREND, 0) + 1)
        wave[i] = trace[i] - mean
        wander += abs(mean)
    return wander / WAVE


@njit(cache=True, nogil=True)
def half_period(wave):
    """(half the mean period in samples, mean size): of a sine the changes add up to 2 pi of its size a period."""
    size = change = 0.0
    for i in range(1, WAVE):
        size += abs(wave[i])
        change += abs(wave[i] - wave[i - 1])
    return min(max(round(np.pi * size / max(change, 1e-9)), 1), WAVE // 4), size / WAVE


@njit(cache=True, nogil=True)
def leakage(wave, delayed):
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
