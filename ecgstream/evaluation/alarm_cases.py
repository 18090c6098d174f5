"""Wrong second opinions on monitors' alarms, with what they were made of, for the report."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..pulse import Pulses
from ..verdicts.findings import Findings, Lead
from ..waveform import GRID_HZ, GroupKind
from .alarms import TYPES, Judged
from .cases import Case, Trace, Worst

SHOWN_S = 20.0


def offer_alarms(worst: Worst, judged: Sequence[Judged]) -> None:
    """Offer the alarms whose opinion is wrong, the surer the worse."""
    for one in judged:
        if one.judgement.opinion.name == ("FALSE_ALARM" if one.alarm.is_true else "TRUE_ALARM"):
            badness = abs(one.judgement.probability - one.alarm.is_true)
            worst.offer(badness, one.alarm.name, lambda one=one: _case(one))


def _case(one: Judged) -> Case:
    judged, truth = one.judgement, "true" if one.alarm.is_true else "false"
    title = f"{one.alarm.name}: {TYPES[one.alarm.kind]}, {truth} alarm; told {judged.probability:.0%} likely true"
    return Case(title, judged.evidence, -SHOWN_S, _traces(judged.findings))


def _traces(found: Findings) -> tuple[Trace, ...]:
    leads = [_lead(lead) for lead in found.leads]
    return (*leads, *(_pulses(GroupKind(kind).name, pulses) for kind, pulses in found.pulses.items()))


def _lead(lead: Lead) -> Trace:
    return Trace(lead.name, _last(lead.mv, GRID_HZ), GRID_HZ, marks_s=tuple(lead.beat_s.tolist()))


def _pulses(name: str, pulses: Pulses) -> Trace:
    good, doubted = (tuple(pulses.time_s[which].tolist()) for which in (pulses.good, ~pulses.good))
    return Trace(name, _last(pulses.wave, pulses.fs_hz), pulses.fs_hz, False, good, doubted)


def _last(wave: np.ndarray, fs_hz: float) -> np.ndarray:
    """What is shown, with NaN in front where there is less of it."""
    shown = round(SHOWN_S * fs_hz)
    return np.concatenate([np.full(max(shown - len(wave), 0), np.nan), wave[-shown:]])
