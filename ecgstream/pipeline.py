"""The tick: messages in, everything they complete out. No thread, no socket, no file; the daemon owns those."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, Future, wait
from contextvars import copy_context
from typing import TYPE_CHECKING

import numpy as np
import structlog

from .clock import Clock
from .diagnosis import Model
from .errors import IntakeError, WireError
from .intake.blocks import MOST_ROWS
from .metrics import Metrics
from .observed import Observed, Step
from .outputs import Outgoing, Outputs, Refused
from .passage import Passage
from .reception import in_parts, read, take_in
from .room import warming_chunks
from .settings import Settings
from .sources.message import Message
from .waveform import AlarmUpdate, Chunk, MonitorAlarm, RawBlock, Reason, Scores
from .wire.codec import decode_chunk, encode, encode_chunk

if TYPE_CHECKING:
    from .checkpoints import Checkpoints

MAX_HOPS = 25
"""Most hops of a row processed in one step; bounds the work between two looks at the clock."""
SHARED_ROWS = MOST_ROWS + 1
"""Rows of a pass from which on blocks are shared out: fewer are one block."""
HANDED_OUT = 3
"""Blocks that are with the hands while one is concluded: what each holds for a moment adds up."""

log = structlog.get_logger()

Shown = tuple[Observed, np.ndarray, Scores]
"""What a block shows, why its rows go without the encoder, uint8 (R,), and what the encoder says."""


class Pipeline(Passage):
    """Messages through every room in order. One owner: calls must not overlap. ``observer`` is shown each step as it is
    made."""

    def __init__(
        self,
        settings: Settings,
        model: Model | None,
        metrics: Metrics,
        clock: Clock,
        observer: Callable[[Step], None] | None = None,
    ):
        super().__init__(settings, model, metrics, clock)
        self.observer = observer
        self.outputs = Outputs(self.intake, self.alarms, settings, self.models)
        self.checkpoints: Checkpoints | None = None  # where there is a log to go back to
        self.catching_up = False  # far behind the log: rules alone, until nearly there
        self.postpones = False  # beds that have no scores yet wait for the encoder
        self.hands: Executor | None = None  # threads to share blocks out to, where there are processors for them
        self.refused: list[Refused] = []  # by the last pass

    # ------------------------------------------------------------------------------------------------- the way through

    def process(self, messages: Sequence[Message]) -> list[Outgoing]:
        """Everything that ``messages`` complete, in order; bad ones are counted, said and left behind."""
        out: list[Outgoing] = []
        self.refused = []
        for part in in_parts(messages):
            with self._stage("decode"):
                plain = read(part)
            with self._stage("intake"):
                for message, wanted in take_in(self.intake, part, plain, self._is_wanted):
                    self._take_one(message, wanted, out)
        self._tick(out)
        out += self.tell_verdicts()
        self.metrics.count_intake(self.intake.accepted, self.intake.counts)
        return out

    def _decode(self, message: Message) -> Chunk | None:
        try:
            with self._stage("decode"):
                return decode_chunk(message.payload, message.content_type)
        except WireError as error:
            self._refuse(message, error.reason, str(error))
            if self.checkpoints and message.position:
                self.checkpoints.passed(message.position)
            return None

    def _is_wanted(self, stream_id: str, message: Message) -> bool:
        if self.checkpoints is None or message.position is None:
            return True
        return self.checkpoints.before(stream_id, message.position)

    def _take_one(self, message: Message, wanted: bool, out: list[Outgoing]) -> None:
        chunk = self._decode(message)
        if chunk is not None and (wanted or self._is_wanted(chunk.stream_id, message)):
            self._accept(chunk, message, out)

    def _accept(self, chunk: Chunk, message: Message, out: list[Outgoing]) -> None:
        try:
            if not self.intake.accept(chunk, message.arrived_ns, message.came_ns):
                self._tick(out)  # the arena is full of hops nobody has taken yet
                self.intake.accept(chunk, message.arrived_ns, message.came_ns)
            row = self.admit(chunk.stream_id)
            for alarm in chunk.monitor_alarms:
                self.raise_alarm(row, alarm)
            if row in self.verdicts.waiting:  # at once, while the arena holds what came before the alarm
                out += self.tell_verdicts()
        except IntakeError as error:
            self._refuse(message, error.reason, str(error), chunk.stream_id)
            if self.checkpoints and chunk.stream_id not in self.intake.row_of:
                self.checkpoints.forget([chunk.stream_id])

    def _refuse(self, message: Message, reason: str, sentence: str, stream_id: str = "") -> None:
        self.refused.append(Refused(message, reason, sentence, stream_id))
        self.metrics.messages.labels("refused").inc()
        self.metrics.refused.labels(reason).inc()
        log.warning("message refused", reason=reason, text=sentence, stream_id=stream_id)

    def _tick(self, out: list[Outgoing]) -> None:
        if self.postpones:
            rows = np.flatnonzero(self.intake.active[: self.intake.n_rows])
            self.shedding.postpone(rows[~self.models.served.encoder.settled(rows)])
        while True:
            with self._stage("intake"):
                blocks = self.intake.take(MAX_HOPS, apart=self.shedding.shed)
            self._step_all(blocks, out)
            if not blocks and not (self.checkpoints and self.checkpoints.end_rebuilds()):
                return

    def _step_all(self, blocks: list[RawBlock], out: list[Outgoing]) -> None:
        """Take the blocks of one ``take`` through. No row is in two of them: where there are many they are shared out,
        and concluded here in their order."""
        hands = self.hands if sum(len(block.rows) for block in blocks) >= SHARED_ROWS else None
        if hands is None:
            for block in blocks:
                self._finish(*self._show(block), out)
            return
        shown: deque[Future[Shown]] = deque()
        try:
            for block in blocks:
                shown.append(hands.submit(copy_context().run, self._show, block))  # spans find theirs in the context
                if len(shown) > HANDED_OUT:
                    self._finish(*shown.popleft().result(), out)
            while shown:
                self._finish(*shown.popleft().result(), out)
        finally:
            wait(shown)  # after a fault: nothing is touched any more when the pass is over

    def _show(self, block: RawBlock) -> Shown:
        """What the block shows, which of its rows go without the encoder, and the scores of the others. It touches
        what is kept of its own rows alone."""
        without = self._without_encoder(block.rows)
        seen = self.observe(block, rules_alone=bool((without == Reason.OVERLOAD).all()))
        with self._stage("diagnosis"):
            return seen, without, self.models.step(seen.conditioned, without)

    def _finish(self, seen: Observed, without: np.ndarray, scores: Scores, out: list[Outgoing]) -> None:
        self.load.count(without == Reason.OK, seen.conditioned.n_hops)
        with self._stage("heads"):
            stated = self.models.heads.step(seen.conditioned, scores)
        with self._stage("shadow"):
            shadow = self.models.step_shadow(seen.conditioned, seen.rhythm, scores, without)
        step = self.conclude(seen, scores)
        if self.observer:
            self.observer(step)
        with self._stage("outputs"):
            now_ns = self.clock.now_ns()
            out += self._tell_new(step.updates, now_ns)
            speaks = ~self.intake.is_held(seen.conditioned.rows)  # what a bed says while it is rebuilt has been said
            about = seen.conditioned, seen.rhythm, stated, seen.strips, step.evidence
            out += self.outputs.periodic(*about, speaks, now_ns)
            out += self.outputs.shadow(seen.conditioned, shadow, speaks, now_ns) if shadow else []
        self.metrics.count_step(seen.rhythm, scores)

    def _without_encoder(self, rows: np.ndarray) -> np.ndarray:
        """Why rows of a block go without the encoder, uint8 (R,): OK for those that have it. That of one is that of
        all."""
        without = np.where(self.shedding.shed[rows], Reason.OVERLOAD, Reason.OK).astype(np.uint8)
        if self.catching_up:
            without[:] = Reason.CATCHING_UP
        return without

    # ---------------------------------------------------------------------------------------------- what is said of it

    def tell(self, updates: Iterable[AlarmUpdate]) -> list[Outgoing]:
        """Alarm updates as messages; counted but for repeats, and those that only bring the rest of a strip."""
        now_ns = self.clock.now_ns()
        for update in updates:
            if not update.escalation and not (update.update and update.strip):
                self.metrics.alerts.labels(update.condition.name.lower(), update.state).inc()
        return [self.outputs.alert(update, now_ns) for update in updates]

    def _tell_new(self, updates: list[AlarmUpdate], now_ns: int) -> list[Outgoing]:
        """What a step decided, as messages."""
        for update in updates:
            waited_ns = now_ns - int(self.intake.last_arrival_ns[update.row])
            self.metrics.latency.labels("alert").observe(waited_ns / 1e9)
        over = self.alarms.alarms["over"]
        return [self.outputs.with_onset(u, t, over[u.row]) for u, t in zip(updates, self.tell(updates), strict=True)]

    def raise_alarm(self, row: int, alarm: MonitorAlarm) -> str:
        """Take in an alarm of the bed's monitor; empty, or why there will be no verdict on it."""
        refusal = self.verdicts.offer(row, alarm, self.clock.now_ns())
        if refusal:
            self.metrics.alarms_ignored.inc()
            log.warning("monitor's alarm ignored", stream_id=self.intake.stream_id(row), text=refusal)
        return refusal

    def tell_verdicts(self) -> list[Outgoing]:
        """Second opinions that need wait no longer, as messages, counted."""
        if not self.verdicts.waiting:
            return []
        with self._stage("verdicts"):
            verdicts = self.verdicts.judge(self.clock.now_ns())
            now_ns = self.clock.now_ns()
            for verdict in verdicts:
                self.metrics.verdicts.labels(verdict.alarm.name, verdict.judged.opinion.name.lower()).inc()
                waited_ns = now_ns - int(self.intake.last_arrival_ns[verdict.row])
                self.metrics.latency.labels("verdict").observe(waited_ns / 1e9)
            return [self.outputs.verdict(verdict, now_ns) for verdict in verdicts]

    def forget_patient(self, stream_id: str) -> int:
        """The bed's signal begins anew, with nothing learnt of the last patient; its alarms stay. The bed's row."""
        if self.checkpoints:
            self.checkpoints.patient_changed(stream_id)
        row = self.intake.row_of[stream_id]
        self.intake.break_off(row)
        for room in self._rooms():
            if room is not self.alarms:
                room.reset(np.array([row], np.int64))
        return row

    def warm_up(self) -> None:
        """Compile and specialise everything a first message would otherwise wait for."""
        self.models.served.encoder.warm_up()
        scratch, now_ns = Pipeline(self.settings, None, Metrics(), self.clock), self.clock.now_ns()
        for chunk in warming_chunks(now_ns):
            content_type, payload = encode(encode_chunk(chunk))
            scratch.process([Message(payload, content_type, now_ns)])
        for row in list(scratch.intake.row_of.values()):
            scratch.intake.forget(row)
