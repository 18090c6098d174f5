"""``ecgstream web``: the ward page as a process of its own. Composition root, as daemon.py."""

from __future__ import annotations

import asyncio
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import structlog

from .audit import Audit
from .clock import WallClock
from .endpoints import Endpoints
from .errors import BrokerError, WireError
from .explainer import explainer_of
from .http_token import HttpToken
from .live_waves import SignalReader
from .metrics import Metrics
from .order_endpoint import OrderEndpoint
from .service_notice import ServiceNotice
from .settings import Settings
from .sources.message import Message
from .strip_endpoint import StripEndpoint
from .web.board import Board
from .web.feeds import Feed, KafkaFeed, feeds_of
from .web.order_way import KafkaOrders, OrderWay, ZeroMqOrders
from .web.page import WardPage
from .wire import ecgstream_pb2 as pb
from .wire.codec import decode

CHUNK = "application/vnd.ecgstream.chunk."
EXPLAINED = tuple(f"application/vnd.ecgstream.{name}." for name in ("alert", "diagnosis", "control"))
SILENT_S = 30.0
"""Without a message for so long the page says that it is not ready."""
FORGET_EVERY_S = 60.0
LOOK_BACK_AFTER_S, LOOK_BACK_PACE_S = 5.0, 0.01

log = structlog.get_logger()


class WebProcess:
    """Reads what daemons publish, conditions chunks as they do, hands orders on. It owns no bed, raises no alarm."""

    def __init__(self, settings: Settings):
        self.settings, self.metrics, self.board = settings, Metrics(), Board()
        self.metrics.registry.unregister(self.metrics.model_available)  # it needs none: a 0 would raise an alarm
        self.feeds: list[Feed] = feeds_of(settings)
        kafka = settings.source.kind == "kafka"
        self._orders: OrderWay = (
            KafkaOrders(settings.kafka) if kafka else ZeroMqOrders(settings.control, settings.web.curve)
        )
        self._audit = Audit(settings.log.audit_path, WallClock(), self.metrics)
        self._noting = asyncio.Lock()
        self._signal = SignalReader(settings, self.metrics)
        self._compute = ThreadPoolExecutor(1, thread_name_prefix="signal")
        self._heard_s, self._notice = time.monotonic(), ServiceNotice()
        since = "" if settings.sink.kind == "kafka" else f"alarms from before {time.strftime('%H:%M')} may be missing"
        told = (settings.web, settings.http, self.board, self.metrics)
        page = WardPage(*told, self.order, lambda: [], since)
        token = HttpToken(settings.http.order_token_file)
        orders, strips = OrderEndpoint(token, self.order, lambda: []), StripEndpoint(token, self.board.strips)
        self.endpoints = Endpoints(settings.http, self.metrics, self, token, orders, strips, page)
        self.explainer = explainer_of(settings, self.metrics, self._signal_before)
        page.explainer = strips.explainer = self.explainer

    async def run(self) -> int:
        """Until SIGTERM; the process's exit code. Raises EcgstreamError when it cannot start."""
        stopping = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stopping.set)
        tasks: list[asyncio.Task[None]] = []
        aside: list[asyncio.Task[None]] = []
        try:
            self._audit.start()
            if self.explainer:
                self.explainer.start()
                aside.append(asyncio.create_task(self.explainer.run()))
            for feed in self.feeds:
                await feed.start()
            await self.endpoints.start()
            self._notice.ready()
            aside.append(asyncio.create_task(self._notice.works_while_the_loop_turns()))
            log.info("ready", page=f"port {self.endpoints.port}, /ward/")
            tasks = [asyncio.create_task(self._read(feed)) for feed in self.feeds]
            tasks += [asyncio.create_task(self._forget()), asyncio.create_task(stopping.wait())]
            aside += [asyncio.create_task(self._look_back(feed)) for feed in self.feeds if isinstance(feed, KafkaFeed)]
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            return 0
        finally:
            self._notice.stopping()
            for task in (*tasks, *aside):
                task.cancel()
            await asyncio.gather(*tasks, *aside, return_exceptions=True)
            await self._close()

    async def _close(self) -> None:
        if self.explainer:
            await asyncio.to_thread(self.explainer.close)
        for feed in self.feeds:
            await feed.close()
        await self._orders.close()
        await self.endpoints.close()
        self._compute.shutdown(wait=True, cancel_futures=True)

    async def _read(self, feed: Feed) -> None:
        """One batch after another: what is not taken yet waits with the broker, or is dropped by ZeroMQ's limit."""
        while True:
            messages = await feed.receive()
            self._heard_s = time.monotonic()
            chunks = [message for message in messages if message.content_type.startswith(CHUNK)]
            for message in messages:
                if not message.content_type.startswith(CHUNK):
                    self._show(message)
            if chunks:
                reading = asyncio.get_running_loop().run_in_executor(self._compute, self._signal.take, chunks)
                self.board.take_waves(await reading)
            await asyncio.sleep(0)  # a backlog must not starve the browsers

    async def _signal_before(self, stream_id: str, stop_ns: int, seconds: float) -> pb.Strip | None:
        said = stream_id, stop_ns, seconds
        return await asyncio.get_running_loop().run_in_executor(self._compute, self._signal.before, *said)

    async def _look_back(self, feed: KafkaFeed) -> None:
        """Fill the trends of the last day, of beds that are heard by then."""
        await asyncio.sleep(LOOK_BACK_AFTER_S)
        try:
            async for messages in feed.past():
                for message in messages:
                    self.board.take_past(message.content_type, message.payload)
                await asyncio.sleep(LOOK_BACK_PACE_S)
        except (BrokerError, WireError) as error:
            log.warning("the last day's vitals could not all be read: trends begin later", text=str(error))

    def _show(self, message: Message) -> None:
        try:
            self.board.take(message.content_type, message.payload)
            if self.explainer and message.content_type.startswith(EXPLAINED):
                self.explainer.hear(decode(message.payload, message.content_type))
        except WireError as error:
            self.metrics.messages.labels("refused").inc()
            self.metrics.refused.labels(error.reason).inc()
            log.warning("message refused", reason=error.reason, text=str(error))

    async def _forget(self) -> None:
        while True:
            await asyncio.sleep(FORGET_EVERY_S)
            self.board.forget_silent()
            await asyncio.get_running_loop().run_in_executor(self._compute, self._signal.forget_silent)

    async def order(self, control: pb.Control, source: str) -> pb.ControlReply:
        """Hand an order on, and write it down at this door. Raises DeliveryError."""
        reply = await self._orders.order(control)
        async with self._noting:
            await asyncio.to_thread(self._audit.note, source, control, reply)
        return reply

    # ---------------------------------------------------------------------------------------------------------- health

    def not_live(self) -> list[str]:
        """Nothing that a restart would mend."""
        return []

    def not_ready(self) -> list[str]:
        """Why the page may show nothing."""
        silent_s = time.monotonic() - self._heard_s
        return [f"no message from any daemon for {silent_s:.0f} s"] if silent_s > SILENT_S else []


def run(settings: Settings) -> int:
    """Serve the page in this process until it is told to stop; its exit code."""

    async def serve() -> int:
        return await WebProcess(settings).run()

    return asyncio.run(serve())
