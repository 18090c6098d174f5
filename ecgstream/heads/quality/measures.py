"""What one lead of a short recording says of its quality, as named measures.

Signal quality indices after Li, Mark & Clifford 2008 (kurtosis, share of the QRS band, agreement of beat detections),
Clifford et al. 2012 (flat stretches, share of the baseline) and Behar et al. 2013 (likeness of successive beats).
"""

from __future__ import annotations

import numpy as np
from scipy import signal
from scipy.ndimage import maximum_filter1d, minimum_filter1d

from ...conditioning import NOISY
from ...waveform import GRID_HZ, Reason

BANDS_HZ = {
    "wander": (0.1, 0.7),
    "slow": (0.7, 5),
    "qrs": (5, 15),
    "upper": (15, 40),
    "mains": (45, 65),
    "fast": (65, 120),
}
_FLAT_SPAN = 25
_FLAT_MV = 0.012
_RAIL_MV = 2.0
_RAIL_SHARE = 0.985
_JUMP = 5
_MATCH = round(0.15 * GRID_HZ)
_QRS = 30
"""Samples of a QRS on either side of its beat."""
_BEFORE, _AFTER = 75, 125
_LEAST_BEATS = 3
_SLIGHT = 1e-6


def measure_trace(raw_mv: np.ndarray) -> dict[str, float]:
    """Of the unfiltered trace (samples,), mV at GRID_HZ: extent, flat stretches, rails, wander, jumps, roughness."""
    flat = maximum_filter1d(raw_mv, _FLAT_SPAN) - minimum_filter1d(raw_mv, _FLAT_SPAN) < _FLAT_MV
    low, less, quarter, middle, most, more, high = np.percentile(raw_mv, [1, 5, 25, 50, 75, 95, 99])
    peak = np.abs(raw_mv).max()
    second = raw_mv[: len(raw_mv) // GRID_HZ * GRID_HZ].reshape(-1, GRID_HZ)
    extent, level = np.ptp(second, 1), np.median(second, 1)
    jump, step = np.abs(raw_mv[_JUMP:] - raw_mv[:-_JUMP]), np.abs(np.diff(raw_mv))
    bend = np.abs(np.diff(raw_mv, 2))
    bends = np.sort(np.median(bend[: len(bend) // 50 * 50].reshape(-1, 50), 1))
    return {
        "flat": flat.mean(),
        "flat_s": _longest(flat) / GRID_HZ,
        "range": np.ptp(raw_mv),
        "range_98": high - low,
        "range_90": more - less,
        "range_50": most - quarter,
        "offset": abs(middle),
        "sd": raw_mv.std(),
        "peak": peak,
        "at_peak": (np.abs(raw_mv) > _RAIL_SHARE * peak).mean() if peak > _RAIL_MV else 0.0,
        "second_most": extent.max(),
        "second_median": np.median(extent),
        "second_least": extent.min(),
        "second_ratio": extent.max() / (np.median(extent) + 0.02),
        "level_range": np.ptp(level),
        "level_step": np.abs(np.diff(level)).max(),
        "level_sd": level.std(),
        "jump_most": jump.max(),
        "jumps": (jump > 1.0).mean(),
        "step_most": step.max(),
        "steps": (step > 0.5).mean(),
        "bend_median": np.median(bend),
        "bend_p90": np.percentile(bend, 90),
        "bend_worst": bends[-3:].mean(),
        "bend_best": bends[:5].mean(),
    }


def measure_spectrum(raw_mv: np.ndarray) -> dict[str, float]:
    """Power by band (log10 mV²) and the shares pSQI and basSQI, of the unfiltered trace."""
    at_hz, power = signal.welch(raw_mv - raw_mv.mean(), GRID_HZ, nperseg=min(4 * GRID_HZ, len(raw_mv)))

    def within(low_hz: float, high_hz: float) -> float:
        return float(power[(at_hz >= low_hz) & (at_hz < high_hz)].sum() * at_hz[1])

    bands = {f"power_{name}": np.log10(within(*band) + 1e-7) for name, band in BANDS_HZ.items()}
    return bands | {
        "qrs_share": within(5, 15) / (within(5, 40) + 1e-9),
        "above_wander_share": 1 - within(0.1, 1) / (within(0.1, 40) + 1e-9),
        "fast_share": within(45, GRID_HZ) / (within(1, GRID_HZ) + 1e-9),
    }


def measure_filtered(ecg_mv: np.ndarray, reason: np.ndarray, quality: np.ndarray) -> dict[str, float]:
    """Of the conditioned trace (samples,), mV, and the daemon's own judgement of its hops (hops,)."""
    spread = ecg_mv.std() + _SLIGHT
    normal = (ecg_mv - ecg_mv.mean()) / spread
    second = ecg_mv[: len(ecg_mv) // GRID_HZ * GRID_HZ].reshape(-1, GRID_HZ)
    extent, spreads = np.ptp(second, 1), second.std(1)
    judged = {f"hops_{why.name.lower()}": (reason == why).mean() for why in (Reason.FLAT, Reason.SATURATED)}
    return judged | {
        "hops_noise": np.isin(reason, NOISY).mean(),
        "kurtosis": (normal**4).mean(),
        "skewness": (normal**3).mean(),
        "ecg_sd": spread,
        "ecg_range": np.ptp(ecg_mv),
        "ecg_second_most": extent.max(),
        "ecg_second_median": np.median(extent),
        "ecg_second_ratio": extent.max() / (np.median(extent) + 0.02),
        "ecg_second_low": extent.min() / (np.median(extent) + 0.02),
        "ecg_sd_ratio": spreads.max() / (np.median(spreads) + 0.005),
        "quality": quality.mean(),
        "quality_low": np.sort(quality)[:5].mean(),
        "quality_median": np.median(quality),
    }


def measure_detection(fused: np.ndarray, own: np.ndarray) -> dict[str, float]:
    """How far beats found in this lead alone, ``own``, are those found in all leads, ``fused`` (samples)."""
    matched = sum(bool(np.any(np.abs(own - beat) <= _MATCH)) for beat in fused)
    rr = np.diff(own)
    return {
        "beats": len(own),
        "agreement": 2 * matched / max(len(own) + len(fused), 1),
        "rr_cv": rr.std() / rr.mean() if len(rr) >= _LEAST_BEATS else np.nan,
    }


def measure_beats(ecg_mv: np.ndarray, beats: np.ndarray) -> dict[str, float]:
    """How alike the lead is at every beat, and how quiet between; empty with fewer than three beats."""
    beats = beats[(beats > _QRS) & (beats < len(ecg_mv) - _QRS - 1)]
    if len(beats) < _LEAST_BEATS:
        return {}
    around = ecg_mv[beats[:, None] + np.arange(-_QRS, _QRS + 1)]
    around = around - around.mean(1, keepdims=True)
    usual = np.median(around, 0)
    height = np.ptp(usual)
    alike = np.sort(around @ usual / (np.linalg.norm(around, axis=1) * np.linalg.norm(usual) + _SLIGHT))
    left = around - usual
    found = {
        "alike_mean": alike.mean(),
        "alike_least": alike[0],
        "alike_median": np.median(alike),
        "alike_low": alike[:2].mean(),
        "height": height,
        "turned": usual[_QRS] / (height + 0.02),
        "net": usual.sum() / (np.abs(usual).sum() + _SLIGHT),
        "left": left.std() / (height + 0.02),
        "left_most": np.abs(left).max() / (height + 0.02),
    }
    return found | _rest(ecg_mv, beats, height) | _cycle(ecg_mv, beats, height)


def _rest(ecg_mv: np.ndarray, beats: np.ndarray, height: float) -> dict[str, float]:
    """Between QRS complexes."""
    far = np.ones(len(ecg_mv), bool)
    far[(beats[:, None] + np.arange(-_QRS, _QRS + 1)).ravel()] = False
    if far.sum() < GRID_HZ:
        return {}
    rest = ecg_mv[far]
    usual = np.median(np.abs(rest - np.median(rest)))
    return {
        "rest_sd": rest.std(),
        "rest_usual": usual,
        "rest_most": np.abs(rest).max(),
        "height_to_sd": height / (rest.std() + 0.005),
        "height_to_usual": height / (usual + 0.004),
        "height_to_most": height / (np.abs(rest).max() + 0.01),
    }


def _cycle(ecg_mv: np.ndarray, beats: np.ndarray, height: float) -> dict[str, float]:
    """Whole cycles, P to T, against the usual one."""
    rr = int(np.median(np.diff(beats)))
    before, after = min(_BEFORE, rr // 3), min(_AFTER, rr * 2 // 3)
    beats = beats[(beats > before) & (beats < len(ecg_mv) - after)]
    if len(beats) < _LEAST_BEATS:
        return {}
    cycles = ecg_mv[beats[:, None] + np.arange(-before, after)]
    usual = np.median(cycles, 0)
    centred, shape = cycles - cycles.mean(1, keepdims=True), usual - usual.mean()
    alike = centred @ shape / (np.linalg.norm(centred, axis=1) * np.linalg.norm(shape) + _SLIGHT)
    left = np.abs(cycles - usual)
    return {
        "cycle_alike": np.median(alike),
        "cycle_left": np.median(left) / (height + 0.02),
        "cycle_left_p98": np.percentile(left, 98) / (height + 0.02),
        "cycle_left_mv": np.percentile(left, 98),
    }


def _longest(mask: np.ndarray) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max()) if len(edges) else 0
