"""From what was received before an alarm to an opinion on it. No state."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from ..heads import Head
from ..waveform import GroupKind
from .evidence import describe
from .features import definition, features
from .findings import Findings, Groups, find
from .kinds import KINDS

THRESHOLD = "true"
"""Name of the head's threshold: an alarm at least this likely is called true."""
_LEAST_VALID_S = 5.0
_LOOK_S = 10.0
_NAN = float("nan")


class Opinion(IntEnum):
    """Values as on the wire."""

    TRUE_ALARM = 1
    FALSE_ALARM = 2
    CANNOT_SAY = 3


@dataclass(frozen=True, slots=True)
class Judgement:
    """An opinion, and what it rests on."""

    opinion: Opinion
    probability: float  # that the alarm is true; NaN where nothing could be said
    evidence: str
    features: np.ndarray  # float64 (F,), in the order of ``feature_names``
    findings: Findings | None
    enough: bool = True  # to judge by, had there been a head


def judge(kind: str, groups: Groups, lead_names: tuple[str, ...], mains_hz: int, head: Head | None) -> Judgement:
    """An opinion on an alarm of this kind, from what came before it; ``lead_names`` by slot."""
    if GroupKind.ECG not in groups:
        return Judgement(Opinion.CANNOT_SAY, _NAN, "no ECG before the alarm", np.empty(0), None, False)
    found = find(groups, lead_names, mains_hz)
    told = features(found)
    row = feature_row(kind, told)
    words = describe(kind, found, told)
    if not _is_enough(found):
        words = f"too little signal before the alarm; {words}"
        return Judgement(Opinion.CANNOT_SAY, _NAN, words, row, found, False)
    if head is None:
        return Judgement(Opinion.CANNOT_SAY, _NAN, f"no head to judge by; {words}", row, found)
    probability = float(head.probability(row[None])[0, 1])
    is_true = probability >= head.manifest.thresholds[THRESHOLD]
    return Judgement(Opinion.TRUE_ALARM if is_true else Opinion.FALSE_ALARM, probability, words, row, found)


def feature_row(kind: str, told: dict[str, float]) -> np.ndarray:
    """float64 (F,): the kind, one column each; how far its definition is met; the figures.

    What speaks for ventricular tachycardia differs from what speaks for the others, and there are few alarms to learn
    that from: the figures have columns of their own for it, unknown for the others, and the other way about.
    """
    own, others = [_NAN] * len(told), list(told.values())
    if kind == "ventricular_tachycardia":
        own, others = others, own
    is_kind = [float(kind == one) for one in KINDS]
    return np.array([*is_kind, *definition(kind, told).values(), *others, *own])


def feature_names() -> tuple[str, ...]:
    """Names of the columns of ``feature_row``."""
    nothing = Findings(0.0, np.empty(0), np.empty(0, bool), np.empty(0, bool), (), {})
    told = features(nothing)
    return (*(f"is_{kind}" for kind in KINDS), *definition(KINDS[0], told), *told, *(f"vt_{name}" for name in told))


def _is_enough(found: Findings) -> bool:
    """Half of the last 10 s of one lead at least, or believable pulses."""
    from_leads = max((lead.seconds_valid(_LOOK_S) for lead in found.leads), default=0.0)
    from_pulses = max((float(one.good[one.time_s >= -_LOOK_S].sum()) for one in found.pulses.values()), default=0.0)
    return from_leads >= _LEAST_VALID_S or from_pulses >= _LEAST_VALID_S
