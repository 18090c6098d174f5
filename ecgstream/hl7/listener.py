"""The MLLP listener: many senders, each answered in the order it sent; memory is bounded, and a fault stays its own."""

from __future__ import annotations

import asyncio
import socket
import ssl

import structlog

from ..errors import Hl7Error, SettingsError
from ..settings import Hl7Settings, MllpTlsSettings
from .door import Door
from .framing import MESSAGE_S, CutOff, blocks, framed
from .metrics import Hl7Metrics

UNANSWERED = 64
"""Messages of one sender that may wait for their answer; senders that do not wait for each are not slowed by it."""
CLOSE_S = 2.0
"""How long answers may still leave when the listener closes."""

Answering = asyncio.Task[list[bytes]]
log = structlog.get_logger()


class Listener:
    """Serves senders until it is closed."""

    def __init__(self, settings: Hl7Settings, door: Door, metrics: Hl7Metrics):
        self._settings, self._door, self._metrics = settings, door, metrics
        self._room = asyncio.Semaphore(settings.inflight)
        self._server: asyncio.Server | None = None
        self._senders: set[asyncio.Task[None]] = set()
        self._taking: set[Answering] = set()
        self.port = 0

    async def start(self) -> None:
        """Listen; ``port`` then holds the port in use. Raises SettingsError."""
        settings = self._settings
        context = _tls(settings.tls) if settings.tls else None
        try:
            self._server = await asyncio.start_server(
                self._serve, settings.host, settings.port, ssl=context, limit=settings.largest_message_bytes + 64
            )
        except OSError as error:
            address = f"{settings.host}:{settings.port}"
            raise SettingsError(f"hl7: cannot listen on {address} ({error.strerror}); set hl7.port.") from error
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Turn senders away; what was taken is answered, within CLOSE_S. Safe at any time and more than once."""
        if self._server is None:
            return
        server, self._server = self._server, None
        server.close()
        if self._taking:
            await asyncio.wait(self._taking, timeout=CLOSE_S)
        for sender in list(self._senders):
            sender.cancel()
        if self._senders:
            await asyncio.wait(self._senders, timeout=CLOSE_S)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if len(self._senders) >= self._settings.connections or self._server is None:
            self._metrics.turned_away.inc()
            log.warning("sender turned away", connections=len(self._senders))
            writer.close()
            return
        self._senders.add(task)
        _notice_a_dead_line(writer.get_extra_info("socket"))
        self._metrics.connections.set(len(self._senders))
        unanswered: asyncio.Queue[Answering | None] = asyncio.Queue(UNANSWERED)
        answering = asyncio.create_task(self._answer(unanswered, writer))
        try:
            await self._read(reader, unanswered)
            await unanswered.put(None)
            await answering
        except (OSError, CutOff):
            self._metrics.cut_off.inc()
        except asyncio.CancelledError:
            pass  # closing
        finally:
            answering.cancel()
            self._senders.discard(task)
            self._metrics.connections.set(len(self._senders))
            writer.close()

    async def _read(self, reader: asyncio.StreamReader, unanswered: asyncio.Queue[Answering | None]) -> None:
        async for block in blocks(reader, self._settings.largest_message_bytes):
            await self._room.acquire()
            taking = asyncio.create_task(self._take(block))
            self._taking.add(taking)
            taking.add_done_callback(self._taking.discard)
            await unanswered.put(taking)

    async def _take(self, block: bytes | Hl7Error) -> list[bytes]:
        try:
            return await self._door.take(block)
        finally:
            self._room.release()

    async def _answer(self, unanswered: asyncio.Queue[Answering | None], writer: asyncio.StreamWriter) -> None:
        """Answers in their turn; a sender who does not hear them any more is cut off, and what he sent still taken."""
        while (taking := await unanswered.get()) is not None:
            for answer in await taking:
                writer.write(framed(answer))
            try:
                async with asyncio.timeout(MESSAGE_S):
                    await writer.drain()
            except OSError:
                writer.transport.abort()


def _notice_a_dead_line(sender: socket.socket) -> None:
    """A cable pulled out sends no farewell, and his place would be taken for ever: find out within a minute."""
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, name):  # not everywhere
            sender.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _tls(settings: MllpTlsSettings) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(settings.certificate_file, settings.key_file)
        if settings.client_ca_file:
            context.load_verify_locations(settings.client_ca_file)
            context.verify_mode = ssl.CERT_REQUIRED
    except OSError as error:
        why = getattr(error, "reason", None) or error.strerror or "no such content"
        raise SettingsError(
            f"hl7.tls: certificate, key and authority must be PEM files that belong together; they are not ({why})."
        ) from error
    return context
