"""What people and hospital systems order: acknowledge, pause, switch off, limits, preset, association.

Each order takes effect between two hops and answers an ``Outcome``: whether it was accepted, a sentence, and the alarm
updates it caused. The caller writes the audit log.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..limits import BOUNDS, PRESETS, as_dict, fault_of, limits_of
from ..waveform import AlarmUpdate, Condition
from .conditions import RULE_OF_NAME, RULES, ConditionRule
from .ids import alert_id
from .lifecycle import Alarms
from .machine import NEVER, State

LONGEST_PAUSE_S = 3600.0
STANDING = (State.ACTIVE, State.ACKNOWLEDGED)


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
        return _unknown(name)
    if not 0 <= duration_s <= LONGEST_PAUSE_S:
        return Outcome(False, f"A pause lasts 0 to {LONGEST_PAUSE_S:.0f} s; {duration_s} s was ordered.")
    rules = [RULE_OF_NAME[name]] if name else [rule for rule in RULES if not alarms.always_on[rule.condition]]
    if any(alarms.always_on[rule.condition] for rule in rules):
        return _kept_on(rules[0], "paused")
    meant = [rule.condition for rule in rules]
    alarms.paused_until_ns[row, meant] = now_ns + round(duration_s * 1e9) if duration_s else 0
    if not duration_s:
        return Outcome(True, "The pause is over.")
    updates = _end(alarms, row, meant, at_sample, STANDING, "alarm paused")
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


def _unknown(name: str) -> Outcome:
    return Outcome(False, f"There is no condition {name!r}; the conditions are {', '.join(RULE_OF_NAME)}.")


def _kept_on(rule: ConditionRule, done: str) -> Outcome:
    return Outcome(False, f"The alarm of {rule.label} cannot be {done}; acknowledge its alert instead.")


def switch(alarms: Alarms, row: int, name: str, off: bool, at_sample: int) -> Outcome:
    """Switch the alarm of a condition off, until it is switched on again (``name`` empty: all are on again).

    A running alert ends, a latched one stays until acknowledged. On, it is not paused either.
    """
    if name and name not in RULE_OF_NAME:
        return _unknown(name)
    if off:
        return _switch_off(alarms, row, name, at_sample)
    rules = [RULE_OF_NAME[name]] if name else [rule for rule in RULES if not alarms.disabled[rule.condition]]
    if alarms.disabled[rules[0].condition]:
        return Outcome(False, f"The alarm of {rules[0].label} is switched off for the house, in alarms.disabled.")
    meant = [rule.condition for rule in rules]
    alarms.off[row, meant], alarms.paused_until_ns[row, meant] = False, 0
    return Outcome(True, f"Switched on: {rules[0].label if name else 'all alarms of the bed'}.")


def _switch_off(alarms: Alarms, row: int, name: str, at_sample: int) -> Outcome:
    if not name:
        return Outcome(False, "Alarms are switched off one by one; name a condition, or pause all that may be.")
    rule = RULE_OF_NAME[name]
    if alarms.always_on[rule.condition]:
        return _kept_on(rule, "switched off")
    alarms.off[row, rule.condition] = True
    return Outcome(
        True, f"Switched off: {rule.label}.", _end(alarms, row, [rule.condition], at_sample, STANDING, "switched off")
    )


def set_limits(alarms: Alarms, row: int, limits: dict[str, float]) -> Outcome:
    """Give the row its own limits (any of ``limits.BOUNDS``): all or none taken."""
    wanted = as_dict(alarms.limits[row]) | limits
    if fault := fault_of(wanted):
        return Outcome(False, fault)
    alarms.limits[row] = tuple(wanted[name] for name in BOUNDS)
    return Outcome(True, f"Limits: {_listed(wanted)}.")


def set_preset(alarms: Alarms, row: int, name: str) -> Outcome:
    """Give the row all limits of a preset; the house's own preset comes with what the settings changed in it."""
    if name not in PRESETS:
        return Outcome(False, f"There is no preset {name!r}; the presets are {', '.join(PRESETS)}.")
    alarms.presets[row] = name
    alarms.limits[row] = alarms.default_limits if name == alarms.default_preset else limits_of(name)
    return Outcome(True, f"Preset {name}: {_listed(as_dict(alarms.limits[row]))}.")


def _listed(limits: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in limits.items())


def associate(alarms: Alarms, row: int, at_sample: int, discharged: bool = False) -> Outcome:
    """A new patient, or none: every alert and latch ends, every order is forgotten, limits are the house's.

    What the last patient's alarms held back no longer is. Alert ids stay unique.
    """
    return clear(alarms, row, at_sample, "patient discharged" if discharged else "new patient")


def clear(alarms: Alarms, row: int, at_sample: int, text: str) -> Outcome:
    """End every alert and latch of the row, saying why, complete its strips, and forget what was ordered for it."""
    updates = _end(alarms, row, list(Condition), at_sample, (*STANDING, State.LATCHED), text)
    updates += tuple(alarms.complete_strips(row, at_sample))
    alarms.alarms["over"][row] = NEVER
    alarms.forget_orders(np.array([row]))
    return Outcome(True, f"Alarms cleared: {text}.", updates)
