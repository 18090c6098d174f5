"""Where the bridge hands chunks and orders on to: Kafka, which confirms them, or ZeroMQ, which does not."""

from __future__ import annotations

import asyncio

import structlog
import zmq

from ..errors import DeliveryError, Hl7Error
from ..kafka.control import ControlWriter
from ..kafka.producer import Producer, Unsent
from ..kafka.sight import BrokerSight
from ..settings import ControlSettings, KafkaSettings, SourceSettings
from ..wire import ecgstream_pb2 as pb
from ..wire.codec import decode, encode
from ..wire.sockets import Readiness, close_socket, open_socket
from .chunks import CONTENT_TYPE
from .refusals import Refused

GATHER_S = 0.005
"""Chunks that come within this time are confirmed together."""
REPLY_S = 5.0
CLOSE_S = 5.0

log = structlog.get_logger()


class KafkaHandover:
    """Chunks to the topic of chunks, orders to that of orders: safe once all in-sync replicas have them."""

    def __init__(self, settings: KafkaSettings):
        self._settings = settings
        self._producer, self._control = Producer(settings), ControlWriter(settings)
        self._unsent: list[tuple[Unsent, asyncio.Future[None]]] = []
        self._wanted = asyncio.Event()
        self._sight = BrokerSight(settings)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to send. That the cluster is there shows in ``faults``, and when something is to be confirmed."""
        self._tasks = [asyncio.create_task(self._send()), asyncio.create_task(self._sight.look())]

    def faults(self) -> list[str]:
        """Why a message would not be handed on now."""
        return [self._sight.fault] if self._sight.fault else []

    async def chunk(self, stream_id: str, payload: bytes) -> None:
        """Return once all replicas have it. Raises DeliveryError; Hl7Error for one that no broker takes."""
        if len(payload) > self._settings.largest_message_bytes:
            raise Hl7Error(
                Refused.OVERSIZE,
                f"The chunk has {len(payload)} bytes; Kafka takes {self._settings.largest_message_bytes} "
                "(kafka.largest_message_bytes). Send shorter blocks of samples.",
            )
        headers = [("content-type", CONTENT_TYPE.encode())]
        unsent = Unsent(self._settings.topics.chunks, payload, stream_id.encode(), None, None, headers)
        confirmed = asyncio.get_running_loop().create_future()
        self._unsent.append((unsent, confirmed))
        self._wanted.set()
        await confirmed

    async def order(self, control: pb.Control) -> None:
        """Return once all replicas have it; whoever owns the bed applies it. Raises DeliveryError."""
        await self._control.write(control)

    async def close(self) -> None:
        """Let go; what has not been confirmed is answered so. Safe at any time and more than once."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        await self._producer.close(CLOSE_S)
        await self._control.close(CLOSE_S)

    async def _send(self) -> None:
        while True:
            await self._wanted.wait()
            await asyncio.sleep(GATHER_S)
            self._wanted.clear()
            batch, self._unsent = self._unsent, []
            try:
                await self._confirm(batch)
            except asyncio.CancelledError:
                _settle(batch, DeliveryError("The bridge is stopping."))
                raise

    async def _confirm(self, batch: list[tuple[Unsent, asyncio.Future[None]]]) -> None:
        for unsent, _ in batch:
            self._producer.send(unsent)
        try:
            await self._producer.confirm()
        except DeliveryError as error:
            self._sight.fault = str(error)
            log.warning("Kafka has not confirmed; senders are asked to send again", chunks=len(batch), text=str(error))
            await self._producer.drop()
            _settle(batch, error)
        else:
            _settle(batch, None)


def _settle(batch: list[tuple[Unsent, asyncio.Future[None]]], error: DeliveryError | None) -> None:
    for _, confirmed in batch:
        if confirmed.done():  # the listener has gone
            continue
        if error is None:
            confirmed.set_result(None)
        else:
            confirmed.set_exception(error)


class ZeroMqHandover:
    """Chunks to the daemon's source, orders to its control socket. A chunk is in a socket's memory then, no more."""

    def __init__(self, source: SourceSettings, control: ControlSettings):
        self._source, self._control = source, control
        self._push: zmq.Socket | None = None
        self._dealer: zmq.Socket | None = None
        self._one_by_one = asyncio.Lock()

    async def start(self) -> None:
        """Connect. Raises SettingsError naming the endpoint or key that cannot be used."""
        source, control = self._source, self._control
        told = {"bind": False, "high_water_mark": source.high_water_mark}
        self._push, _ = open_socket(zmq.PUSH, source.endpoints, curve=source.curve, section="source", **told)
        if control.endpoint:
            self._dealer, _ = open_socket(
                zmq.DEALER, [control.endpoint], curve=control.curve, section="control", **told
            )
            self._readiness = Readiness(self._dealer)

    def faults(self) -> list[str]:
        """Why a message would not be handed on now; that nobody is there ZeroMQ tells once its buffer is full."""
        return [] if self._push.getsockopt(zmq.EVENTS) & zmq.POLLOUT else [self._full()]

    def _full(self) -> str:
        return f"The daemon at {', '.join(self._source.endpoints)} takes no more; is it there?"

    async def chunk(self, stream_id: str, payload: bytes) -> None:
        """Return once ZeroMQ has it. Raises DeliveryError when it takes no more."""
        try:
            self._push.send_multipart((CONTENT_TYPE.encode(), stream_id.encode(), payload), zmq.NOBLOCK)
        except zmq.Again as error:
            raise DeliveryError(self._full()) from error

    async def order(self, control: pb.Control) -> None:
        """Return once the daemon has answered, whatever it says. Raises DeliveryError when it does not."""
        if self._dealer is None:
            raise DeliveryError("control.endpoint is not set; orders have nowhere to go.")
        content_type, payload = encode(control)
        try:
            async with self._one_by_one, asyncio.timeout(REPLY_S):
                self._dealer.send_multipart((content_type.encode(), control.stream_id.encode(), payload), zmq.NOBLOCK)
                while (await self._reply()).request_id != control.request_id:  # the answer to one given up before
                    pass
        except (zmq.Again, TimeoutError) as error:
            raise DeliveryError(f"The daemon at {self._control.endpoint} has not answered in {REPLY_S:g} s.") from error

    async def close(self) -> None:
        """Let go; safe at any time and more than once."""
        for socket in (self._push, self._dealer):
            if socket is not None:
                await close_socket(socket, linger_s=1.0)
        self._push = self._dealer = None

    async def _reply(self) -> pb.ControlReply:
        while True:
            try:
                content_type, _, payload = self._dealer.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                await self._readiness.wait()
            else:
                return decode(payload, content_type.decode())
