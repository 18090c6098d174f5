"""Beats against the patient's own usual beat: is there a fast run of wide and strange ones?"""

from __future__ import annotations

import numpy as np

from ..waveform import GRID_HZ
from .findings import Findings, Lead

_BEFORE, _AFTER = 30, 45
"""Samples of a beat around its QRS."""
_LAGS = range(-6, 7, 2)
_RUN = 5
_FAST_S = 60 / 90
_LOOK_S = 13.0
_STRANGE = 0.75
_LEAST_MV = 1e-3
_NAN = float("nan")
_MEASURES = ("strange", "like", "alike", "wide", "width_s", "tall")
"""1 - mean likeness to the usual beat, greatest likeness, mean likeness of the run's beats to each other, effective
width against the usual beat's, and in seconds, height against the usual beat's."""
_WITH_RATE = (*_MEASURES, "rate")


def run_features(found: Findings) -> dict[str, float]:
    """The strangest fast run of five beats, by each lead alone (least and most over leads) and by all together, and
    what the rules say of beats."""
    runs = _fast_runs(found.beat_s)
    rate = np.array([60 * (_RUN - 1) / (found.beat_s[first + _RUN - 1] - found.beat_s[first]) for first in runs])
    shapes = [_Shapes(lead, found.beat_s) for lead in found.leads]
    measured = [np.array([one.measure(first) for first in runs]).reshape(-1, len(_MEASURES)) for one in shapes]
    told = _by_lead(measured, rate) | _together(measured, rate, found.beat_s, runs) | _lengths(found, shapes)
    recent = found.beat_s >= -_LOOK_S
    flagged = found.ventricular[recent]
    told["ventricular"] = float(flagged.sum())
    told["ventricular_run"] = float(_longest(flagged))
    told["ventricular_share"] = float(found.ventricular.mean()) if len(found.ventricular) else _NAN
    told["ventricular_rate"] = _run_rate(found.beat_s[recent], flagged)
    return told


def _fast_runs(beat_s: np.ndarray) -> list[int]:
    """First beats of the recent runs of five with a rate over 90."""
    return [
        first
        for first in range(len(beat_s) - _RUN + 1)
        if beat_s[first] >= -_LOOK_S and beat_s[first + _RUN - 1] - beat_s[first] <= (_RUN - 1) * _FAST_S
    ]


class _Shapes:
    """The beats of one lead, laid over its usual beat."""

    def __init__(self, lead: Lead, beat_s: np.ndarray):
        shapes, self.known = _cut(lead, beat_s)
        self.usual = _usual(shapes[:, len(_LAGS) // 2], beat_s, self.known)
        if self.usual is not None:
            self.like, self.beats = _laid_over(shapes, self.usual)

    def measure(self, first: int) -> tuple[float, ...]:
        """``_MEASURES`` of the run that begins with this beat; NaN where not all of it is known."""
        run = slice(first, first + _RUN)
        if self.usual is None or not self.known[run].all():
            return (_NAN,) * len(_MEASURES)
        like, beats = self.like[run], self.beats[run]
        height, usual_height = np.abs(beats).max(1), float(np.abs(self.usual).max())
        width = float(np.median(np.abs(beats).sum(1) / np.maximum(height, 1e-6)))
        usual_width = float(np.abs(self.usual).sum()) / usual_height
        tall = float(np.median(height)) / usual_height
        return 1 - float(like.mean()), float(like.max()), _alike(beats), width / usual_width, width / GRID_HZ, tall


def _cut(lead: Lead, beat_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """float64 (B, lags, length): every beat at several lags; and bool (B,), whether all of it is valid."""
    centre = np.rint(len(lead.mv) + beat_s * GRID_HZ).astype(np.int64)
    places = centre[:, None, None] + np.array(_LAGS)[None, :, None] + np.arange(-_BEFORE, _AFTER)
    inside = np.clip(places, 0, len(lead.mv) - 1)
    known = (lead.valid[inside] & (places == inside)).all((1, 2))
    shapes = lead.mv[inside].astype(np.float64)
    return shapes - shapes.mean(2, keepdims=True), known


def _usual(beats: np.ndarray, beat_s: np.ndarray, known: np.ndarray) -> np.ndarray | None:
    """The mean of the larger family of beats before the last 10 s, or of all; None: too few, or flat."""
    for chosen in (known & (beat_s < -10.0), known):
        if chosen.sum() >= 4:
            own = beats[chosen]
            norms = np.maximum(np.linalg.norm(own, axis=1, keepdims=True), 1e-9)
            alike = (own / norms) @ (own / norms).T
            centre = int(np.argmax(np.median(alike, axis=1)))
            usual = own[alike[centre] >= min(0.8, np.median(alike[centre]))].mean(0)
            return usual if np.abs(usual).max() > _LEAST_MV else None
    return None


def _laid_over(shapes: np.ndarray, usual: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Correlation (B,) with the usual beat at the best lag, and the beats (B, length) at that lag."""
    norms = np.linalg.norm(shapes, axis=2) * np.linalg.norm(usual)
    like = shapes @ usual / np.maximum(norms, 1e-9)
    lag, beats = like.argmax(1), np.arange(len(shapes))
    return like[beats, lag], shapes[beats, lag]


def _alike(beats: np.ndarray) -> float:
    """Mean correlation of the beats of a run with each other."""
    norms = np.maximum(np.linalg.norm(beats, axis=1, keepdims=True), 1e-9)
    product = (beats / norms) @ (beats / norms).T
    return float((product.sum() - len(beats)) / (len(beats) * (len(beats) - 1)))


def _by_lead(measured: list[np.ndarray], rate: np.ndarray) -> dict[str, float]:
    """Of every lead the run strangest in it; least and most over leads."""
    chosen = []
    for runs in measured:
        if np.isfinite(runs[:, 0]).any():
            place = int(np.nanargmax(runs[:, 0]))
            chosen.append((*runs[place].tolist(), float(rate[place])))
    return _least_and_most("run", _WITH_RATE, chosen)


def _together(measured: list[np.ndarray], rate: np.ndarray, beat_s: np.ndarray, runs: list[int]) -> dict[str, float]:
    """Of the run strangest in all leads together; least and most over leads."""
    known = [one for one in measured if np.isfinite(one[:, 0]).any()]
    names = [f"joint_{name}" for name in ("rate", "uneven")]
    if not known:
        return _least_and_most("joint", _MEASURES, []) | dict.fromkeys(names, _NAN)
    strange = np.nan_to_num(np.stack([one[:, 0] for one in known]), nan=0.0).mean(0)
    place = int(np.argmax(strange))
    lasting = np.diff(beat_s[runs[place] : runs[place] + _RUN])
    told = _least_and_most("joint", _MEASURES, [tuple(one[place].tolist()) for one in known])
    return told | {names[0]: float(rate[place]), names[1]: float(lasting.std() / lasting.mean())}


def _least_and_most(what: str, names: tuple[str, ...], chosen: list[tuple[float, ...]]) -> dict[str, float]:
    told = {}
    for place, name in enumerate(names):
        values = [one[place] for one in chosen if one[place] == one[place]]
        told[f"{what}_{name}_least"] = min(values, default=_NAN)
        told[f"{what}_{name}_most"] = max(values, default=_NAN)
    return told


def _lengths(found: Findings, shapes: list[_Shapes]) -> dict[str, float]:
    """Longest fast run of beats unlike the usual one, in the lead where it is longest and where it is shortest."""
    fast = np.diff(found.beat_s, prepend=-np.inf) < _FAST_S
    recent = found.beat_s >= -_LOOK_S
    lengths = [
        float(_longest((one.like < _STRANGE) & one.known & recent & fast)) for one in shapes if one.usual is not None
    ]
    return {"strange_run_least": min(lengths, default=_NAN), "strange_run_most": max(lengths, default=_NAN)}


def _longest(flags: np.ndarray) -> int:
    """Length of the longest run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags, [0]])))
    return int(np.diff(edges.reshape(-1, 2), axis=1).max(initial=0))


def _run_rate(beat_s: np.ndarray, flagged: np.ndarray) -> float:
    """Mean rate within the longest run of ventricular beats; NaN for fewer than three."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flagged, [0]]))).reshape(-1, 2)
    if not len(edges):
        return _NAN
    start, stop = edges[np.argmax(edges[:, 1] - edges[:, 0])]
    return float(60 * (stop - start - 1) / (beat_s[stop - 1] - beat_s[start])) if stop - start >= 3 else _NAN
