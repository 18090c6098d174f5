"""Named measures of the main leads' last 4 s, from which a head tells fibrillation once a second. Compiled.

Sources, by measure: leakage (Kuo & Dillman 1978), spectral moment (Barro 1989), threshold crossings (Thakor 1990;
Arafat 2011), phase space (Amann 2007), band-pass counts (Jekova & Krasteva 2004), sample entropy (Richman & Moorman
2000); the others are plain statistics of the trace and of its beats.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from ..waveform import GRID_HZ
from .beats import beat_sample, interval, is_ventricular
from .fibrillation import WAVE, half_period, lead_fill, leakage, take_trend_off
from .spectrum import SPECTRAL, measure_spectrum
from .state import FIBRILLATION_HOPS, N_MAIN_LEADS
from .texture import TEXTURE, measure_texture

WAVE_HOPS = 5
"""Waves are measured in every fifth hop, the last of a second of the grid."""
LEAST_FILL = 0.06
"""Where every lead has less QRS energy between waves than this share of the peaks', there are beats: nothing is
measured, as in most beds most of the time. Fibrillation in vfdb has 0.08 and more."""
_OF_SIZE = ("fill", "low", "level", "size", "height", "wander", "leakage", "half_period")
_OF_BEATS = ("beats", "uneven", "ventricular", "score")
FEATURES = _OF_SIZE + TEXTURE + SPECTRAL + _OF_BEATS
"""Names of the measures, in order."""
_AT_TEXTURE = len(_OF_SIZE)
_AT_SPECTRUM = _AT_TEXTURE + len(TEXTURE)
_AT_BEATS = _AT_SPECTRUM + len(SPECTRAL)
_SPAN = 4 * GRID_HZ
_MOST_BEATS = 60


@njit(cache=True, nogil=True)
def measure_waves(s, known, out):
    """Every measure of each main lead with 4 s of whole signal into ``out`` (N_MAIN_LEADS, len(FEATURES))."""
    greatest = 0.0
    for main in range(N_MAIN_LEADS):
        if s.main_lead[main] >= 0 and s.wave_hops[main] == FIBRILLATION_HOPS:
            greatest = max(greatest, lead_fill(s, main))
    if greatest < LEAST_FILL:
        return
    wave = np.empty(WAVE, np.float32)
    for main in range(N_MAIN_LEADS):
        lead = s.main_lead[main]
        if lead >= 0 and s.wave_hops[main] == FIBRILLATION_HOPS:
            out[main, 5] = take_trend_off(s, main, wave)
            _measure_size(s, main, lead, wave, out[main])
            measure_texture(wave, out[main, _AT_TEXTURE:_AT_SPECTRUM])
            measure_spectrum(wave, out[main, _AT_SPECTRUM:_AT_BEATS])
            _measure_beats(s, known, out[main, _AT_BEATS:])


@njit(cache=True, nogil=True)
def _measure_size(s, main, lead, wave, out):
    half, size = half_period(wave)
    out[0] = lead_fill(s, main)
    out[1] = np.sort(s.wave_low[main])[6]
    out[2] = np.sort(s.wave_peak[main])[17] / max(s.level[lead], 1e-9)
    out[3], out[4] = size, wave.max() - wave.min()
    out[6], out[7] = leakage(wave[half:], wave[: WAVE - half]), half


@njit(cache=True, nogil=True)
def _measure_beats(s, known, out):
    """Beats in the last 4 s known: their number, the spread of their intervals, the share of ventricular ones."""
    count, ventricular, shortest, longest = 0, 0, _SPAN, 0
    while count < min(s.n_beats, _MOST_BEATS) and beat_sample(s, count) >= known - _SPAN:
        ventricular += is_ventricular(s, count)
        length = interval(s, count)
        if length > 0:
            shortest, longest = min(shortest, length), max(longest, length)
        count += 1
    out[0], out[1] = count, longest / shortest
    out[2], out[3] = ventricular / max(count, 1), s.fibrillation_score
