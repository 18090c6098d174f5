"""Where beats were missed, made up or classed wrongly, for the report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .cases import MOST_OF_A_RECORD, Case, Lane, Note, Worst, clock, traces_of
from .ec57 import CLASSES, BeatList, match_beats
from .records import Record

SHOWN_S = 10.0
UNCLASSED = "•"


@dataclass(frozen=True, slots=True)
class Compared:
    """Annotated beats and those found, with what is wrong of them by the score."""

    reference: BeatList
    found: BeatList
    missed: np.ndarray  # bool, of the reference
    other: np.ndarray  # bool, of the reference: found, but of another class
    extra: np.ndarray  # bool, of those found
    misclassed: np.ndarray  # bool, of those found
    with_classes: bool

    def wrong_s(self) -> np.ndarray:
        """Times of all mistakes."""
        return np.concatenate([self.reference.time_s[self.missed | self.other], self.found.time_s[self.extra]])


def compare(
    reference: BeatList, found: BeatList, is_counted: Callable[[np.ndarray], np.ndarray], with_classes: bool
) -> Compared:
    """``is_counted``: times (K,) to bool, what the score looks at."""
    partner = match_beats(reference.time_s, found.time_s)
    matched, counted = partner >= 0, is_counted(reference.time_s)
    extra = is_counted(found.time_s)
    extra[partner[matched]] = False
    other = np.zeros(len(partner), bool)
    if with_classes:
        other[matched] = reference.labels()[matched] != found.labels()[partner[matched]]
    other &= counted
    misclassed = np.zeros(len(found.time_s), bool)
    misclassed[partner[other]] = True
    return Compared(reference, found, ~matched & counted, other, extra, misclassed, with_classes)


def offer_beats(worst: Worst, record: Record, compared: Compared) -> None:
    """Offer the stretches of 10 s with most mistakes."""
    part, count = np.unique((compared.wrong_s() // SHOWN_S).astype(np.int64), return_counts=True)
    for k in np.argsort(-count, kind="stable")[:MOST_OF_A_RECORD].tolist():
        start_s = float(part[k] * SHOWN_S)
        worst.offer(float(count[k]), record.name, lambda start_s=start_s: _case(record, compared, start_s))


def _case(record: Record, of: Compared, start_s: float) -> Case:
    stop_s = min(start_s + SHOWN_S, record.duration_s)
    lanes = (
        _lane("annotated", of.reference, of.missed | of.other, start_s, stop_s, of.with_classes),
        _lane("told", of.found, of.extra | of.misclassed, start_s, stop_s, of.with_classes),
    )
    at = ((of.reference, of.missed), (of.found, of.extra), (of.reference, of.other))
    missed, extra, other = (int(_inside(beats.time_s[wrong], start_s, stop_s).sum()) for beats, wrong in at)
    text = f"{missed} missed, {extra} extra" + (f", {other} of another class." if of.with_classes else "; no classes.")
    return Case(f"{record.name}, {clock(start_s)}", text, start_s, traces_of(record, start_s, stop_s), lanes)


def _lane(name: str, beats: BeatList, wrong: np.ndarray, start_s: float, stop_s: float, with_classes: bool) -> Lane:
    inside = _inside(beats.time_s, start_s, stop_s)
    labels = [CLASSES[label] if with_classes else UNCLASSED for label in beats.labels()[inside].tolist()]
    at = zip(beats.time_s[inside].tolist(), labels, wrong[inside].tolist(), strict=True)
    return Lane(name, tuple(Note(time_s, None, label, bad) for time_s, label, bad in at))


def _inside(time_s: np.ndarray, start_s: float, stop_s: float) -> np.ndarray:
    return (time_s >= start_s) & (time_s < stop_s)
