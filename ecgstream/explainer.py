"""Why the model says what an alert or a diagnosis says: computed beside everything else, kept to be looked at."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from importlib.util import find_spec
from typing import Any

import structlog
from google.protobuf.message import Message

from .alert_strips.recent import RecentStrips
from .errors import EcgstreamError, RecordError, SettingsError
from .explanations import worker
from .explanations.alert import SCORES
from .explanations.explained import Explained, ExplainedDiagnoses
from .explanations.on_disk import ModelsOnDisk
from .explanations.standing import StandingDiagnoses, Stated
from .explanations.window import LONGEST_S
from .metrics import Metrics
from .settings import DiagnosisSettings, ExplanationSettings, Settings
from .sinks.base import Published
from .wire import ecgstream_pb2 as pb
from .wire.codec import decode

SignalBefore = Callable[[str, int, float], Awaitable[pb.Strip | None]]
"""Of a stream, before a time in ns, so many seconds; None where none is held."""
HEARD = ("alert", "diagnosis")

log = structlog.get_logger()


class Explainer:
    """Takes alerts and diagnoses and never waits; one at a time is explained by a process of its own, at low priority.

    Alerts come first. A bounded queue holds those that wait. Where it is full the oldest goes unexplained, and is
    counted: an explanation helps whoever looks at the newest alarm. A diagnosis waits for as long as it stands.
    """

    def __init__(
        self,
        settings: ExplanationSettings,
        models: DiagnosisSettings,
        mains_hz: int,
        metrics: Metrics,
        signal_before: SignalBefore,
    ):
        self._settings, self._model, self._mains_hz = settings, models.model, mains_hz
        self._counted, self._signal_before = metrics.explanations, signal_before
        self._waiting: asyncio.Queue[pb.Alert] = asyncio.Queue(settings.most_waiting)
        self._standing = StandingDiagnoses(ModelsOnDisk(models, settings.diagnosis_threshold or 1.0))
        self._offered = asyncio.Event()
        self._at: Stated | None = None  # the diagnosis that is being explained
        self.found = RecentStrips()
        self.diagnoses = ExplainedDiagnoses()
        self._pool: ProcessPoolExecutor | None = None
        metrics.queue.labels("explanations").set_function(self._waiting.qsize)
        metrics.queue_room.labels("explanations").set(settings.most_waiting)

    def start(self) -> None:
        """Raises SettingsError where the extra is not installed."""
        if find_spec("captum") is None:
            raise SettingsError(
                "explanations.enabled needs captum, which is not installed; run: pip install 'ecgstream[explain]'"
            )
        self._pool = self._started()

    def _started(self) -> ProcessPoolExecutor:
        spawn = multiprocessing.get_context("spawn")  # a fork would hold the sockets, and copies of locks
        model = str(self._model) if self._model else None
        return ProcessPoolExecutor(1, mp_context=spawn, initializer=worker.load, initargs=(model,))

    # ---------------------------------------------------------------------------------------------------- what is said

    def look(self, outgoing: Published) -> None:
        """What leaves the daemon."""
        if outgoing.name in HEARD:
            self.hear(decode(outgoing.payload, outgoing.content_type))

    def hear(self, message: Message) -> None:
        """Any message: alerts and diagnoses are offered; after another patient's admission the last one's go."""
        match message:
            case pb.Alert():
                self.offer(message)
            case pb.Diagnosis() if self._settings.diagnosis_threshold is not None:
                self._counted.labels("fallen").inc(self._standing.take(message))
                if len(self._standing):
                    self._offered.set()
            case pb.Control() if message.WhichOneof("order") == "association":
                self._forget(message.stream_id)

    def offer(self, alert: pb.Alert) -> None:
        """Have an alert explained if it is of high priority, brings its strip, and has not been yet."""
        is_new = not alert.update and not alert.escalation and self.found.find(alert.alert_id) is None
        if alert.priority != pb.Alert.HIGH or not alert.strip.layout.channels or not is_new:
            return
        if alert.condition not in SCORES:
            self._counted.labels("no_score").inc()
            return
        if self._waiting.full():
            self._waiting.get_nowait()
            self._counted.labels("dropped").inc()
        self._waiting.put_nowait(alert)
        self._offered.set()

    def _forget(self, stream_id: str) -> None:
        self._standing.forget(stream_id)
        self.diagnoses.forget(stream_id)
        if self._at is not None and self._at.stream_id == stream_id:
            self._at = None

    # ------------------------------------------------------------------------------------------------ what is explained

    async def run(self) -> None:
        """Explain what is offered, until cancelled."""
        while True:
            if not self._waiting.empty():
                await self._explain(self._waiting.get_nowait())
            elif (stated := self._standing.next()) is not None:
                await self._explain_diagnosis(stated)
            else:
                self._offered.clear()
                await self._offered.wait()

    async def _explain(self, alert: pb.Alert) -> None:
        explaining = self._in_worker(worker.explained, alert.SerializeToString(), self._mains_hz)
        if document := await self._counting(explaining, condition=alert.condition):
            self.found.keep(alert.alert_id, document)

    async def _explain_diagnosis(self, stated: Stated) -> None:
        self._at = stated
        explained = await self._counting(self._explained(stated), score=stated.score)
        if self._at is stated and explained:
            self.diagnoses.keep(explained)
        elif self._at is stated:
            self._standing.failed(stated)
        self._at = None

    async def _explained(self, stated: Stated) -> Explained:
        """Raises RecordError where the signal is not here."""
        strip = await self._signal_before(stated.stream_id, stated.time_ns, LONGEST_S)
        if strip is None:
            raise RecordError(f"No signal of {stated.stream_id} is held here; ecgstream web needs the chunks, too.")
        about = {
            "stream_id": stated.stream_id,
            "stated_probability": round(stated.probability, 4),
            "threshold": stated.by.threshold,
            "stated_time_ns": stated.time_ns,
        }
        said = strip.SerializeToString(), stated.score, about, self._mains_hz
        by = stated.by.version, str(stated.by.folder)
        return Explained(stated, strip, await self._in_worker(worker.explained_diagnosis, *said, *by))

    async def _in_worker(self, function: Callable[..., bytes], *arguments: Any) -> bytes:
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *arguments)

    async def _counting(self, explaining: Awaitable[Any], **what: str) -> Any:
        """What it gives; None, counted and said, where it cannot."""
        try:
            found = await explaining
        except EcgstreamError as error:
            self._counted.labels("not_explained").inc()
            log.info("not explained", **what, text=str(error))
        except Exception as error:  # what explains must not end what alarms
            self._counted.labels("failed").inc()
            log.error("not explained", **what, fault=f"{type(error).__name__}: {error}")
            if isinstance(error, BrokenProcessPool):
                self._pool.shutdown(wait=False)
                self._pool = self._started()
        else:
            self._counted.labels("explained").inc()
            return found
        return None

    def close(self) -> None:
        """End the process, when it has explained what it is at."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None


def explainer_of(settings: Settings, metrics: Metrics, signal_before: SignalBefore) -> Explainer | None:
    """None where nothing is to be explained."""
    if not settings.explanations.enabled:
        return None
    mains_hz = settings.conditioning.mains_hz
    return Explainer(settings.explanations, settings.diagnosis, mains_hz, metrics, signal_before)
