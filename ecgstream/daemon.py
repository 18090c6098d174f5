"""Composition root: wires source, stages and sink together, and gives them a life from start to SIGTERM."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable

import structlog

from .alert_strips.message import strip_before
from .alert_strips.recent import RecentStrips
from .allocator import give_back_regularly
from .audit import Audit
from .checkpoints import Checkpoints
from .chunk_log import ChunkLog
from .clock import Clock, WallClock
from .delivery import Delivery, Results
from .diagnosis import Model
from .endpoints import Endpoints
from .errors import ModelError
from .explainer import explainer_of
from .hl7.metrics import Hl7Metrics
from .http_token import HttpToken
from .kafka.control import ControlWriter
from .kafka.producers import Producers
from .keeper import Keeper
from .kernel_cache import is_filled, note_filled
from .live_waves import waves_of
from .log_metrics import LogMetrics
from .membership import Membership
from .metrics import Metrics
from .model_endpoint import ModelEndpoint
from .model_orders import ModelOrders
from .order_endpoint import OrderEndpoint
from .outputs import Outgoing
from .overload import Overload
from .pipeline import Pipeline, Step
from .process import keep_for_good, settle, stop_on_signals
from .settings import Settings
from .sinks.base import Published, Sink
from .sinks.kafka import KafkaSink
from .sinks.watched import WatchedSink
from .sinks.zeromq import ZeroMqSink
from .sources.base import Source
from .sources.control import ControlSocket
from .sources.hl7 import Hl7Source
from .sources.zeromq import ZeroMqSource
from .stages import Stages
from .strip_endpoint import StripEndpoint
from .web.board import Board
from .web.page import WardPage
from .wire import ecgstream_pb2 as pb

SUBSCRIBERS_RETURN_S = 1.0
"""After a restart, subscribers need about this long to connect again."""
LIVE_S = 30.0
"""Without a heartbeat for this long the process says it is not live."""
CLOSE_S = 5.0
"""How long what was handed to Kafka may still leave."""

log = structlog.get_logger()


class Daemon:
    """One ecgstream process.

    Compute has its own thread and owns all signal state. An unexpected error in any stage ends the process; one in the
    model only ends the model.
    """

    def __init__(self, settings: Settings, require_model: bool = False, clock: Clock | None = None):
        self.settings = settings
        self.require_model = require_model
        self.clock = clock or WallClock()
        self.metrics = Metrics()
        self.stages = Stages(settings, self.metrics)
        self.stages.audit = Audit(settings.log.audit_path, self.clock, self.metrics)
        token, strips = HttpToken(settings.http.order_token_file), RecentStrips()
        orders = OrderEndpoint(token, self.stages.order, self._takes_no_orders)
        self.page: WardPage | None = None
        if settings.web.enabled:
            about = (settings.web, settings.http, Board(strips), self.metrics)
            self.page = WardPage(*about, self.stages.order, self._takes_no_orders)
        drawn = StripEndpoint(token, strips)
        self.models = ModelOrders(settings.diagnosis, self.stages)
        models = ModelEndpoint(token, self.models, self._takes_no_orders)
        self.endpoints = Endpoints(settings.http, self.metrics, self, token, orders, drawn, self.page, models)
        self.control = ControlSocket(settings.control)
        self.producers = Producers(settings.kafka)
        self.sink: Sink = ZeroMqSink(settings.sink)
        if settings.sink.chunks:
            self.stages.pass_on = self.sink.pass_on
        if settings.sink.kind == "kafka":
            self.sink = KafkaSink(settings.kafka, self.producers)
        onlookers: list[Callable[[Published], None]] = []
        if self.page:
            board = self.page.board
            onlookers.append(lambda outgoing: board.take(outgoing.content_type, outgoing.payload))
            self.stages.on_order.append(board.take_order)
        self.explainer = drawn.explainer = explainer_of(settings, self.metrics, self._signal_before)
        if self.explainer:
            onlookers.append(self.explainer.look)
            self.stages.on_order.append(self.explainer.hear)
            if self.page:
                self.page.explainer = self.explainer
        if onlookers:
            self.sink = WatchedSink(self.sink, onlookers)
        self.source: Source = self._hl7() if settings.source.kind == "hl7" else self._zeromq()
        self.chunk_log: ChunkLog | None = None
        self._started = False

    def _zeromq(self) -> Source:
        return ZeroMqSource(self.settings.source, self.clock.now_ns)

    def _hl7(self) -> Source:
        stages, metrics = self.stages, Hl7Metrics(self.metrics.registry)
        code_vf = self.settings.alarms.code_vf
        return Hl7Source(self.settings.hl7, self.clock.now_ns, stages.order, stages.stopping, metrics, code_vf)

    # ------------------------------------------------------------------------------------------------------ its life

    async def run(self) -> int:
        """Start, work until told to stop, drain; the process's exit code. Raises EcgstreamError if it cannot start."""
        stop_on_signals(self.stages)
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
        self._loop = asyncio.get_running_loop()
        model, fault = self._load_model()
        stages = self.stages
        stages.pipeline = Pipeline(self.settings, model, self.metrics, self.clock)
        if (os.cpu_count() or 1) > 1:
            stages.pipeline.hands = stages.hands
        if self.settings.clock == "wall":
            stages.overload = Overload(stages.pipeline, self.metrics)
        stages.pipeline.outputs.strips = self.endpoints.strips.strips
        if self.page:
            stages.pipeline.observer = self._show_waves
        if not is_filled():
            log.info("compiling for this processor, once: it takes some minutes")
        await stages.in_compute(stages.pipeline.warm_up)
        note_filled()
        if self.explainer:
            self.explainer.start()
        await self.models.start()
        keep_for_good()
        stages.audit.start()
        await self.endpoints.start()
        await self.sink.start()
        if self.settings.source.kind == "kafka":
            self._wire_log()
        elif self.settings.state.path:
            stages.keeper = Keeper(self.settings, stages.pipeline)
        kafka = "kafka" in (self.settings.source.kind, self.settings.sink.kind)
        producers = self.producers if kafka else None
        stages.delivery = Delivery(self.sink, self.metrics, producers, self.chunk_log, self.clock)
        if stages.keeper:
            await self._tell_standing(await stages.in_compute(stages.keeper.restore))
        await self.source.start()
        await self.control.start()
        self._started = True
        stages.notice.ready()
        log.info("ready", http_port=self.endpoints.port, model=model.version if model else "none", fault=fault)

    def _wire_log(self) -> None:
        """Kafka's group gives and takes beds; what is kept of them lies in the log, too."""
        pipeline = self.stages.pipeline
        pipeline.checkpoints = Checkpoints(pipeline, self.settings)
        membership = Membership(pipeline.checkpoints, self.stages, self.metrics)
        self.chunk_log = ChunkLog(self.settings.kafka, self.producers, self.clock.now_ns, membership)
        self.source = self.chunk_log.source
        self.stages.control_writer = ControlWriter(self.settings.kafka)
        self.stages.membership, membership.log = membership, self.chunk_log

    async def main_loop(self) -> None:
        """The stages, side by side, until the source has been drained."""
        async with asyncio.TaskGroup() as group:
            beside = [
                group.create_task(stage)
                for stage in (
                    *(self.stages.watch(), self.stages.beat(), self.stages.take_requests(self.control)),
                    give_back_regularly(),
                )
            ]
            if self.chunk_log:
                beside.append(group.create_task(self.stages.take_orders(self.chunk_log.control)))
                beside.append(group.create_task(self._watch_log()))
            if self.explainer:
                beside.append(group.create_task(self.explainer.run()))
            if self.page:
                beside.append(group.create_task(self._watch_beds(self.page.board)))
            group.create_task(self.stages.receive(self.source))
            group.create_task(self.stages.compute())
            await group.create_task(self.stages.publish())
            for task in beside:
                task.cancel()

    async def shutdown(self) -> None:
        """Let go of sockets and files; safe after a failed start."""
        self._started = False
        if self.stages.keeper:
            await self.stages.in_compute(self.stages.keeper.close)
        if self.explainer:
            await asyncio.to_thread(self.explainer.close)
        await self.source.close()
        if self.chunk_log:
            await self.chunk_log.control.close()
            await self.stages.control_writer.close(CLOSE_S)
        self.stages.close()
        await self.control.close()
        await self.sink.close()
        await self.producers.close(CLOSE_S)
        await self.endpoints.close()
        await asyncio.to_thread(self.stages.tracing.close)
        log.info("stopped")

    async def _tell_standing(self, out: list[Outgoing]) -> None:
        """Before the first new message; PUB drops what is said before subscribers have come back."""
        if out:
            await asyncio.sleep(SUBSCRIBERS_RETURN_S)
            await self.stages.tell(Results(out))

    async def _watch_log(self) -> None:
        metrics = LogMetrics(self.chunk_log, self.metrics)
        while True:
            metrics.export()
            await asyncio.sleep(1.0)

    async def _watch_beds(self, board: Board) -> None:
        """The page shows the beds that are here, and no others."""
        while True:
            await asyncio.sleep(1.0)
            board.keep_only(await self.stages.in_compute(lambda: list(self.stages.pipeline.intake.row_of)))

    async def _signal_before(self, stream_id: str, stop_ns: int, seconds: float) -> pb.Strip | None:
        """Of a bed, out of the arena, which is the compute thread's."""
        intake = self.stages.pipeline.intake
        return await self.stages.in_compute(strip_before, intake, stream_id, stop_ns, seconds)

    def _show_waves(self, step: Step) -> None:
        """In the compute thread; the board is the event loop's."""
        waves = waves_of(step.conditioned, self.stages.pipeline.intake)
        self._loop.call_soon_threadsafe(self.page.board.take_waves, waves)

    def _load_model(self) -> tuple[Model | None, str]:
        if not self.settings.diagnosis.enabled:
            return None, ""
        from .diagnosis.loader import load_model  # with PyTorch, for which rules alone do not wait

        try:
            chosen = self.settings.diagnosis
            return load_model(chosen.model, chosen.device, chosen.precision), ""
        except ModelError as error:
            if self.require_model:
                raise
            log.error("model unavailable; rules go on", fault=str(error))
            return None, str(error)

    # ---------------------------------------------------------------------------------------------------------- health

    def not_live(self) -> list[str]:
        """Why the process should be restarted."""
        silent_s = time.monotonic() - self.stages.heartbeat_s
        return [f"no heartbeat from compute for {silent_s:.0f} s"] if silent_s > LIVE_S else []

    def _takes_no_orders(self) -> list[str]:
        faults = [] if self._started else ["starting"]
        return faults + (["stopping"] if self.stages.stopping.is_set() else [])

    def not_ready(self) -> list[str]:
        """Why no chunks should be sent here yet."""
        faults = self.not_live()
        if not self._started:
            faults.append("starting")
        if self.stages.stopping.is_set():
            faults.append("stopping")
        return faults + (self.chunk_log.source.faults() if self.chunk_log else [])


def run(settings: Settings, require_model: bool = False) -> int:
    """Run a daemon in this process until it is told to stop; its exit code."""
    settle()
    return asyncio.run(Daemon(settings, require_model).run())
