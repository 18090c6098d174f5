"""Findings as numbers, for the head that judges."""

from __future__ import annotations

import numpy as np

from ..pulse import Pulses
from ..rhythm.fibrillation import BEGIN, LEAKAGE_SHARE
from ..waveform import GRID_HZ, GroupKind
from .findings import Findings, Lead
from .shapes import run_features
from .waves import wave_features

RECENT_S = 10.0
"""The cause of an alarm began within these (Clifford et al. 2015)."""
_LOOK_S = 14.0
_BELIEVED = 0.7
SOURCES = ("fused", "lead1", "lead2", "pleth", "abp")
_NAN = float("nan")


def features(found: Findings) -> dict[str, float]:
    """Every feature by name; NaN where nothing is known."""
    pleth, pressure = (found.pulses.get(kind) for kind in (GroupKind.PLETH, GroupKind.ABP))
    leads = [*found.leads, None, None][:2]
    times_s = (
        found.beat_s[found.tall],
        *(None if lead is None else lead.beat_s for lead in leads),
        *(None if pulses is None else pulses.time_s for pulses in (pleth, pressure)),
    )
    told = {
        f"{name}_{key}": value
        for name, at_s in zip(SOURCES, times_s, strict=True)
        for key, value in _rates(at_s).items()
    }
    told |= _least_and_most(told, found)
    for number, lead in enumerate(leads, 1):
        told |= {f"lead{number}_{key}": value for key, value in _quality(lead).items()}
    for name, pulses in (("pleth", pleth), ("abp", pressure)):
        told |= {f"{name}_{key}": value for key, value in _pulse_features(pulses, found.beat_s).items()}
    told |= _pause_features(found)
    told |= run_features(found)
    return told | wave_features(found)


def definition(kind: str, told: dict[str, float]) -> dict[str, float]:
    """How far each source meets the definition of asystole (4 s), extreme bradycardia (40) or tachycardia (140 a
    minute): 1 at its edge, more beyond; ``least``: the source of those believed that meets it least. Fibrillation: what
    the rules tell it by, in the lead that shows it least. NaN for others."""
    if kind == "asystole":
        met = {source: told[f"{source}_gap"] / 4.0 for source in SOURCES} | {"least": told["gap_least"] / 4.0}
    elif kind == "bradycardia":
        met = {source: 40.0 / told[f"{source}_slow"] for source in SOURCES} | {"least": 40.0 / told["slow_most"]}
    elif kind == "tachycardia":
        met = {source: told[f"{source}_fast"] / 140.0 for source in SOURCES} | {"least": told["fast_least"] / 140.0}
    else:
        met = dict.fromkeys((*SOURCES, "least"), _NAN)
    if kind == "ventricular_fibrillation":
        met["least"] = (told["wave_fill_least"] - LEAKAGE_SHARE * told["wave_leakage_most"]) / BEGIN
    return {f"{source}_meets": value for source, value in met.items()}


def _rates(at: np.ndarray | None) -> dict[str, float]:
    """Of beats or pulses: number and longest gap, lowest and highest rate by the definitions, evenness."""
    if at is None:
        return dict.fromkeys(("n", "gap", "gap_end", "slow", "fast", "fast5", "uneven"), _NAN)
    late = at[at >= -_LOOK_S]
    gaps = np.diff(np.concatenate([[-_LOOK_S], late, [0.0]]))
    lasting = np.diff(late)
    return {
        "n": float((at >= -RECENT_S).sum()),
        "gap": float(gaps.max()),
        "gap_end": -float(late[-1]) if len(late) else _LOOK_S,
        "slow": _extreme_rate(at, 4, min),
        "fast": _extreme_rate(at, 16, max),
        "fast5": _extreme_rate(at, 4, max),
        "uneven": float(lasting.std() / lasting.mean()) if len(lasting) > 2 else _NAN,
    }


def _extreme_rate(at: np.ndarray, intervals: int, which) -> float:
    """Lowest or highest mean rate, bpm, of so many successive intervals that end in the last 10 s."""
    if len(at) <= intervals:
        return _NAN
    spans = (at[intervals:] - at[:-intervals])[at[intervals:] >= -RECENT_S]
    return which(60.0 * intervals / spans) if len(spans) else _NAN


def _least_and_most(told: dict[str, float], found: Findings) -> dict[str, float]:
    """The sources together: one that can be believed and shows beats is proof against what others miss."""
    believed = ["fused", "lead1", "lead2"]
    believed += [name for name, kind in (("pleth", GroupKind.PLETH), ("abp", GroupKind.ABP)) if _is_good(found, kind)]

    def of(key: str) -> list[float]:
        return [told[f"{name}_{key}"] for name in believed if told[f"{name}_{key}"] == told[f"{name}_{key}"]]

    return {
        "gap_least": min(of("gap"), default=_NAN),
        "slow_most": max(of("slow"), default=_NAN),
        "fast_least": min(of("fast"), default=_NAN),
        "fast_most": max(of("fast"), default=_NAN),
        "fast_middle": float(np.median(of("fast"))) if of("fast") else _NAN,
        "fast5_least": min(of("fast5"), default=_NAN),
        "uneven_least": min(of("uneven"), default=_NAN),
    }


def _is_good(found: Findings, kind: GroupKind) -> bool:
    pulses = found.pulses.get(kind)
    if pulses is None:
        return False
    late = pulses.good[pulses.time_s >= -_LOOK_S]
    return len(late) > 3 and float(late.mean()) >= _BELIEVED


def _quality(lead: Lead | None) -> dict[str, float]:
    if lead is None:
        return dict.fromkeys(("quality", "worst", "flat", "rms", "rms_change", "height_mv"), _NAN)
    recent = lead.mv[-round(RECENT_S * GRID_HZ) :]
    before = lead.mv[: -round(RECENT_S * GRID_HZ)]
    size = float(recent.std())
    return {
        "quality": float(lead.quality[-50:].mean()),
        "worst": float(lead.quality[-50:].min()),
        "flat": float(lead.flat[-70:].mean()),
        "rms": size,
        "rms_change": float(np.log((size + 1e-3) / (before.std() + 1e-3))) if len(before) else _NAN,
        "height_mv": float(np.median(_ranges(recent))) if len(recent) >= GRID_HZ else _NAN,
    }


def _pulse_features(pulses: Pulses | None, beat_s: np.ndarray) -> dict[str, float]:
    """Belief, change of height and mean, and how well pulses follow beats."""
    names = ("good", "agreement", "weakest", "height_change", "mean_change", "follows", "spread")
    if pulses is None or len(pulses.time_s) < 4:
        return dict.fromkeys(names, _NAN)
    recent = pulses.time_s >= -RECENT_S
    usual = float(np.median(pulses.height)) or 1e-9
    lag = _lag(beat_s, pulses.time_s)
    return {
        "good": float(pulses.good[recent].mean()) if recent.any() else 0.0,
        "agreement": float(np.median(pulses.agreement[recent])) if recent.any() else 0.0,
        "weakest": float(pulses.height[recent].min() / usual) if recent.any() else 0.0,
        "height_change": float(np.median(pulses.height[recent]) / usual) if recent.any() else 0.0,
        "mean_change": _mean_change(pulses, recent),
        "follows": float((np.abs(lag - np.median(lag)) < 0.12).mean()) if len(lag) else _NAN,
        "spread": float(lag.std()) if len(lag) else _NAN,
    }


def _mean_change(pulses: Pulses, recent: np.ndarray) -> float:
    if not recent.any() or recent.all():
        return _NAN
    return float((pulses.mean[recent].min() - np.median(pulses.mean[~recent])) / (np.median(pulses.height) or 1e-9))


def _lag(beat_s: np.ndarray, pulse_s: np.ndarray) -> np.ndarray:
    """From each recent beat to the next pulse, s."""
    beats = beat_s[(beat_s >= -_LOOK_S) & (beat_s < pulse_s[-1])]
    return pulse_s[np.searchsorted(pulse_s, beats)] - beats


def _pause_features(found: Findings) -> dict[str, float]:
    """What lies in the longest gap between beats: others' beats, pulses, and how large the wave is there."""
    late = np.concatenate([[-_LOOK_S], found.beat_s[found.tall & (found.beat_s >= -_LOOK_S)], [-0.3]])
    longest = int(np.argmax(np.diff(late)))
    start, stop = late[longest] + 0.3, late[longest + 1] - 0.1
    told = {"pause": float(stop - start)}
    for name, kind in (("pleth", GroupKind.PLETH), ("abp", GroupKind.ABP)):
        pulses = found.pulses.get(kind)
        known = pulses is not None and len(pulses.time_s) > 0
        inside = (pulses.time_s > start + 0.3) & (pulses.time_s < stop + 0.3) if known else np.zeros(0, bool)
        told[f"pause_{name}"] = float(pulses.good[inside].sum()) if known else _NAN
    sizes = [_size_in(lead, start, stop) for lead in found.leads]
    told["pause_size_least"], told["pause_size_most"] = min(sizes, default=_NAN), max(sizes, default=_NAN)
    counts = [float(((lead.beat_s > start) & (lead.beat_s < stop)).sum()) for lead in found.leads]
    told["pause_beats_most"] = max(counts, default=_NAN)
    return told


def _size_in(lead: Lead, start_s: float, stop_s: float) -> float:
    """Range of the wave in a stretch against the lead's usual range in a second."""
    first, last = (len(lead.mv) + round(at * GRID_HZ) for at in (start_s, stop_s))
    part = lead.mv[max(first, 0) : max(last, 0)]
    usual = float(np.median(_ranges(lead.mv))) if len(lead.mv) >= GRID_HZ else 0.0
    return float(np.ptp(part) / max(usual, 1e-3)) if len(part) else _NAN


def _ranges(mv: np.ndarray) -> np.ndarray:
    """Range of the wave in every whole second."""
    return np.ptp(mv[: len(mv) // GRID_HZ * GRID_HZ].reshape(-1, GRID_HZ), axis=1)
