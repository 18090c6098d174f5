"""Where simulated monitors send: a ZeroMQ socket or a Kafka topic. To the players both look the same."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from contextlib import suppress
from typing import NamedTuple, Protocol

import zmq
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, KafkaTimeoutError

from ecgstream.kafka.client import client_options
from ecgstream.settings import KafkaSettings

HIGH_WATER_MARK = 2_000
"""Messages that may wait for the other side."""
_MORE, _AT_ONCE = int(zmq.SNDMORE), int(zmq.NOBLOCK)
"""Plain numbers: put together as flags they cost more than the frames. Whether a message is taken is told with its
first frame; the others go the same way."""
LISTENER_WAIT_S = 60.0
KEEP_S = 600.0
"""What a broker has not confirmed is kept, and sent again, for so long."""
LINGER_S = 0.005
"""A Kafka batch waits this long for more messages: at a ward's pace it makes batches of what is due together."""
BATCH_BYTES = 256 * 1024
"""A few dozen chunks of twelve leads."""


class NobodyListens(Exception):
    """No one is there to take messages."""


class Destination(Protocol):
    """Takes messages in the order they are sent."""

    def send(self, content_type: bytes, stream_id: bytes, payload: bytes, wait: bool) -> bool:
        """Hand a message over; when it cannot be taken now, wait or give False: it is lost, as with a monitor."""
        ...

    def close(self, linger_s: float) -> int:
        """Give what was sent this long to leave; how many of the messages taken are known to be lost."""
        ...


class ZeroMqDestination:
    """PUSH that connects to the daemon's endpoint, or PUB that the daemon subscribes to, in a context of its own."""

    def __init__(self, endpoint: str, *, bind: bool):
        self.socket = zmq.Context().socket(zmq.PUB if bind else zmq.PUSH)
        self.socket.set_hwm(HIGH_WATER_MARK)
        # What nobody is there to take is not kept for later: a monitor keeps nothing either.
        self.socket.set(zmq.IMMEDIATE, 1)
        (self.socket.bind if bind else self.socket.connect)(endpoint)

    @property
    def endpoint(self) -> str:
        """Where the socket is bound or connected to."""
        return self.socket.get(zmq.LAST_ENDPOINT).rstrip(b"\0").decode()

    def wait_for_listener(self) -> None:
        """Until someone takes messages; a PUB does not know and goes on. Raises NobodyListens after a minute."""
        if not self.socket.poll(round(LISTENER_WAIT_S * 1000), zmq.POLLOUT):
            raise NobodyListens(
                f"Nobody listened at {self.endpoint} for {LISTENER_WAIT_S:.0f} s; "
                "start `ecgstream run`, or give --connect the endpoint of its source."
            )

    def send(self, content_type: bytes, stream_id: bytes, payload: bytes, wait: bool) -> bool:
        """One message of three frames."""
        try:
            self.socket.send(content_type, _MORE if wait else _MORE | _AT_ONCE)
            self.socket.send(stream_id, _MORE)
            self.socket.send(payload)
        except zmq.Again:
            return False
        return True

    def close(self, linger_s: float) -> int:
        """Close the socket and its context."""
        self.socket.context.destroy(linger=round(linger_s * 1000))
        return 0


class Waiting(NamedTuple):
    """A message on its way to Kafka, and when it was taken: the log's time of it, however late it leaves."""

    content_type: bytes
    stream_id: bytes
    payload: bytes
    taken_ns: int


class KafkaDestination:
    """Publishes to the topic of chunks, keyed by stream id; a thread of its own runs the producer.

    While the broker is away messages wait, as in a gateway, until HIGH_WATER_MARK are waiting.
    """

    def __init__(self, settings: KafkaSettings):
        """Returns once the topic is there.

        Raises NobodyListens when it, or the broker, is not there for a minute; SettingsError.
        """
        self._settings, self._options = settings, client_options(settings)
        self._options["request_timeout_ms"] = round(KEEP_S * 1000)
        self._waiting: queue.Queue[Waiting | None] = queue.Queue(HIGH_WATER_MARK)
        self._taken = self._confirmed = 0
        self._fault: Exception | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="kafka-producer", daemon=True)
        self._thread.start()
        self._ready.wait()
        self._check()

    def send(self, content_type: bytes, stream_id: bytes, payload: bytes, wait: bool) -> bool:
        """One message with the content type as a header. Raises NobodyListens when the producer has failed."""
        while True:
            self._check()
            try:
                self._waiting.put(Waiting(content_type, stream_id, payload, time.time_ns()), block=wait, timeout=1.0)
            except queue.Full:
                if not wait:
                    return False
            else:
                self._taken += 1
                return True

    def close(self, linger_s: float) -> int:
        """Flush and close the producer; what the broker has not confirmed by then counts as lost."""
        with suppress(queue.Full):
            self._waiting.put(None, timeout=linger_s)
            self._thread.join(linger_s)
        return self._taken - self._confirmed

    def _check(self) -> None:
        if self._fault is not None:
            raise NobodyListens(
                f"Kafka at {', '.join(self._settings.bootstrap)} does not take messages for "
                f"{self._settings.topics.chunks} ({type(self._fault).__name__}: {self._fault}); is the broker there, "
                "and the topic (`ecgstream topics check`)?"
            ) from self._fault

    def _run(self) -> None:
        try:
            asyncio.run(self._produce())
        except Exception as fault:  # told to whoever sends next
            self._fault = fault
        self._ready.set()

    async def _produce(self) -> None:
        topic, producer = self._settings.topics.chunks, await self._started()
        self._ready.set()
        try:
            while messages := await asyncio.to_thread(self._take):
                for message in messages:
                    await self._send(producer, topic, message)
        finally:
            await producer.stop()

    async def _started(self) -> AIOKafkaProducer:
        """A producer that knows the topic. A retry keeps its place: idempotence holds the order of a stream."""
        compression, deadline_s = self._settings.compression, time.monotonic() + LISTENER_WAIT_S
        while True:
            producer = AIOKafkaProducer(
                **self._options,
                enable_idempotence=True,
                compression_type=None if compression == "none" else compression,
                max_batch_size=BATCH_BYTES,
                linger_ms=round(LINGER_S * 1000),
            )
            try:
                await producer.start()
                await producer.partitions_for(self._settings.topics.chunks)
                return producer
            except KafkaError:
                await producer.stop()
                if time.monotonic() > deadline_s:
                    raise
                await asyncio.sleep(0.5)

    def _take(self) -> list[Waiting]:
        """What is waiting, at least one message; nothing at the end."""
        messages = []
        message = self._waiting.get()
        while message is not None:
            messages.append(message)
            if len(messages) == HIGH_WATER_MARK or self._waiting.empty():
                return messages
            message = self._waiting.get()
        if messages:
            self._waiting.put(None)  # the end is told once these are sent
        return messages

    async def _send(self, producer: AIOKafkaProducer, topic: str, message: Waiting) -> None:
        content_type, key, value, taken_ns = message
        headers, when_ms = [("content-type", content_type)], taken_ns // 1_000_000
        while True:
            try:
                sending = await producer.send(topic, value, key=key, headers=headers, timestamp_ms=when_ms)
            except KafkaTimeoutError:  # the buffer stays full while the broker is away
                continue
            sending.add_done_callback(self._note)
            return

    def _note(self, sending: asyncio.Future[object]) -> None:
        if not sending.cancelled() and sending.exception() is None:
            self._confirmed += 1


def kafka_destination(url: str, settings: KafkaSettings) -> KafkaDestination:
    """A destination for ``kafka://HOST:PORT[,HOST:PORT]/TOPIC``; ``settings`` say how to log in.

    Raises ValueError for any other form.
    """
    scheme, _, rest = url.partition("://")
    brokers, _, topic = rest.partition("/")
    bootstrap = tuple(brokers.split(","))
    if scheme != "kafka" or not topic or not all(_is_address(broker) for broker in bootstrap):
        raise ValueError(f"{url!r} names no Kafka topic; write kafka://HOST:PORT[,HOST:PORT]/TOPIC.")
    topics = settings.topics.model_copy(update={"chunks": topic})
    return KafkaDestination(settings.model_copy(update={"bootstrap": bootstrap, "topics": topics}))


def _is_address(broker: str) -> bool:
    host, _, port = broker.rpartition(":")
    return bool(host) and port.isdecimal() and 0 < int(port) < 65_536
