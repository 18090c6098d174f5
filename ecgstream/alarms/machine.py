"""The state machine of one alarm, and the kernel that moves all of them through the hops of a step.

    inactive ──evidence──> pending ──onset delay──> active ──ending delay──> inactive; latching ones: latched
    active ──acknowledge──> acknowledged ──ending delay──> inactive
    latched ──evidence──> active;  latched ──acknowledge──> inactive

Orders (acknowledge and the rest) are in ``orders``. A hop that was not judged stands still for every physiological
alarm: it neither starts nor ends one, and no delay runs. What a hop changes is decided at the hop's end.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numba import njit

from ..waveform import HOP_SAMPLES
from .strips import NO_STRIP, begin_strip, due_slot, follow_strip, next_slot


class State(IntEnum):
    """Where an alarm stands; from ACTIVE up it is an alert that was told."""

    INACTIVE = 0
    PENDING = 1
    ACTIVE = 2
    ACKNOWLEDGED = 3
    LATCHED = 4


NEVER = -(1 << 40)
"""A grid sample before every stream."""

ALARM_DTYPE = np.dtype(
    [
        ("state", "i1"),
        ("from_model", "?"),
        ("about", "u1"),  # what is said of it beside its name: index into about.ABOUT
        ("onset", "i8"),  # grid sample; means something from PENDING up
        ("held", "i8"),  # samples of evidence since the first
        ("clear", "i8"),  # judged samples without evidence since the last evidence
        ("update", "i8"),  # number of the newest update told
        ("changed", "i8"),  # number of the newest update that told another state
        ("decided", "i8"),  # grid sample at which the newest update was decided
        ("floor", "i8"),  # grid sample; the next alert's onset is not before it, so that no id comes twice
        ("over", "i8"),  # grid sample at which the condition was last over; starts the milder ones' refractory time
        ("measured_per_min", "f4"),  # the rate with which it began; 0: none was measured
        ("limit_per_min", "f4"),  # the limit that rate lay beyond
    ],
    align=True,
)
CHANGE_DTYPE = np.dtype(
    [
        ("place", "i8"),  # index into the step's rows
        ("condition", "i8"),
        ("state", "i8"),
        ("cause", "i8"),  # the graver condition that replaced it, the condition itself if switched off, or NO_CAUSE
        ("update", "i8"),
        ("onset", "i8"),
        ("decided", "i8"),
        ("begun", "i8"),  # where an alert that brings its strip was decided; else NO_STRIP
        ("from_model", "?"),
        ("about", "u1"),
        ("completes", "?"),  # nothing changed but that the strip is complete now
        ("measured_per_min", "f4"),
        ("limit_per_min", "f4"),
    ],
    align=True,
)
NO_CAUSE = -1

_INACTIVE, _PENDING, _ACTIVE = int(State.INACTIVE), int(State.PENDING), int(State.ACTIVE)
_ACKNOWLEDGED, _LATCHED = int(State.ACKNOWLEDGED), int(State.LATCHED)


def fresh_alarms(n_rows: int, n_conditions: int) -> np.ndarray:
    """Alarms nothing has happened to: ALARM_DTYPE (n_rows, n_conditions)."""
    alarms = np.zeros((n_rows, n_conditions), dtype=ALARM_DTYPE)
    alarms["over"] = NEVER
    return alarms


@njit(cache=True, nogil=True)
def advance(
    alarms: np.ndarray,  # ALARM_DTYPE (rows of the room, N_CONDITIONS)
    strips: np.ndarray,  # STRIP_DTYPE (rows of the room, SLOTS)
    tables: tuple[np.ndarray, np.ndarray, np.ndarray],  # conditions.rule_table, graver_table, judging_order
    rows: np.ndarray,  # int64 (R,)
    first_hop: np.ndarray,  # int64 (R,)
    next_hop: np.ndarray,  # int64 (rows of the room,): hops before it were stepped already
    judged: np.ndarray,  # bool (R, H)
    evidence: np.ndarray,  # bool (R, H, N_CONDITIONS)
    onset: np.ndarray,  # int64 (R, H, N_CONDITIONS)
    from_model: np.ndarray,  # bool (R, H, N_CONDITIONS)
    about: np.ndarray,  # uint8 (R, H, N_CONDITIONS)
    rates: tuple[np.ndarray, np.ndarray],  # measured.measured_rates and limits_of_rates
    blocked: np.ndarray,  # bool (R, N_CONDITIONS)
    changes: np.ndarray,  # CHANGE_DTYPE, room for R * (2 * H * N_CONDITIONS + SLOTS); filled
) -> int:
    """Move the alarms of ``rows`` through the hops of a step; how many changes were written."""
    rules, graver, order = tables
    n_changes = 0
    for place, row in enumerate(rows):
        of_row = alarms[row]
        for h in range(max(0, next_hop[row] - first_hop[place]), judged.shape[1]):
            end = (first_hop[place] + h + 1) * HOP_SAMPLES
            for c in order:
                alarm, seen = of_row[c], evidence[place, h, c]
                if alarm.state == _INACTIVE and not seen or not (judged[place, h] or rules[c].technical):
                    continue
                before = alarm.state
                cause = c if blocked[place, c] else _held_back_by(of_row, graver[c], rules[c].refractory, end)
                if cause != NO_CAUSE:
                    _hold_back(alarm, end)
                elif seen:
                    if alarm.state == _INACTIVE or alarm.state == _LATCHED:
                        alarm.measured_per_min = rates[0][place, h, c]
                        alarm.limit_per_min = rates[1][place, c]
                    _see(alarm, rules[c], onset[place, h, c], from_model[place, h, c], about[place, h, c], end)
                else:
                    _miss(alarm, rules[c], end)
                if _is_told(alarm, before, end):
                    brings = rules[c].has_strip and alarm.update == 0
                    n_changes += _tell(of_row, strips[row], brings, (place, c, cause, end), changes[n_changes:])
            n_changes += _complete_due(of_row, strips[row], place, end, changes[n_changes:])
    return n_changes


@njit(cache=True, nogil=True)
def _held_back_by(of_row: np.ndarray, graver: np.ndarray, refractory: int, end: int) -> int:
    """The graver condition that is going on, or was over less than the refractory time ago."""
    for g in range(graver.size):
        if graver[g]:
            going_on = of_row[g].state == _ACTIVE or of_row[g].state == _ACKNOWLEDGED
            if going_on or end - of_row[g].over < refractory:
                return g
    return NO_CAUSE


@njit(cache=True, nogil=True)
def _hold_back(alarm: np.void, end: int) -> None:
    """A latched alert stays: nobody has seen it yet."""
    if alarm.state == _ACTIVE or alarm.state == _ACKNOWLEDGED:
        alarm.floor = alarm.over = end
    if alarm.state != _LATCHED:
        alarm.state = _INACTIVE


@njit(cache=True, nogil=True)
def _see(alarm: np.void, rule: np.void, onset: int, from_model: bool, about: int, end: int) -> None:
    alarm.clear = 0
    if alarm.state == _INACTIVE:
        alarm.state = _PENDING
        alarm.onset = max(min(onset, end - 1), alarm.floor)
        alarm.from_model = from_model
        alarm.held = 0
    else:
        alarm.held += HOP_SAMPLES
    if alarm.state == _LATCHED or (alarm.state == _PENDING and alarm.held >= rule.delay):
        alarm.state = _ACTIVE
        alarm.about = about


@njit(cache=True, nogil=True)
def _miss(alarm: np.void, rule: np.void, end: int) -> None:
    alarm.clear += HOP_SAMPLES
    if alarm.state == _PENDING:
        alarm.state = _INACTIVE
    elif alarm.state != _LATCHED and alarm.clear >= rule.ending:
        latches = rule.latching and alarm.state == _ACTIVE
        alarm.state = _LATCHED if latches else _INACTIVE
        alarm.floor = alarm.over = end


@njit(cache=True, nogil=True)
def _is_told(alarm: np.void, before: int, end: int) -> bool:
    """Whether people hear of the step from ``before``; counts the update."""
    if alarm.state == before or (alarm.state < _ACTIVE and before < _ACTIVE):
        return False
    alarm.update = alarm.changed = 0 if before < _ACTIVE else alarm.update + 1
    alarm.decided = end
    return True


@njit(cache=True, nogil=True)
def _tell(of_row: np.ndarray, strips: np.ndarray, brings: bool, told: tuple, changes: np.ndarray) -> int:
    """Write the newest update of an alarm, ``told`` (place, condition, cause, end); how many changes were written.

    One that ``brings`` its strip takes a slot for it; a strip that lay there is told complete.
    """
    place, condition, cause, end = told
    alarm = of_row[condition]
    _write(changes[0], alarm, told, alarm.update, end if brings else NO_STRIP, False)
    if not brings:
        follow_strip(strips, condition, alarm)
        return 1
    strip = strips[next_slot(strips)]
    n_changes = 1 + _complete(of_row, strip, place, end, changes[1])
    begin_strip(strip, condition, alarm, end)
    return n_changes


@njit(cache=True, nogil=True)
def _complete_due(of_row: np.ndarray, strips: np.ndarray, place: int, end: int, changes: np.ndarray) -> int:
    """Write that strips are complete whose last sample has come; how many were written."""
    n_changes = 0
    slot = due_slot(strips, end)
    while slot != NO_STRIP:
        n_changes += _complete(of_row, strips[slot], place, end, changes[n_changes])
        slot = due_slot(strips, end)
    return n_changes


@njit(cache=True, nogil=True)
def _complete(of_row: np.ndarray, strip: np.void, place: int, end: int, change: np.void) -> int:
    """Write that an open strip is complete, one more update of its alert, and free its slot; how many were written."""
    if strip.condition == NO_STRIP:
        return 0
    alarm = of_row[strip.condition]
    if alarm.state >= _ACTIVE and alarm.onset == strip.onset:
        alarm.update += 1
        alarm.decided = end
    _write(change, strip, (place, strip.condition, NO_CAUSE, end), strip.update + 1, strip.begun, True)
    strip.condition = NO_STRIP
    return 1


@njit(cache=True, nogil=True)
def _write(change: np.void, stands: np.void, told: tuple, update: int, begun: int, completes: bool) -> None:
    """Write an update of an alert that ``stands`` so: the alarm, or what its strip noted of it."""
    change.place, change.condition, change.cause, change.decided = told
    change.state = stands.state
    change.update = update
    change.onset = stands.onset
    change.begun = begun
    change.from_model = stands.from_model
    change.about = stands.about
    change.measured_per_min = stands.measured_per_min
    change.limit_per_min = stands.limit_per_min
    change.completes = completes
