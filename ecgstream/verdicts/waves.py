"""How a lead's wave fills 4 s: fibrillation and flutter against beats and noise."""

from __future__ import annotations

import numpy as np

from ..rhythm.energy import REACH, qrs_energy
from ..waveform import GRID_HZ
from .findings import Findings, Lead

_LENGTH, _STEP = 4 * GRID_HZ, GRID_HZ // 2
_SPAN_S = 10
_BAND_HZ = (1.0, 30.0)
_NAN = float("nan")
_MEASURES = ("fill", "leakage", "peaked", "main_hz", "narrow", "fast_share", "size")


def wave_features(found: Findings) -> dict[str, float]:
    """Measures of the fullest 4 s of the last 10, in all leads together; least and most over leads."""
    per_lead = [told for lead in found.leads if (told := _measures(lead)) is not None]
    if not per_lead:
        return {f"wave_{name}_{which}": _NAN for name in _MEASURES for which in ("least", "most")}
    stack = np.stack(per_lead)  # leads, windows, measures
    fullest = int(np.argmax(stack[:, :, 0].mean(0)))
    told = {}
    for place, name in enumerate(_MEASURES):
        told[f"wave_{name}_least"] = float(stack[:, fullest, place].min())
        told[f"wave_{name}_most"] = float(stack[:, fullest, place].max())
    return told


def _measures(lead: Lead) -> np.ndarray | None:
    """float64 (windows, measures)."""
    n = len(lead.mv)
    stops = np.arange(n, max(n - (_SPAN_S * GRID_HZ - _LENGTH), _LENGTH) - 1, -_STEP)
    if n < _LENGTH + REACH:
        return None
    energy = _energy(lead.mv)
    return np.stack([_measure(lead.mv[stop - _LENGTH : stop], energy[stop - _LENGTH : stop]) for stop in stops])


def _energy(mv: np.ndarray) -> np.ndarray:
    work, slope, energy = (np.zeros(len(mv), np.float32) for _ in range(3))
    qrs_energy(np.ascontiguousarray(mv, np.float32), work, slope, energy)
    return energy


def _measure(wave: np.ndarray, energy: np.ndarray) -> np.ndarray:
    """Fill: energy between waves against its peaks. Leakage: Kuo & Dillman 1978. Peaked: kurtosis. Then the strongest
    frequency, the share of power within 1 Hz of it, the share above 10 Hz, and the size in mV."""
    low, high = np.quantile(energy, (0.1, 0.9))
    centred = wave - wave.mean()
    deviation = float(centred.std()) + 1e-6
    spectrum = np.abs(np.fft.rfft(centred * np.hanning(len(wave)), 2 * len(wave))) ** 2
    hz = np.fft.rfftfreq(2 * len(wave), 1 / GRID_HZ)
    band = (hz >= _BAND_HZ[0]) & (hz <= _BAND_HZ[1])
    total = float(spectrum[band].sum()) + 1e-12
    main_hz = float(hz[band][np.argmax(spectrum[band])])
    narrow = float(spectrum[band & (np.abs(hz - main_hz) <= 1.0)].sum()) / total
    fast = float(spectrum[band & (hz > 10)].sum()) / total
    half = max(1, round(np.pi * float(np.abs(centred).sum()) / max(float(np.abs(np.diff(centred)).sum()), 1e-9)))
    left = float(np.abs(centred[half:] + centred[:-half]).sum()) if half < len(wave) else _NAN
    leakage = left / (float(np.abs(centred[half:]).sum() + np.abs(centred[:-half]).sum()) + 1e-9)
    peaked = float(((centred / deviation) ** 4).mean())
    return np.array([low / max(float(high), 1e-6), leakage, peaked, main_hz, narrow, fast, deviation])
