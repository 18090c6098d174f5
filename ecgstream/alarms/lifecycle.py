"""Evidence in, alarm updates out: the alarms of every bed, with their limits and pauses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ..waveform import HOP_SAMPLES, N_CONDITIONS, AlarmUpdate, Condition
from .conditions import RULE_OF_NAME, RULES, graver_table, judging_order, rule_table
from .ids import alert_id
from .machine import CHANGE_DTYPE, NO_CAUSE, State, advance, fresh_alarms

LIMIT_NAMES = ("bradycardia_bpm", "tachycardia_bpm", "pause_s")
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
        bradycardia_bpm: float = 50.0,
        tachycardia_bpm: float = 120.0,
        pause_s: float = 2.5,
        disabled: Iterable[str] = (),
    ):
        self.default_limits = (bradycardia_bpm, tachycardia_bpm, pause_s)
        self._disabled = np.zeros(N_CONDITIONS, dtype=bool)
        self._disabled[[RULE_OF_NAME[name].condition for name in disabled]] = True
        self.stream_ids: list[str] = []
        self.alarms = fresh_alarms(0, N_CONDITIONS)
        self.next_hop = np.zeros(0, dtype=np.int64)
        self.paused_until_ns = np.zeros((0, N_CONDITIONS), dtype=np.int64)
        self.limits = np.zeros((0, len(LIMIT_NAMES)))
        self.grow(n_rows)

    def grow(self, n_rows: int) -> None:
        """Make room for ``n_rows`` rows in all."""
        more = n_rows - len(self.stream_ids)
        self.stream_ids += [""] * more
        self.alarms = np.concatenate([self.alarms, fresh_alarms(more, N_CONDITIONS)])
        self.next_hop = np.concatenate([self.next_hop, np.zeros(more, dtype=np.int64)])
        self.paused_until_ns = np.concatenate([self.paused_until_ns, np.zeros((more, N_CONDITIONS), dtype=np.int64)])
        self.limits = np.concatenate([self.limits, np.tile(self.default_limits, (more, 1))])

    def reset(self, rows: np.ndarray) -> None:
        """Forget the rows: alarms, pauses, limits and whose they were. Tells nobody; see ``orders.associate``."""
        self.alarms[rows] = fresh_alarms(1, N_CONDITIONS)
        self.next_hop[rows] = 0
        self.paused_until_ns[rows] = 0
        self.limits[rows] = self.default_limits
        for row in rows:
            self.stream_ids[row] = ""

    def admit(self, row: int, stream_id: str) -> None:
        """Give the row to a stream, with nothing remembered."""
        self.reset(np.array([row]))
        self.stream_ids[row] = stream_id

    @property
    def bradycardia_bpm(self) -> np.ndarray:
        """float64 (rows,): heart rate below which bradycardia is evidence."""
        return self.limits[:, 0]

    @property
    def tachycardia_bpm(self) -> np.ndarray:
        """float64 (rows,): heart rate above which tachycardia is evidence."""
        return self.limits[:, 1]

    @property
    def pause_s(self) -> np.ndarray:
        """float64 (rows,): time without a beat from which a pause is evidence."""
        return self.limits[:, 2]

    def step(
        self,
        rows: np.ndarray,
        first_hop: np.ndarray,
        judged: np.ndarray,
        evidence: np.ndarray,
        onset: np.ndarray,
        from_model: np.ndarray,
        now_ns: int,
    ) -> list[AlarmUpdate]:
        """Judge R rows over H hops each; updates in order of row, then hop, then gravity.

        rows, first_hop int64 (R,); judged bool (R, H): whether the signal of the hop could be judged; evidence bool,
        onset int64 (grid sample where it began), from_model bool (R, H, N_CONDITIONS); ``now_ns`` by the injected
        clock, for pauses.
        """
        blocked = self._disabled | (self.paused_until_ns[rows] > now_ns)
        changes = np.empty(evidence.size, dtype=CHANGE_DTYPE)
        hops = (rows, first_hop, self.next_hop, judged, evidence, onset, from_model, blocked)
        # Contiguous: the kernel would be compiled once more, in mid-stream, for every other memory layout.
        n_changes = advance(self.alarms, _TABLES, *map(np.ascontiguousarray, hops), changes)
        self.next_hop[rows] = np.maximum(self.next_hop[rows], first_hop + judged.shape[1])
        return [self._changed(int(rows[change["place"]]), change) for change in changes[:n_changes]]

    def _changed(self, row: int, change: np.void) -> AlarmUpdate:
        condition, state = Condition(change["condition"]), State(change["state"])
        text = _text(condition, state, int(change["cause"]))
        return self._told(row, condition, state, change, int(change["decided"]), text)

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
        )

    def standing(self, row: int) -> list[AlarmUpdate]:
        """The newest update of every alert of the row that has not ended, as it was told."""
        updates = []
        for condition, alarm in zip(Condition, self.alarms[row], strict=True):
            state = State(alarm["state"])
            if state >= State.ACTIVE:
                text = _text(condition, state, NO_CAUSE)
                updates.append(self._told(row, condition, state, alarm, int(alarm["decided"]), text))
        return updates

    def set_technical(
        self, rows: Sequence[int], condition: Condition, on: bool, at_sample: Sequence[int], now_ns: int
    ) -> list[AlarmUpdate]:
        """Say that a condition told by the wall clock (a stale stream) began or ended; rows already so are skipped."""
        updates = []
        for row, sample in zip(rows, at_sample, strict=True):
            alarm = self.alarms[row, condition]
            if on and alarm["state"] == State.INACTIVE and not self._is_blocked(row, condition, now_ns):
                alarm["onset"] = max(sample, alarm["floor"])
                updates.append(self.move(row, condition, State.ACTIVE, sample))
            elif not on and alarm["state"] != State.INACTIVE:
                updates.append(self.move(row, condition, State.INACTIVE, sample, "over"))
        return updates

    def _is_blocked(self, row: int, condition: Condition, now_ns: int) -> bool:
        return bool(self._disabled[condition] or self.paused_until_ns[row, condition] > now_ns)

    def move(self, row: int, condition: Condition, state: State, at_sample: int, text: str = "") -> AlarmUpdate:
        """Put one alarm into ``state`` by order or by the wall clock, between hops; the update that tells it."""
        alarm = self.alarms[row, condition]
        alarm["update"] = 0 if alarm["state"] < State.ACTIVE else alarm["update"] + 1
        alarm["state"] = state
        onset = int(alarm["onset"])
        decided = alarm["decided"] = max(int(at_sample), int(self.next_hop[row]) * HOP_SAMPLES, onset)
        if state == State.INACTIVE:
            alarm["floor"] = max(decided, onset + 1)
        return self._told(row, condition, state, alarm, decided, text)


def _source(condition: Condition, from_model: bool) -> str:
    if RULES[condition].technical:
        return "technical"
    return "model" if from_model else "rules"


def _text(condition: Condition, state: State, cause: int) -> str:
    if state == State.LATCHED:
        return "over, not yet acknowledged"
    if state != State.INACTIVE:
        return ""
    if cause == NO_CAUSE:
        return "over"
    return "switched off" if cause == condition else f"replaced by {RULES[cause].label}"
