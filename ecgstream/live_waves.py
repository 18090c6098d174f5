"""What the ward page draws: the conditioned signal, as the rules and the encoder see it, in whole microvolts."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from .alert_strips.message import strip_before
from .conditioning import Conditioner
from .errors import IntakeError, WireError
from .intake import Intake
from .metrics import Metrics
from .reception import in_parts, read, take_in
from .settings import Settings
from .sources.message import Message
from .waveform import HOP_SAMPLES, Conditioned, Reason
from .web.waves import MISSING, MOST_UV, Wave
from .wire import ecgstream_pb2 as pb
from .wire.codec import decode_chunk

MOST_HOPS = 25
"""Most hops of a bed conditioned at once."""


def waves_of(conditioned: Conditioned, intake: Intake) -> list[Wave]:
    """A wave for every row with a lead, measured or derived; ``MISSING`` wherever the signal is not valid."""
    uv = np.clip(np.rint(conditioned.ecg_mv * 1000), -MOST_UV, MOST_UV).astype(np.int16)
    uv[~conditioned.valid] = MISSING
    present = (conditioned.reason != Reason.ABSENT).any(axis=2)
    waves = []
    for i, row in enumerate(conditioned.rows.tolist()):
        slots = np.flatnonzero(present[i])
        if len(slots):
            names = intake.lead_names(row)
            leads = tuple(names[slot] for slot in slots.tolist())
            waves.append(Wave(intake.stream_id(row), int(conditioned.first_hop[i]) * HOP_SAMPLES, leads, uv[i, slots]))
    return waves


class SignalReader:
    """Chunks to waves where there is no daemon: the same intake and conditioning, and nothing behind them.

    One owner: calls must not overlap.
    """

    def __init__(self, settings: Settings, metrics: Metrics):
        self._intake, self._conditioner = Intake(settings.intake), Conditioner(settings.conditioning.mains_hz)
        self._metrics, self._n_rows = metrics, 0

    def take(self, messages: Sequence[Message]) -> list[Wave]:
        """Everything that the chunks complete; bad ones are counted and left behind."""
        waves: list[Wave] = []
        for part in in_parts(messages):
            for message, _ in take_in(self._intake, part, read(part), lambda *_: True):
                self._accept(message, waves)
        self._tick(waves)
        self._metrics.count_intake(self._intake.accepted, self._intake.counts)
        return waves

    def before(self, stream_id: str, stop_ns: int, seconds: float) -> pb.Strip | None:
        """The last ``seconds`` of a stream before a time, as its monitor sent them; None where none is held."""
        return strip_before(self._intake, stream_id, stop_ns, seconds)

    def forget_silent(self) -> None:
        """Let go of streams that have been silent for ``intake.evict_s``."""
        self._intake.evict(time.time_ns())

    def _accept(self, message: Message, waves: list[Wave]) -> None:
        try:
            chunk = decode_chunk(message.payload, message.content_type)
            if not self._intake.accept(chunk, message.arrived_ns):
                self._tick(waves)
                self._intake.accept(chunk, message.arrived_ns)
        except (WireError, IntakeError) as error:
            self._metrics.messages.labels("refused").inc()
            self._metrics.refused.labels(error.reason).inc()

    def _tick(self, waves: list[Wave]) -> None:
        while blocks := self._intake.take(MOST_HOPS):
            if self._intake.n_rows > self._n_rows:
                self._n_rows = max(16, 2 * self._intake.n_rows)
                self._conditioner.grow(self._n_rows)
            for block in blocks:
                waves += waves_of(self._conditioner.step(block), self._intake)
