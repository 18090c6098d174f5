"""Chunks by HL7: the daemon listens to MLLP itself. There is no log: an answer says the chunk is in this process."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from ..errors import DeliveryError
from ..hl7.chunks import CONTENT_TYPE
from ..hl7.door import Door
from ..hl7.listener import Listener
from ..hl7.metrics import Hl7Metrics
from ..settings import Hl7Settings
from ..wire import ecgstream_pb2 as pb
from .message import Message

WAITING = 4_096
"""Chunks that may wait to be received; then senders wait for their answers."""

Order = Callable[[pb.Control, str], Awaitable[pb.ControlReply]]


class Hl7Source:
    """A ``Source``, and the ``Handover`` of its own listener."""

    def __init__(
        self,
        settings: Hl7Settings,
        clock_ns: Callable[[], int],
        order: Order,
        stopping: asyncio.Event,
        metrics: Hl7Metrics,
        code_vf: int,
    ):
        self._clock_ns, self._order, self._stopping = clock_ns, order, stopping
        self._buffer: deque[Message] = deque()
        self._arrived = asyncio.Event()
        self._room = asyncio.Semaphore(WAITING)
        self.door = Door(settings, self, metrics, code_vf)
        self.listener = Listener(settings, self.door, metrics)

    async def start(self) -> None:
        """Open the patient table and listen. Raises SettingsError, StateError."""
        self.door.start()
        await self.listener.start()

    async def receive(self, max_messages: int) -> list[Message]:
        """At least one message, at most ``max_messages``, as soon as one is there. Cancelling it loses no message."""
        while not (messages := self.drain(max_messages)):
            self._arrived.clear()
            await self._arrived.wait()
        return messages

    def drain(self, max_messages: int) -> list[Message]:
        """What has already arrived, at most ``max_messages``, possibly nothing; never waits."""
        take = self._buffer.popleft
        messages = [take() for _ in range(min(max_messages, len(self._buffer)))]
        for _ in messages:
            self._room.release()
        return messages

    async def close(self) -> None:
        """Stop listening; safe at any time and more than once."""
        await self.listener.close()

    async def chunk(self, stream_id: str, payload: bytes) -> None:
        """Taken once it waits for compute. Raises DeliveryError when the daemon is stopping."""
        await self._room.acquire()
        if self._stopping.is_set():  # else it could be answered and never be received
            self._room.release()
            raise DeliveryError("The daemon is stopping.")
        self._buffer.append(Message(payload, CONTENT_TYPE, self._clock_ns(), None, stream_id.encode()))
        self._arrived.set()

    async def order(self, control: pb.Control) -> None:
        """Applied here; that a bed without a stream has nothing to apply it to is in the audit log."""
        await self._order(control, "hl7")
