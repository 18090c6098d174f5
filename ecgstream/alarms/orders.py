"""What people and hospital systems order: acknowledge, pause, limits, association.

Each order takes effect between two hops and answers an ``Outcome``: whether it was accepted, a sentence, and the alarm
updates it caused. The caller writes the audit log.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..waveform import AlarmUpdate, Condition
from .conditions import RULE_OF_NAME, RULES
from .ids import alert_id
from .lifecycle import LIMIT_NAMES, Alarms
from .machine import NEVER, State

LONGEST_PAUSE_S = 3600.0
LIMIT_RANGES = {"bradycardia_bpm": (20.0, 100.0), "tachycardia_bpm": (80.0, 250.0), "pause_s": (1.5, 4.0)}
"""The same bounds as the settings have."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer to an order."""

    accepted: bool
    sentence: str
    updates: tuple[AlarmUpdate, ...] = ()


def acknowledge(alarms: Alarms, row: int, wanted_id: str, at_sample: int) -> Outcome:
    """Say that a person has seen an alert (``wanted_id`` empty: every alert of the row).

    An active one goes on in silence until it ends; a latched one ends. Acknowledging again changes nothing.
    """
    told = [condition for condition in Condition if alarms.alarms[row, condition]["state"] >= State.ACTIVE]
    meant = [condition for condition in told if wanted_id in ("", _current_id(alarms, row, condition))]
    if wanted_id and not meant:
        return Outcome(False, f"No alert {wanted_id} is active or latched on this stream; it may have ended.")
    updates = tuple(
        _seen(alarms, row, condition, at_sample)
        for condition in meant
        if alarms.alarms[row, condition]["state"] != State.ACKNOWLEDGED
    )
    return Outcome(True, f"Alerts acknowledged: {len(updates)}.", updates)


def _current_id(alarms: Alarms, row: int, condition: Condition) -> str:
    return alert_id(alarms.stream_ids[row], condition, int(alarms.alarms[row, condition]["onset"]))


def _seen(alarms: Alarms, row: int, condition: Condition, at_sample: int) -> AlarmUpdate:
    if alarms.alarms[row, condition]["state"] == State.LATCHED:
        return alarms.move(row, condition, State.INACTIVE, at_sample, "over and acknowledged")
    return alarms.move(row, condition, State.ACKNOWLEDGED, at_sample)


def pause(alarms: Alarms, row: int, name: str, duration_s: float, now_ns: int, at_sample: int) -> Outcome:
    """Pause a condition (``name`` empty: all that may be) for ``duration_s`` by the injected clock; 0 ends the pause.

    Running alerts of paused conditions end; latched ones stay until acknowledged.
    """
    if name and name not in RULE_OF_NAME:
        return Outcome(False, f"There is no condition {name!r}; the conditions are {', '.join(RULE_OF_NAME)}.")
    if not 0 <= duration_s <= LONGEST_PAUSE_S:
        return Outcome(False, f"A pause lasts 0 to {LONGEST_PAUSE_S:.0f} s; {duration_s} s was ordered.")
    rules = [RULE_OF_NAME[name]] if name else [rule for rule in RULES if rule.may_be_disabled]
    if not all(rule.may_be_disabled for rule in rules):
        return Outcome(False, f"The alarm of {rules[0].label} cannot be paused; acknowledge its alert instead.")
    meant = [rule.condition for rule in rules]
    alarms.paused_until_ns[row, meant] = now_ns + round(duration_s * 1e9) if duration_s else 0
    if not duration_s:
        return Outcome(True, "The pause is over.")
    updates = _end(alarms, row, meant, at_sample, (State.ACTIVE, State.ACKNOWLEDGED), "alarm paused")
    return Outcome(True, f"Paused for {duration_s:g} s: {', '.join(rule.label for rule in rules)}.", updates)


def _end(
    alarms: Alarms, row: int, conditions: list[Condition], at_sample: int, from_states: tuple[State, ...], text: str
) -> tuple[AlarmUpdate, ...]:
    updates = []
    for condition in conditions:
        alarm = alarms.alarms[row, condition]
        if alarm["state"] == State.PENDING:
            alarm["state"] = State.INACTIVE
        elif alarm["state"] in from_states:
            updates.append(alarms.move(row, condition, State.INACTIVE, at_sample, text))
    return tuple(updates)


def set_limits(alarms: Alarms, row: int, limits: dict[str, float]) -> Outcome:
    """Give the row its own limits (any of ``bradycardia_bpm``, ``tachycardia_bpm``, ``pause_s``): all or none taken."""
    wanted = dict(zip(LIMIT_NAMES, alarms.limits[row].tolist(), strict=True)) | limits
    for name, value in limits.items():
        low, high = LIMIT_RANGES[name]
        if not low <= value <= high:
            return Outcome(False, f"The limit {name} lies between {low:g} and {high:g}; {value:g} was ordered.")
    if wanted["bradycardia_bpm"] >= wanted["tachycardia_bpm"]:
        low, high = wanted["bradycardia_bpm"], wanted["tachycardia_bpm"]
        return Outcome(False, f"The bradycardia limit ({low:g}) must lie below the tachycardia limit ({high:g}).")
    alarms.limits[row] = [wanted[name] for name in LIMIT_NAMES]
    return Outcome(True, f"Limits: {', '.join(f'{name} {value:g}' for name, value in wanted.items())}.")


def associate(alarms: Alarms, row: int, at_sample: int, discharged: bool = False) -> Outcome:
    """A new patient, or none: every alert and latch ends, pauses end, limits return to the house's.

    What the last patient's alarms held back no longer is. Alert ids stay unique.
    """
    return clear(alarms, row, at_sample, "patient discharged" if discharged else "new patient")


def clear(alarms: Alarms, row: int, at_sample: int, text: str) -> Outcome:
    """End every alert and latch of the row, saying why, and forget its pauses and limits."""
    updates = _end(alarms, row, list(Condition), at_sample, (State.ACTIVE, State.ACKNOWLEDGED, State.LATCHED), text)
    alarms.alarms["over"][row] = NEVER
    alarms.paused_until_ns[row] = 0
    alarms.limits[row] = alarms.default_limits
    return Outcome(True, f"Alarms cleared: {text}.", updates)
