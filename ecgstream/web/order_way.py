"""How orders given on ``ecgstream web`` get to the daemon that has the bed."""

from __future__ import annotations

import asyncio
from typing import Protocol

import zmq

from ..errors import DeliveryError
from ..kafka.control import ControlWriter
from ..settings import ControlSettings, CurveSettings, KafkaSettings
from ..wire import ecgstream_pb2 as pb
from ..wire.codec import decode, encode
from ..wire.sockets import Readiness, close_socket, open_socket

REPLY_S = 5.0
CLOSE_S = 2.0
HIGH_WATER_MARK = 100


class OrderWay(Protocol):
    """Takes orders to their bed."""

    async def order(self, control: pb.Control) -> pb.ControlReply:
        """What became of it. Raises DeliveryError when that cannot be known."""
        ...

    async def close(self) -> None:
        """Let go."""
        ...


class KafkaOrders:
    """Written to the control topic; the bed's owner applies them and says so in its audit log."""

    def __init__(self, settings: KafkaSettings):
        self._writer = ControlWriter(settings)

    async def order(self, control: pb.Control) -> pb.ControlReply:
        """Passed on once all replicas have it. Raises DeliveryError."""
        await self._writer.write(control)
        return pb.ControlReply(accepted=True, passed_on=True, text="Passed on to the daemon that has the bed.")

    async def close(self) -> None:
        """Let go; safe at any time."""
        await self._writer.close(CLOSE_S)


class ZeroMqOrders:
    """Given to the one daemon's control socket, one after another, a fresh socket each: no reply is taken for
    another's."""

    def __init__(self, settings: ControlSettings, curve: CurveSettings | None):
        self._endpoint, self._curve = settings.endpoint, curve
        self._one_by_one = asyncio.Lock()

    async def order(self, control: pb.Control) -> pb.ControlReply:
        """The daemon's own reply. Raises DeliveryError when none comes in time."""
        if self._endpoint is None:
            return pb.ControlReply(text="Orders are switched off here: control.endpoint is not set.")
        content_type, payload = encode(control)
        async with self._one_by_one:
            options = {"bind": False, "high_water_mark": HIGH_WATER_MARK, "curve": self._curve, "section": "web"}
            socket, _ = open_socket(zmq.DEALER, [self._endpoint], **options)
            try:
                readiness = Readiness(socket)
                socket.send_multipart([content_type.encode(), control.stream_id.encode(), payload])
                async with asyncio.timeout(REPLY_S):
                    return await _reply(socket, readiness)
            except TimeoutError as error:
                raise DeliveryError(f"The daemon at {self._endpoint} has not answered in {REPLY_S:g} s.") from error
            finally:
                await close_socket(socket, linger_s=0)

    async def close(self) -> None:
        """Nothing is held."""


async def _reply(socket: zmq.Socket, readiness: Readiness) -> pb.ControlReply:
    while True:
        try:
            content_type, _, payload = socket.recv_multipart(zmq.NOBLOCK)
        except zmq.Again:
            await readiness.wait()
        else:
            return decode(payload, content_type.decode("latin-1"))
