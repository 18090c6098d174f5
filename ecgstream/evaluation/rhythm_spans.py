"""Stretches of one annotated rhythm, by what the fibrillation tables make of them."""

from __future__ import annotations

from dataclasses import dataclass

from .beats import flutter_intervals
from .records import Annotations

VF, VT, NOISE, OTHER = "VF", "VT", "noise", "other"
_KIND = {"(VFL": VF, "(VFIB": VF, "(VF": VF, "(VT": VT, "(NOISE": NOISE}


@dataclass(frozen=True, slots=True)
class Span:
    """A rhythm from its note to the next, or to the end."""

    kind: str
    start_s: float
    stop_s: float


def rhythm_spans(annotations: Annotations, duration_s: float) -> list[Span]:
    """The recording cut at its rhythm notes, and at the marks "[" and "]" of flutter and fibrillation.

    What comes before the first note is of no kind where there are notes; where there are only marks, or beats and
    nothing else, it is OTHER.
    """
    marked = flutter_intervals(annotations, duration_s)
    noted = [i for i, note in enumerate(annotations.note) if note.startswith("(")]
    ends = [float(annotations.time_s[i]) for i in noted[1:]] + [duration_s]
    spans = (
        [
            Span(_KIND.get(str(annotations.note[i]), OTHER), float(annotations.time_s[i]), stop_s)
            for i, stop_s in zip(noted, ends, strict=True)
        ]
        if noted
        else [Span(OTHER, 0.0, duration_s)]
    )
    return _joined([piece for span in spans for piece in _cut(span, marked)])


def _cut(span: Span, marked: list[tuple[float, float]]) -> list[Span]:
    """The span with what lies between marks made VF."""
    pieces, at_s = [], span.start_s
    for start_s, stop_s in marked:
        start_s, stop_s = max(start_s, at_s), min(stop_s, span.stop_s)
        if start_s < stop_s:
            pieces += [Span(span.kind, at_s, start_s), Span(VF, start_s, stop_s)]
            at_s = stop_s
    pieces.append(Span(span.kind, at_s, span.stop_s))
    return [piece for piece in pieces if piece.stop_s > piece.start_s]


def _joined(spans: list[Span]) -> list[Span]:
    joined: list[Span] = []
    for span in spans:
        if joined and joined[-1].kind == span.kind and joined[-1].stop_s == span.start_s:
            span = Span(span.kind, joined.pop().start_s, span.stop_s)
        joined.append(span)
    return joined
