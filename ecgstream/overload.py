"""Notices when compute cannot keep up, and has beds go without the encoder until it can."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import structlog

from .alarms.machine import State
from .metrics import Metrics
from .pipeline import Pipeline
from .shedding import LATE_S, Pass
from .sources.message import Message
from .waveform import LETHAL

SPARED_STAGES = ("strips", "beats", "diagnosis", "heads", "shadow")
"""Those that a bed without the encoder is spared."""
SENDING_S = 5.0
"""A bed from which nothing has come for this long before the newest of all costs nothing."""

_BEGUN = "more than compute can do: rules go on, beds take turns without the encoder"
_ENDED = "keeping up again: every bed has the encoder"

log = structlog.get_logger()


class Overload:
    """Called in the compute thread around each pass."""

    def __init__(self, pipeline: Pipeline, metrics: Metrics):
        self._pipeline, self._metrics = pipeline, metrics
        self._spent_s = np.zeros(2)  # up to the last pass, in all threads: by SPARED_STAGES, in all
        self._sheds = False  # at the last look
        pipeline.load.look(pipeline.clock.now_ns() / 1e9, 0)  # the next looks at what has been since

    @contextmanager
    def watching(self, messages: Sequence[Message]) -> Iterator[None]:
        """Around the pass over ``messages``."""
        begun_s, begun_ns = time.perf_counter(), self._pipeline.clock.now_ns()
        self.begin(messages, begun_ns)
        yield
        self.note(messages, begun_ns, time.perf_counter() - begun_s)

    def begin(self, messages: Sequence[Message], begun_ns: int) -> None:
        """A pass over ``messages`` begins. When they are late already, beds without scores yet wait for the encoder.
        Not with a log, where no chunk is lost by waiting, and a bed may come with its memory."""
        arrived_ns = min((message.arrived_ns for message in messages if message.position is None), default=begun_ns)
        self._pipeline.postpones = begun_ns - arrived_ns > LATE_S * 1e9

    def note(self, messages: Sequence[Message], begun_ns: int, work_s: float) -> None:
        """``messages`` have been worked on since ``begun_ns``, by the injected clock, for ``work_s``.

        Threads share that time: the encoder's part of it is reckoned as its part of all they spent.
        """
        by_stage = self._metrics.spent_s
        spent_s = np.array([sum(by_stage[stage] for stage in SPARED_STAGES), sum(by_stage.values())])
        (encoder_s, all_s), self._spent_s = spent_s - self._spent_s, spent_s
        now_s = begun_ns / 1e9 + work_s
        if messages:
            waited_ns = begun_ns - min(message.arrived_ns for message in messages)
            self._pipeline.load.note(Pass(now_s, waited_ns / 1e9, work_s, work_s * encoder_s / max(all_s, 1e-9)))
        if self._pipeline.load.is_due(now_s):
            self._look(now_s)

    def _look(self, now_s: float) -> None:
        pipeline, load, shedding = self._pipeline, self._pipeline.load, self._pipeline.shedding
        rows = np.array(list(pipeline.intake.row_of.values()), np.int64)
        arrival_ns = pipeline.intake.last_arrival_ns[rows]
        beds = rows[arrival_ns > arrival_ns.max(initial=0) - SENDING_S * 1e9]
        load.look(now_s, len(beds))
        if shedding.shed.any() or load.too_much:
            lethal = (pipeline.alarms.alarms["state"][:, LETHAL] >= State.PENDING).any(axis=1)
            if load.too_much:
                shedding.shed_down_to(load.affordable(len(beds)), now_s, beds, lethal)
            else:
                shedding.take_turns(load.room(), now_s, beds, lethal)
        n_shed = int(shedding.shed.sum())
        self._metrics.shed.set(n_shed)
        if self._sheds != (n_shed > 0):
            self._sheds = n_shed > 0
            log.warning(_BEGUN if self._sheds else _ENDED, beds_shed=n_shed)
