"""Composition root: wires source, pipeline and sink together, and gives them a life from start to SIGTERM."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import structlog

from .clock import Clock, WallClock
from .diagnosis import Model, load_model
from .endpoints import Endpoints
from .errors import ModelError
from .keeper import Keeper
from .metrics import Metrics
from .outputs import Outgoing
from .pipeline import Pipeline
from .settings import Settings
from .sinks.zeromq import ZeroMqSink
from .sources.control import ControlSocket
from .sources.message import Message
from .sources.zeromq import ZeroMqSource
from .upkeep import apply_order, watch
from .wire import ecgstream_pb2 as pb

TICK_S = 0.05
"""Messages are gathered this long before a pass, so that a pass serves many beds."""
WAITING_BATCHES = 3
WATCH_S = 1.0
"""How often the clock is looked at: stale streams, eviction, saved state."""
SUBSCRIBERS_RETURN_S = 1.0
"""After a restart, subscribers need about this long to connect again."""
LIVE_S = 30.0
"""Without a heartbeat for this long the process says it is not live."""

log = structlog.get_logger()
T = TypeVar("T")


class Daemon:
    """One ecgstream process.

    Queues between the stages are bounded; compute has its own thread and owns all signal state. An unexpected error in
    any stage ends the process; one in the model only ends the model.
    """

    def __init__(self, settings: Settings, require_model: bool = False, clock: Clock | None = None):
        self.settings = settings
        self.require_model = require_model
        self.clock = clock or WallClock()
        self.metrics = Metrics()
        self.endpoints = Endpoints(settings.http, self.metrics, self)
        self.source = ZeroMqSource(settings.source, self.clock.now_ns)
        self.sink = ZeroMqSink(settings.sink)
        self.control = ControlSocket(settings.control)
        self.keeper: Keeper | None = None
        self._compute_thread = ThreadPoolExecutor(1, thread_name_prefix="compute")
        self._batch = settings.queue_messages // (WAITING_BATCHES + 1)
        self._inbox: asyncio.Queue[list[Message] | None] = asyncio.Queue(WAITING_BATCHES)
        self._outbox: asyncio.Queue[tuple[list[Outgoing], list[Any]] | None] = asyncio.Queue(8)
        self._stopping = asyncio.Event()
        self._started = False
        self._heartbeat_s = time.monotonic()

    # ------------------------------------------------------------------------------------------------------ its life

    async def run(self) -> int:
        """Start, work until told to stop, drain; the process's exit code. Raises EcgstreamError if it cannot start."""
        self._listen_to_signals()
        try:
            await self.startup()
            await self.main_loop()
        except ExceptionGroup as group:
            for error in group.exceptions:
                log.error("a stage failed; stopping", exc_info=error)
            return 1
        finally:
            await self.shutdown()
        return 0

    async def startup(self) -> None:
        """Everything that can fail before the first message."""
        model, fault = self._load_model()
        self.pipeline = Pipeline(self.settings, model, self.metrics, self.clock, fault)
        await self._in_compute(self.pipeline.warm_up)
        await self.endpoints.start()
        await self.sink.start()
        if self.settings.state.path:
            self.keeper = Keeper(self.settings, self.pipeline)
            await self._tell_standing(await self._in_compute(self.keeper.restore))
        await self.source.start()
        await self.control.start()
        self._started = True
        log.info("ready", http_port=self.endpoints.port, model=model.version if model else "none", fault=fault)

    async def main_loop(self) -> None:
        """The stages, side by side, until the source has been drained."""
        async with asyncio.TaskGroup() as stages:
            watching = stages.create_task(self._watch())
            ordering = stages.create_task(self._take_orders())
            stages.create_task(self._receive())
            stages.create_task(self._compute())
            await stages.create_task(self._publish())
            watching.cancel()
            ordering.cancel()

    async def shutdown(self) -> None:
        """Let go of sockets and files; safe after a failed start."""
        self._started = False
        if self.keeper:
            await self._in_compute(self.keeper.close)
        self._compute_thread.shutdown(wait=True, cancel_futures=True)
        await self.source.close()
        await self.control.close()
        await self.sink.close()
        await self.endpoints.close()
        log.info("stopped")

    async def _tell_standing(self, out: list[Outgoing]) -> None:
        """Before the first new message; PUB drops what is said before subscribers have come back."""
        if out:
            await asyncio.sleep(SUBSCRIBERS_RETURN_S)
            await self._outbox.put((out, []))

    def _load_model(self) -> tuple[Model | None, str]:
        if not self.settings.diagnosis.enabled:
            return None, ""
        try:
            return load_model(self.settings.diagnosis.model, self.settings.diagnosis.device), ""
        except ModelError as error:
            if self.require_model:
                raise
            log.error("model unavailable; rules go on", fault=str(error))
            return None, str(error)

    def _listen_to_signals(self) -> None:
        def stop(number: signal.Signals) -> None:
            if self._stopping.is_set():
                log.warning("forced to stop", signal=number.name)
                os._exit(128 + number)  # like a kill, which the state file survives at any moment
            log.info("draining", signal=number.name)
            self._stopping.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop, number)

    # ------------------------------------------------------------------------------------------------------ the stages

    async def _receive(self) -> None:
        """Source to inbox, a tick's worth at a time; after a stop, what has already arrived, then the end mark."""
        stopping = asyncio.create_task(self._stopping.wait())
        while not self._stopping.is_set():
            receiving = asyncio.create_task(self.source.receive(self._batch))
            await asyncio.wait({receiving, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not receiving.done():
                receiving.cancel()
                break
            messages = receiving.result()
            if len(messages) < self._batch:
                await asyncio.sleep(TICK_S)
                messages += self.source.drain(self._batch - len(messages))
            await self._inbox.put(messages)
        deadline_s = time.monotonic() + self.settings.drain_s
        while time.monotonic() < deadline_s and (left := self.source.drain(self._batch)):
            await self._inbox.put(left)
        await self._inbox.put(None)

    async def _compute(self) -> None:
        """Inbox to outbox, off the event loop."""
        while (messages := await self._inbox.get()) is not None:
            self.metrics.queued.set(self._inbox.qsize())
            start_s = time.perf_counter()
            out = await self._in_compute(self._process, messages)
            self.metrics.tick.observe(time.perf_counter() - start_s)
            self._heartbeat_s = time.monotonic()
            await self._outbox.put((out, [m.position for m in messages]))
        await self._outbox.put(None)

    def _process(self, messages: list[Message]) -> list[Outgoing]:
        """In the compute thread: state of beds with new alerts is on disk before the alerts leave."""
        out = self.pipeline.process(messages)
        if self.keeper:
            self.keeper.keep(out)
        return out

    async def _publish(self) -> None:
        """Outbox to sink: 1. publish, 2. the sink confirms, 3. commit the positions these results came from."""
        while (item := await self._outbox.get()) is not None:
            out, positions = item
            await self.sink.publish([(o.stream_id, o.content_type, o.payload) for o in out])
            await self.source.commit(positions)
            for name, count in _counts(out).items():
                self.metrics.published.labels(name).inc(count)
        await self.sink.flush(self.settings.drain_s)

    async def _watch(self) -> None:
        """Silence is news: stale streams by the clock; state to disk."""
        while True:
            await asyncio.sleep(WATCH_S)
            out = await self._in_compute(self._look_around)
            if out:
                await self._outbox.put((out, []))
            self._heartbeat_s = time.monotonic()

    def _look_around(self) -> list[Outgoing]:
        out = watch(self.pipeline) if self.settings.clock == "wall" else []
        if self.keeper:
            self.keeper.keep_all_when_due(out)
        return out

    async def _take_orders(self) -> None:
        """Control requests to the bed's owner, replies back, resulting alerts out."""
        async for control, reply in self.control.requests():
            answer, out = await self._in_compute(self._order, control)
            await reply(answer)
            if out:
                await self._outbox.put((out, []))

    def _order(self, control: pb.Control) -> tuple[pb.ControlReply, list[Outgoing]]:
        answer, out = apply_order(self.pipeline, control)
        if self.keeper:
            self.keeper.keep(out)
        return answer, out

    async def _in_compute(self, function: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._compute_thread, function, *arguments)

    # ---------------------------------------------------------------------------------------------------------- health

    def not_live(self) -> list[str]:
        """Why the process should be restarted."""
        silent_s = time.monotonic() - self._heartbeat_s
        return [f"no heartbeat from compute for {silent_s:.0f} s"] if silent_s > LIVE_S else []

    def not_ready(self) -> list[str]:
        """Why no chunks should be sent here yet."""
        faults = self.not_live()
        if not self._started:
            faults.append("starting")
        if self._stopping.is_set():
            faults.append("stopping")
        return faults


def _counts(out: list[Outgoing]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for outgoing in out:
        counts[outgoing.name] = counts.get(outgoing.name, 0) + 1
    return counts


def run(settings: Settings, require_model: bool = False) -> int:
    """Run a daemon in this process until it is told to stop; its exit code."""
    return asyncio.run(Daemon(settings, require_model).run())
