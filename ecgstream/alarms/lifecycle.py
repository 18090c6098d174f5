"""Evidence in, alarm updates out: the alarms of every bed, with their limits, pauses and what is switched off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from ..limits import LIMITS_DTYPE, limits_of
from ..waveform import HOP_SAMPLES, N_CONDITIONS, AlarmUpdate, Condition
from .about import ABOUT
from .conditions import RULE_OF_NAME, RULES, graver_table, judging_order, rule_table
from .escalation import Escalation
from .ids import alert_id
from .machine import CHANGE_DTYPE, NO_CAUSE, State, advance, fresh_alarms
from .measured import limits_of_rates
from .strips import NO_STRIP, SLOTS, no_strips, strip_of

_TABLES = (rule_table(), graver_table(), judging_order())
_TOLD = {
    State.INACTIVE: "ended",
    State.ACTIVE: "active",
    State.ACKNOWLEDGED: "acknowledged",
    State.LATCHED: "latched",
}


class Alarms:
    """The alarms of all rows. One owner; ``orders`` and ``keeping`` work on its arrays.

    A row is ``admit``ted with its stream's id before its first step. Time is grid samples. Hops that a row has been
    stepped through are skipped when they come again, so that reading a log again after a restart tells nothing twice;
    hops that never come count as not judged. A stream that starts counting afresh must be admitted afresh.
    """

    def __init__(
        self,
        n_rows: int,
        *,
        preset: str = "adult",
        limits: Mapping[str, float] | None = None,
        disabled: Iterable[str] = (),
        always_on: Iterable[str] = (),
        escalate_s: float = 60.0,
    ):
        """``limits``: those of the house that differ from its preset's; ``disabled``: conditions switched off in the
        whole house; ``always_on``: conditions no order may switch off or pause, asystole and VF besides."""
        self.default_preset, self.default_limits = preset, limits_of(preset, **(limits or {}))
        self.disabled = _flags(disabled)
        self.always_on = _flags(always_on) | _flags(rule.name for rule in RULES if not rule.may_be_disabled)
        self.escalation = Escalation(0, escalate_s)
        self.stream_ids: list[str] = []
        self.alarms = fresh_alarms(0, N_CONDITIONS)
        self.strips = no_strips(0)
        self.next_hop = np.zeros(0, dtype=np.int64)
        self.paused_until_ns = np.zeros((0, N_CONDITIONS), dtype=np.int64)
        self.off = np.zeros((0, N_CONDITIONS), dtype=bool)
        self.limits = np.zeros(0, LIMITS_DTYPE)
        self.presets: list[str] = []
        self.grow(n_rows)

    def grow(self, n_rows: int) -> None:
        """Make room for ``n_rows`` rows in all."""
        more = n_rows - len(self.stream_ids)
        self.stream_ids += [""] * more
        self.alarms = np.concatenate([self.alarms, fresh_alarms(more, N_CONDITIONS)])
        self.strips = np.concatenate([self.strips, no_strips(more)])
        self.next_hop = np.concatenate([self.next_hop, np.zeros(more, dtype=np.int64)])
        self.paused_until_ns = np.concatenate([self.paused_until_ns, np.zeros((more, N_CONDITIONS), dtype=np.int64)])
        self.off = np.concatenate([self.off, np.zeros((more, N_CONDITIONS), dtype=bool)])
        self.limits = np.concatenate([self.limits, np.repeat(self.default_limits, more)])
        self.presets += [self.default_preset] * more
        self.escalation.grow(n_rows)

    def reset(self, rows: np.ndarray) -> None:
        """Forget the rows: alarms, orders and whose they were. Tells nobody; see ``orders.associate``."""
        self.alarms[rows] = fresh_alarms(1, N_CONDITIONS)
        self.strips[rows] = no_strips(1)
        self.next_hop[rows] = 0
        self.escalation.reset(rows)
        self.forget_orders(rows)
        for row in rows:
            self.stream_ids[row] = ""

    def forget_orders(self, rows: np.ndarray) -> None:
        """Pauses end, what was switched off is on, limits and preset are the house's."""
        self.paused_until_ns[rows] = 0
        self.off[rows] = False
        self.limits[rows] = self.default_limits
        for row in rows:
            self.presets[row] = self.default_preset

    def admit(self, row: int, stream_id: str) -> None:
        """Give the row to a stream, with nothing remembered."""
        self.reset(np.array([row]))
        self.stream_ids[row] = stream_id

    def step(
        self,
        rows: np.ndarray,
        first_hop: np.ndarray,
        judged: np.ndarray,
        evidence: np.ndarray,
        onset: np.ndarray,
        from_model: np.ndarray,
        now_ns: int,
        about: np.ndarray | None = None,
        measured: np.ndarray | None = None,
    ) -> list[AlarmUpdate]:
        """Judge R rows over H hops each; updates in order of row, then hop, then gravity.

        rows, first_hop int64 (R,); judged bool (R, H): whether the signal of the hop could be judged; evidence bool,
        onset int64 (grid sample where it began), from_model bool (R, H, N_CONDITIONS); ``now_ns`` by the injected
        clock, for pauses; about uint8 (R, H, N_CONDITIONS), index into ``about.ABOUT``: what an alert says that
        begins there, None for nothing; measured float32 (R, H, N_CONDITIONS), per minute: as of
        ``measured.measured_rates``, None for nothing.
        """
        blocked = self.is_off(rows) | (self.paused_until_ns[rows] > now_ns)
        changes = np.empty(2 * evidence.size + len(rows) * SLOTS, dtype=CHANGE_DTYPE)
        about = np.zeros(evidence.shape, np.uint8) if about is None else about
        measured = np.zeros(evidence.shape, np.float32) if measured is None else measured
        rates = (np.ascontiguousarray(measured), limits_of_rates(self.limits[rows]))
        hops = (rows, first_hop, self.next_hop, judged, evidence, onset, from_model, about)
        # Contiguous: the kernel would be compiled once more, in mid-stream, for every other memory layout.
        hops = tuple(map(np.ascontiguousarray, hops))
        n_changes = advance(self.alarms, self.strips, _TABLES, *hops, rates, np.ascontiguousarray(blocked), changes)
        self.next_hop[rows] = np.maximum(self.next_hop[rows], first_hop + judged.shape[1])
        return [self._changed(int(rows[change["place"]]), change) for change in changes[:n_changes]]

    def _changed(self, row: int, change: np.void) -> AlarmUpdate:
        condition, state = Condition(change["condition"]), State(change["state"])
        decided, begun, completes = (change[name].item() for name in ("decided", "begun", "completes"))
        text = "" if completes and state == State.INACTIVE else _text(condition, state, change, int(change["cause"]))
        told = self._told(row, condition, state, change, decided, text)
        return told if begun == NO_STRIP else replace(told, strip=strip_of(told.onset, begun, decided, completes))

    def _told(
        self, row: int, condition: Condition, state: State, number: np.void, decided: int, text: str
    ) -> AlarmUpdate:
        """``number``: an alarm or a change, whose onset, update number and origin are told."""
        if not self.stream_ids[row]:
            raise LookupError(f"Row {row} has an alarm but belongs to no stream; admit it before its first step.")
        onset = int(number["onset"])
        return AlarmUpdate(
            row=row,
            condition=condition,
            alert_id=alert_id(self.stream_ids[row], condition, onset),
            update=int(number["update"]),
            state=_TOLD[state],
            priority=RULES[condition].priority,
            onset=onset,
            decided=decided,
            source=_source(condition, bool(number["from_model"])),
            text=text,
            measured_per_min=float(number["measured_per_min"]),
            limit_per_min=float(number["limit_per_min"]),
        )

    def standing(self, row: int) -> list[AlarmUpdate]:
        """The newest update of every alert of the row that has not ended, as it was told."""
        updates = []
        for condition, alarm in zip(Condition, self.alarms[row], strict=True):
            state = State(alarm["state"])
            if state >= State.ACTIVE:
                text = _text(condition, state, alarm)
                updates.append(self._told(row, condition, state, alarm, int(alarm["decided"]), text))
        return updates

    def set_technical(
        self, rows: Sequence[int], condition: Condition, on: bool, at_sample: Sequence[int], now_ns: int
    ) -> list[AlarmUpdate]:
        """Say that a condition told by the wall clock (a stale stream) began or ended; rows already so are skipped."""
        updates = []
        is_on = self.alarms["state"][rows, condition] != State.INACTIVE
        for i in np.flatnonzero(is_on != on):
            row, sample = rows[i], at_sample[i]
            alarm = self.alarms[row, condition]
            if not on:
                updates.append(self.move(row, condition, State.INACTIVE, sample, "over"))
            elif not self._is_blocked(row, condition, now_ns):
                alarm["onset"] = max(sample, alarm["floor"])
                updates.append(self.move(row, condition, State.ACTIVE, sample))
        return updates

    def _is_blocked(self, row: int, condition: Condition, now_ns: int) -> bool:
        return bool(self.is_off(row)[condition] or self.paused_until_ns[row, condition] > now_ns)

    def is_off(self, rows: np.ndarray | int) -> np.ndarray:
        """bool (…, N_CONDITIONS): switched off for the bed, or for the house in the settings."""
        return self.off[rows] | self.disabled

    def any_silenced(self, rows: np.ndarray, now_ns: int) -> np.ndarray:
        """bool (R,): whether anything of the bed is switched off or paused, which must be shown."""
        return (self.is_off(rows) | (self.paused_until_ns[rows] > now_ns)).any(axis=1)

    def silenced(self, row: int, now_ns: int) -> tuple[list[str], list[str]]:
        """Names of the conditions that are switched off, and of those that are paused."""
        off = self.is_off(row)
        paused = (self.paused_until_ns[row] > now_ns) & ~off
        return [RULES[c].name for c in np.flatnonzero(off)], [RULES[c].name for c in np.flatnonzero(paused)]

    def repeats(self, now_ns: int) -> list[AlarmUpdate]:
        """The newest update of every high-priority alert that is due to be told again, as nobody has seen it."""
        updates = []
        for row, condition, level in self.escalation.due(self.alarms, now_ns):
            alarm, about = self.alarms[row, condition], Condition(condition)
            text = _text(about, State(alarm["state"]), alarm)
            told = self._told(row, about, State(alarm["state"]), alarm, int(alarm["decided"]), text)
            updates.append(replace(told, escalation=level))
        return updates

    def move(self, row: int, condition: Condition, state: State, at_sample: int, text: str = "") -> AlarmUpdate:
        """Put one alarm into ``state`` by order or by the wall clock, between hops; the update that tells it."""
        alarm = self.alarms[row, condition]
        alarm["update"] = alarm["changed"] = 0 if alarm["state"] < State.ACTIVE else alarm["update"] + 1
        alarm["state"] = state
        onset = int(alarm["onset"])
        decided = alarm["decided"] = max(int(at_sample), int(self.next_hop[row]) * HOP_SAMPLES, onset)
        if state == State.INACTIVE:
            alarm["floor"] = max(decided, onset + 1)
        strips = self.strips[row]
        its = (strips["condition"] == condition) & (strips["onset"] == onset)
        strips["update"][its], strips["state"][its] = alarm["update"], state
        return self._told(row, condition, state, alarm, decided, text)

    def complete_strips(self, row: int, at_sample: int) -> list[AlarmUpdate]:
        """Complete the row's open strips with the signal up to ``at_sample``: what follows is not this patient's."""
        decided = max(int(at_sample), int(self.next_hop[row]) * HOP_SAMPLES)
        updates = []
        for strip in self.strips[row][self.strips[row]["condition"] != NO_STRIP]:
            told = self._told(row, Condition(strip["condition"]), State(strip["state"]), strip, decided, "")
            brings = strip_of(told.onset, int(strip["begun"]), decided, last=True)
            updates.append(replace(told, update=told.update + 1, strip=brings))
        self.strips[row] = no_strips(1)
        return updates


def _flags(names: Iterable[str]) -> np.ndarray:
    """bool (N_CONDITIONS,): which conditions are named."""
    flags = np.zeros(N_CONDITIONS, dtype=bool)
    flags[[RULE_OF_NAME[name].condition for name in names]] = True
    return flags


def _source(condition: Condition, from_model: bool) -> str:
    if RULES[condition].technical:
        return "technical"
    return "model" if from_model else "rules"


def _text(condition: Condition, state: State, said: np.void, cause: int = NO_CAUSE) -> str:
    """``said``: an alarm or a change, whose ``about`` is told while it goes on."""
    if state == State.LATCHED:
        return "over, not yet acknowledged"
    if state != State.INACTIVE:
        return ABOUT[said["about"]]
    if cause == NO_CAUSE:
        return "over"
    return "switched off" if cause == condition else f"replaced by {RULES[cause].label}"
