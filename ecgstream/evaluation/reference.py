"""Lethal episodes that annotations prove: only those that meet the definition inside the annotated interval.

From rhythm notes: ventricular flutter and fibrillation of at least 4 s, and ventricular tachycardia of at least 3 s (at
more than 100 bpm that holds five beats). From annotated beats, where a recording has them: all five conditions by the
definitions of CinC 2015, made workable in a stream.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..waveform import LETHAL, Condition
from .beats import flutter_intervals
from .ec57 import CLASSES, reference_beats
from .records import Annotations

_FIBRILLATION = {"(VFL", "(VFIB", "(VF"}
_TACHYCARDIA = {"(VT"}
_LEAST_S = {Condition.VENTRICULAR_FIBRILLATION: 4.0, Condition.VENTRICULAR_TACHYCARDIA: 3.0}
_JOIN_S = 1.0
_ASYSTOLE_S = 4.0
_SLOW_S, _SLOW_INTERVALS, _SLOW_SPAN_S = 60 / 40, 4, 8.0
_FAST_S, _FAST_INTERVALS = 60 / 140, 16
_VT_INTERVALS, _VT_S = 4, 60 / 100
_VENTRICULAR = CLASSES.index("V")

VENTRICULAR = (Condition.VENTRICULAR_TACHYCARDIA, Condition.VENTRICULAR_FIBRILLATION)


@dataclass(frozen=True, slots=True)
class Episode:
    """A condition that holds from its onset to its end."""

    condition: Condition
    start_s: float
    stop_s: float
    definition_s: float = 0.0  # from the onset to where the definition is met first; of annotated ones


def lethal_episodes(annotations: Annotations, duration_s: float) -> list[Episode]:
    """Every lethal episode of a recording, in order; ventricular ones that touch are one."""
    noted = [episode for episode in _noted(annotations, duration_s) if _meets(episode)]
    beats = reference_beats(annotations.time_s, annotations.symbol)
    found = noted + list(_from_beats(beats.time_s, beats.labels() == _VENTRICULAR))
    found = [episode for episode in found if not _shockable_inside(episode, noted)]
    return _joined(sorted(found, key=lambda episode: episode.start_s))


def provable_conditions(annotations: Annotations) -> tuple[Condition, ...]:
    """Conditions that these annotations show to be there or not."""
    beats = reference_beats(annotations.time_s, annotations.symbol)
    return LETHAL if len(beats.time_s) else VENTRICULAR


def accepted(condition: Condition) -> tuple[Condition, ...]:
    """Conditions whose alarm counts for an episode: any lethal ventricular one for VT, flutter and VF."""
    return VENTRICULAR if condition in VENTRICULAR else (condition,)


def _noted(annotations: Annotations, duration_s: float) -> Iterator[Episode]:
    at = np.flatnonzero([note.startswith("(") for note in annotations.note])
    ends = np.append(annotations.time_s[at[1:]], duration_s)[: len(at)]
    for note, start_s, stop_s in zip(annotations.note[at], annotations.time_s[at], ends, strict=True):
        if note in _FIBRILLATION:
            yield _of_length(Condition.VENTRICULAR_FIBRILLATION, float(start_s), float(stop_s))
        elif note in _TACHYCARDIA:
            yield _of_length(Condition.VENTRICULAR_TACHYCARDIA, float(start_s), float(stop_s))
    for start_s, stop_s in flutter_intervals(annotations, duration_s):
        yield _of_length(Condition.VENTRICULAR_FIBRILLATION, start_s, stop_s)


def _of_length(condition: Condition, start_s: float, stop_s: float) -> Episode:
    return Episode(condition, start_s, stop_s, _LEAST_S[condition])


def _of_beats(condition: Condition, time_s: np.ndarray, first: int, count: int) -> Episode:
    """Met with the last of so many intervals from beat ``first`` on."""
    start_s, stop_s = float(time_s[first]), float(time_s[first + count])
    return Episode(condition, start_s, stop_s, stop_s - start_s)


def _meets(episode: Episode) -> bool:
    return episode.stop_s - episode.start_s >= _LEAST_S[episode.condition]


def _from_beats(time_s: np.ndarray, ventricular: np.ndarray) -> Iterator[Episode]:
    intervals = np.diff(time_s)
    for i in np.flatnonzero(intervals >= _ASYSTOLE_S):
        yield Episode(Condition.ASYSTOLE, float(time_s[i]), float(time_s[i + 1]), _ASYSTOLE_S)
    yield from _slow(time_s)
    for i in _windows(intervals, _FAST_INTERVALS, _FAST_S):
        yield _of_beats(Condition.EXTREME_TACHYCARDIA, time_s, i, _FAST_INTERVALS)
    for i in _windows(intervals, _VT_INTERVALS, _VT_S):
        if ventricular[i : i + _VT_INTERVALS + 1].all():
            yield _of_beats(Condition.VENTRICULAR_TACHYCARDIA, time_s, i, _VT_INTERVALS)


def _windows(intervals: np.ndarray, count: int, mean_s: float) -> np.ndarray:
    """Where ``count`` successive intervals have a mean below ``mean_s``."""
    sums = np.convolve(intervals, np.ones(count), "valid") if len(intervals) >= count else np.empty(0)
    return np.flatnonzero(sums < count * mean_s)


def _slow(time_s: np.ndarray) -> Iterator[Episode]:
    """Four intervals, or as many as fill 8 s, with a mean rate below 40."""
    for count in range(1, _SLOW_INTERVALS + 1):
        spans = time_s[count:] - time_s[:-count]
        enough = (spans >= _SLOW_SPAN_S) | (count == _SLOW_INTERVALS)
        for i in np.flatnonzero(enough & (spans > count * _SLOW_S)):
            start_s, stop_s = float(time_s[i]), float(time_s[i + count])
            yield Episode(Condition.EXTREME_BRADYCARDIA, start_s, stop_s, min(stop_s - start_s, _SLOW_SPAN_S))


def _shockable_inside(episode: Episode, noted: list[Episode]) -> bool:
    """Beats are not annotated in flutter and fibrillation: what their absence suggests there is no episode."""
    if episode.condition in VENTRICULAR or episode.condition == Condition.EXTREME_TACHYCARDIA:
        return False
    return any(one.start_s < episode.stop_s and episode.start_s < one.stop_s for one in noted)


def _joined(episodes: list[Episode]) -> list[Episode]:
    joined: list[Episode] = []
    for episode in episodes:
        for i, earlier in enumerate(joined):
            same = earlier.condition in accepted(episode.condition)
            if same and episode.start_s <= earlier.stop_s + _JOIN_S:
                met_s = min(one.start_s + one.definition_s for one in (earlier, episode))
                stop_s = max(earlier.stop_s, episode.stop_s)
                joined[i] = Episode(earlier.condition, earlier.start_s, stop_s, met_s - earlier.start_s)
                break
        else:
            joined.append(episode)
    return joined
