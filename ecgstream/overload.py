"""Notices when compute cannot keep up, and has beds go without the encoder until it can."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import structlog

from .alarms.machine import State
from .metrics import Metrics
from .pipeline import Pipeline
from .shedding import Pass
from .sources.message import Message
from .waveform import LETHAL

ENCODER_STAGES = ("diagnosis", "heads", "shadow")
"""Those that a bed without the encoder is spared."""
SENDING_S = 5.0
"""A bed from which nothing has come for this long before the newest of all costs nothing."""

_BEGUN = "more than compute can do: rules go on, beds take turns without the encoder"
_ENDED = "keeping up again: every bed has the encoder"

log = structlog.get_logger()


class Overload:
    """Called in the compute thread after each pass."""

    def __init__(self, pipeline: Pipeline, metrics: Metrics):
        self._pipeline, self._metrics = pipeline, metrics
        self._spent_s = np.zeros(2)  # up to the last pass, in all threads: by the encoder, in all

    def note(self, messages: Sequence[Message], begun_ns: int, work_s: float) -> None:
        """``messages`` have been worked on since ``begun_ns``, by the injected clock, for ``work_s``.

        Threads share that time: the encoder's part of it is reckoned as its part of all they spent.
        """
        by_stage = self._metrics.spent_s
        spent_s = np.array([sum(by_stage[stage] for stage in ENCODER_STAGES), sum(by_stage.values())])
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
        before = shedding.shed.any()
        if before or load.too_much:
            lethal = (pipeline.alarms.alarms["state"][:, LETHAL] >= State.PENDING).any(axis=1)
            if load.too_much:
                shedding.shed_down_to(load.affordable(len(beds)), now_s, beds, lethal)
            else:
                shedding.take_turns(load.room(), now_s, beds, lethal)
        self._metrics.shed.set(shedding.shed.sum())
        if before != shedding.shed.any():
            log.warning(_ENDED if before else _BEGUN, beds_shed=int(shedding.shed.sum()))
