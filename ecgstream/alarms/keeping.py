"""The alarm state of one row as plain values, to be kept across restarts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import StateError
from ..limits import BOUNDS, LIMITS_DTYPE, PRESETS, as_dict
from ..waveform import Condition
from .conditions import RULE_OF_NAME, RULES
from .lifecycle import Alarms
from .machine import ALARM_DTYPE, State, fresh_alarms
from .strips import NO_STRIP, STRIP_DTYPE

Kept = dict[str, Any]
_NOT_MEASURED = {"measured_per_min": 0.0, "limit_per_min": 0.0}
_UNTOUCHED = fresh_alarms(1, 1)[0, 0]


def save(alarms: Alarms, row: int) -> Kept:
    """Everything ``restore`` needs, ready for JSON. Conditions are kept by name, and only those once touched."""
    return save_rows(alarms, [row])[0]


def save_rows(alarms: Alarms, rows: Sequence[int]) -> list[Kept]:
    """``save`` of each of these rows: looking at all of them at once costs hardly more than at one."""
    waiting, paused_ns = alarms.escalation.waiting, alarms.paused_until_ns
    limits, next_hop = alarms.limits[rows].tolist(), alarms.next_hop[rows].tolist()
    off, paused = _places(alarms.off[rows]), _places(paused_ns[rows])
    escalating = _places(waiting["due_ns"][rows])
    touched = _places(alarms.alarms[rows] != _UNTOUCHED)
    drawn = _places(alarms.strips["condition"][rows] != NO_STRIP)
    return [
        {
            "stream_id": alarms.stream_ids[row],
            "next_hop": next_hop[i],
            "preset": alarms.presets[row],
            "limits": dict(zip(BOUNDS, limits[i], strict=True)),
            "off": [RULES[c].name for c in off.get(i, ())],
            "waiting": {RULES[c].name: list(waiting[row, c].item()) for c in escalating.get(i, ())},
            "paused_until_ns": {RULES[c].name: int(paused_ns[row, c]) for c in paused.get(i, ())},
            "alarms": {RULES[c].name: _as_dict(alarms.alarms[row, c]) for c in touched.get(i, ())},
            "strips": [_as_dict(alarms.strips[row, slot]) for slot in drawn.get(i, ())],
        }
        for i, row in enumerate(rows)
    ]


def _places(marked: np.ndarray) -> dict[int, list[int]]:
    """Of an array (R, K), by row the places that are not zero or false; rows with none are not there."""
    found: dict[int, list[int]] = {}
    for i, place in np.argwhere(marked).tolist():
        found.setdefault(i, []).append(place)
    return found


def _as_dict(kept: np.void) -> Kept:
    values = dict(zip(kept.dtype.names or (), kept.item(), strict=True))
    if "condition" in values:
        values["condition"] = RULES[values["condition"]].name
    return values | {"state": State(values["state"]).name.lower()}


def restore(alarms: Alarms, row: int, kept: Kept) -> None:
    """Give the row to the stream that ``kept`` was saved from, as it was.

    Raises StateError when ``kept`` holds less or other than ``save`` wrote; the row is then untouched.
    """
    try:
        conditions = {_condition(name): _as_alarm(values) for name, values in kept["alarms"].items()}
        paused = {_condition(name): int(until_ns) for name, until_ns in kept["paused_until_ns"].items()}
        waiting = {_condition(name): tuple(map(int, values)) for name, values in kept.get("waiting", {}).items()}
        off = [_condition(name) for name in kept.get("off", ())]
        preset, limits = _limits(alarms, kept)
        strips = [_as_strip(values) for values in kept.get("strips", [])]  # none in the form before there were any
        stream_id, next_hop = str(kept["stream_id"]), int(kept["next_hop"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise StateError(
            f"The kept alarm state of a stream does not have the expected form ({type(error).__name__}: {error}); "
            "it was written by another version: start that stream afresh."
        ) from error
    alarms.admit(row, stream_id)
    alarms.next_hop[row] = next_hop
    alarms.presets[row], alarms.limits[row] = preset, limits
    alarms.off[row, off] = True
    alarms.off[row] &= ~alarms.always_on  # the settings may have changed
    for condition, until_ns in paused.items():
        alarms.paused_until_ns[row, condition] = until_ns
    for condition, alarm in conditions.items():
        alarms.alarms[row, condition] = alarm
    for condition, values in waiting.items():
        alarms.escalation.waiting[row, condition] = values
    alarms.strips[row, : len(strips)] = strips


def _limits(alarms: Alarms, kept: Kept) -> tuple[str, np.ndarray]:
    """Preset and limits; limits that were not kept yet when there were three are the house's."""
    preset, limits = str(kept.get("preset", alarms.default_preset)), dict(kept["limits"])
    if preset not in PRESETS or not {"bradycardia_bpm", "tachycardia_bpm", "pause_s"} <= limits.keys() <= BOUNDS.keys():
        raise ValueError(f"preset {preset!r}, limits {sorted(limits)}")
    whole = as_dict(alarms.default_limits) | {name: float(value) for name, value in limits.items()}
    return preset, np.array(tuple(whole[name] for name in BOUNDS), LIMITS_DTYPE)


def _condition(name: str) -> Condition:
    return RULE_OF_NAME[name].condition


def _as_alarm(values: Kept) -> np.ndarray:
    earlier = {"changed": values["update"], "about": 0} | _NOT_MEASURED  # the same in forms that had them not
    return _filled(ALARM_DTYPE, earlier | values)


def _as_strip(values: Kept) -> np.ndarray:
    return _filled(STRIP_DTYPE, {"about": 0} | _NOT_MEASURED | values | {"condition": _condition(values["condition"])})


def _filled(dtype: np.dtype, values: Kept) -> np.ndarray:
    filled = np.zeros((), dtype=dtype)
    for name in dtype.names or ():
        filled[name] = State[values[name].upper()] if name == "state" else values[name]
    return filled
