"""Why the model says what an alert of high priority says: computed beside everything else, kept to be looked at."""

from __future__ import annotations

import asyncio
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from importlib.util import find_spec
from pathlib import Path

import structlog

from .alert_strips.recent import RecentStrips
from .errors import EcgstreamError, SettingsError
from .explanations import worker
from .explanations.alert import SCORES
from .metrics import Metrics
from .settings import ExplanationSettings
from .sinks.base import Published
from .wire import ecgstream_pb2 as pb
from .wire.codec import decode

log = structlog.get_logger()


class Explainer:
    """Takes alerts and never waits; one at a time is explained by a process of its own, at low priority.

    A bounded queue holds those that wait. Where it is full the oldest goes unexplained, and is counted: an explanation
    helps whoever looks at the newest alarm.
    """

    def __init__(self, settings: ExplanationSettings, model: Path | None, mains_hz: int, metrics: Metrics):
        self._model, self._mains_hz, self._counted = str(model) if model else None, mains_hz, metrics.explanations
        self._waiting: asyncio.Queue[pb.Alert] = asyncio.Queue(settings.most_waiting)
        self.found = RecentStrips()
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
        return ProcessPoolExecutor(1, mp_context=spawn, initializer=worker.load, initargs=(self._model,))

    def look(self, outgoing: Published) -> None:
        """What leaves the daemon; alerts are offered."""
        if outgoing.name == "alert":
            self.offer(decode(outgoing.payload, outgoing.content_type))

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

    async def run(self) -> None:
        """Explain what is offered, until cancelled."""
        while True:
            await self._explain(await self._waiting.get())

    async def _explain(self, alert: pb.Alert) -> None:
        loop, payload = asyncio.get_running_loop(), alert.SerializeToString()
        try:
            document = await loop.run_in_executor(self._pool, worker.explained, payload, self._mains_hz)
        except EcgstreamError as error:
            self._counted.labels("not_explained").inc()
            log.info("an alert is not explained", condition=alert.condition, text=str(error))
        except Exception as error:  # what explains must not end what alarms
            self._counted.labels("failed").inc()
            log.error("an alert is not explained", condition=alert.condition, fault=f"{type(error).__name__}: {error}")
            if isinstance(error, BrokenProcessPool):
                self._pool.shutdown(wait=False)
                self._pool = self._started()
        else:
            self.found.keep(alert.alert_id, document)
            self._counted.labels("explained").inc()

    def close(self) -> None:
        """End the process, when it has explained what it is at."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None
