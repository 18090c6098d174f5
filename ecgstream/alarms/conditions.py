"""The table of alarm conditions: codes, priorities, delays, latching and chains. Nothing else decides these.

Delays come on top of what a rule's own definition takes (asystole needs 4 s without a QRS before it is evidence).
Codes: IEEE 11073-10101 (MDC, context-free) and SNOMED CT. ``bradycardia`` and ``tachycardia`` are limit alarms on the
heart rate, which cannot tell a sinus rhythm from another; they carry MDC's alarm-low and alarm-high codes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..waveform import GRID_HZ, LETHAL, N_CONDITIONS, TECHNICAL, Condition, Priority

REFRACTORY_S = 30.0
"""For this long after a graver condition is over, its milder ones stay quiet; lethal and technical ones never do."""


@dataclass(frozen=True, slots=True)
class ConditionRule:
    """What the lifecycle knows of one condition."""

    condition: Condition
    mdc_code: int  # 0: no public code
    snomed_code: str  # "": none fits
    priority: Priority
    onset_delay_s: float  # evidence must persist this long before the alert; 0 for lethal conditions
    ending_delay_s: float  # evidence must be absent this long before the condition is over
    replaces: tuple[Condition, ...] = ()
    wall_timed: bool = False  # told by the wall clock, not by hops

    @property
    def name(self) -> str:
        """The name in messages, settings and orders."""
        return self.condition.name.lower()

    @property
    def label(self) -> str:
        """The name in sentences."""
        return self.name.replace("_", " ")

    @property
    def lethal(self) -> bool:
        """Lethal conditions are of high priority, alert without delay, latch, and know no refractory time."""
        return self.condition in LETHAL

    @property
    def technical(self) -> bool:
        """Technical conditions tell of the equipment, and are judged even in hops whose signal is not."""
        return self.condition in TECHNICAL

    @property
    def has_strip(self) -> bool:
        """Whether its alerts bring the signal around their onset: those of the patient that want a look soon."""
        return not self.technical and self.priority >= Priority.MEDIUM

    @property
    def may_be_disabled(self) -> bool:
        """Whether it may be switched off or paused."""
        return self.condition not in (Condition.ASYSTOLE, Condition.VENTRICULAR_FIBRILLATION)


_C = Condition
_HIGH, _MEDIUM, _LOW = Priority.HIGH, Priority.MEDIUM, Priority.LOW
_VENTRICULAR_MILDER = (
    *(_C.EXTREME_TACHYCARDIA, _C.TACHYCARDIA, _C.PVC_RUN),
    *(_C.ATRIAL_FIBRILLATION, _C.FREQUENT_PVC, _C.IRREGULAR_RR),
)

RULES: tuple[ConditionRule, ...] = (
    ConditionRule(
        _C.ASYSTOLE, 199684, "397829000", _HIGH, 0, 2, replaces=(_C.EXTREME_BRADYCARDIA, _C.PAUSE, _C.BRADYCARDIA)
    ),
    ConditionRule(_C.EXTREME_BRADYCARDIA, 199694, "48867003", _HIGH, 0, 5, replaces=(_C.PAUSE, _C.BRADYCARDIA)),
    ConditionRule(_C.EXTREME_TACHYCARDIA, 199730, "3424008", _HIGH, 0, 5, replaces=(_C.TACHYCARDIA,)),
    ConditionRule(_C.VENTRICULAR_TACHYCARDIA, 199832, "25569003", _HIGH, 0, 5, replaces=_VENTRICULAR_MILDER),
    ConditionRule(
        _C.VENTRICULAR_FIBRILLATION, 0, "71908006", _HIGH, 0, 5, (_C.VENTRICULAR_TACHYCARDIA, *_VENTRICULAR_MILDER)
    ),
    ConditionRule(_C.PAUSE, 199716, "", _MEDIUM, 0, 2),
    ConditionRule(_C.BRADYCARDIA, 196670, "48867003", _MEDIUM, 5, 5),
    ConditionRule(_C.TACHYCARDIA, 196648, "3424008", _MEDIUM, 5, 5),
    ConditionRule(_C.PVC_RUN, 199820, "444658006", _MEDIUM, 0, 5, replaces=(_C.FREQUENT_PVC,)),
    ConditionRule(_C.ATRIAL_FIBRILLATION, 199736, "49436004", _MEDIUM, 0, 30, replaces=(_C.IRREGULAR_RR,)),
    ConditionRule(_C.LEADS_OFF, 196680, "", _MEDIUM, 2, 2, replaces=(_C.SIGNAL_UNUSABLE,)),
    ConditionRule(_C.SIGNAL_UNUSABLE, 196660, "", _LOW, 10, 5),
    ConditionRule(_C.STREAM_STALE, 196660, "", _MEDIUM, 0, 0, wall_timed=True),
    ConditionRule(_C.CLOCK_WRONG, 196616, "", _LOW, 0, 5),
    ConditionRule(_C.MODEL_UNAVAILABLE, 196616, "", _LOW, 0, 2),
    ConditionRule(_C.FREQUENT_PVC, 0, "427172004", _LOW, 10, 30),
    ConditionRule(_C.ELECTRODES_SWAPPED, 196616, "", _LOW, 0, 0),
    ConditionRule(_C.IRREGULAR_RR, 199726, "", _LOW, 10, 30),
)
"""One rule per condition, in the order of ``Condition``."""

RULE_OF_NAME = {rule.name: rule for rule in RULES}

RULE_DTYPE = np.dtype(
    [
        ("delay", "i8"),
        ("ending", "i8"),
        ("refractory", "i8"),
        ("latching", "?"),
        ("technical", "?"),
        ("has_strip", "?"),
    ],
    align=True,
)


def rule_table() -> np.ndarray:
    """The rules as the kernel reads them: RULE_DTYPE (N_CONDITIONS,), durations in grid samples."""
    return np.array([_as_record(rule) for rule in RULES], dtype=RULE_DTYPE)


def _as_record(rule: ConditionRule) -> tuple[int, int, int, bool, bool, bool]:
    refractory_s = 0.0 if rule.lethal or rule.technical else REFRACTORY_S
    delay, ending, refractory = (
        round(seconds * GRID_HZ) for seconds in (rule.onset_delay_s, rule.ending_delay_s, refractory_s)
    )
    return delay, ending, refractory, rule.lethal, rule.technical, rule.has_strip


def graver_table() -> np.ndarray:
    """bool (N_CONDITIONS, N_CONDITIONS): ``[milder, graver]``, True where the graver condition replaces the milder."""
    table = np.zeros((N_CONDITIONS, N_CONDITIONS), dtype=bool)
    for rule in RULES:
        table[list(rule.replaces), rule.condition] = True
    return table


def judging_order() -> np.ndarray:
    """int64 (K,): the conditions told by hops, every graver one before its milder ones."""
    n_graver = graver_table().sum(axis=1)
    order = [rule.condition for rule in RULES if not rule.wall_timed]
    return np.array(sorted(order, key=lambda condition: n_graver[condition]), dtype=np.int64)
