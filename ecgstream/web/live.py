"""One browser: what it shows, and what it gets, over a WebSocket.

Nothing is queued for a browser: every tick it gets what has changed since its last update, from where everybody's state
is kept. A slow one gets larger updates, less often, and from ``waves.FINE_S`` on goes without the oldest signal.
"""

from __future__ import annotations

import asyncio
import json
import struct
import time
from dataclasses import dataclass
from typing import Any

from aiohttp import WSMsgType, web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..metrics import Metrics
from .board import Board
from .waves import packed

TICK_S = 0.1
WORD_S = 1.0
"""A page hears from us at least so often: after 3 s without a word it says that there is no connection."""
SEND_S = 15.0
"""A browser that has taken nothing for so long is let go of."""
MOST_REQUEST_BYTES = 64 * 1024
WAVES = 1
"""First byte of a binary message."""
_HEADER = struct.Struct("<BBH")


class _Shown(BaseModel):
    """One bed a page shows, with its leads (none: those of the tile)."""

    model_config = ConfigDict(extra="forbid")
    n: int = Field(ge=0, le=65_535)
    leads: list[str] = Field([], max_length=20)
    coarse: bool = False


class _Request(BaseModel):
    """All that a page shows from now on."""

    model_config = ConfigDict(extra="forbid")
    show: list[_Shown] = Field(max_length=512)


@dataclass(slots=True)
class _Place:
    """How far a page has got with one lead."""

    ring: Any
    after: int


class Onlooker:
    """A browser's side of the board."""

    def __init__(
        self,
        socket: web.WebSocketResponse,
        transport: asyncio.Transport | None,
        board: Board,
        metrics: Metrics,
    ):
        self._socket, self._transport, self._board, self._metrics = socket, transport, board, metrics
        self._seen = 0
        self._spoke_s = time.monotonic()
        self._vitals_seen: dict[int, int] = {}
        self._places: dict[tuple[int, str, bool], _Place] = {}

    async def serve(self, hello: dict[str, Any]) -> None:
        """Until the browser goes, or takes nothing any more."""
        await self._socket.send_str(json.dumps({"hello": hello}))
        sending = asyncio.create_task(self._send())
        try:
            async for message in self._socket:
                if message.type is WSMsgType.TEXT and not self._take(message.data):
                    break
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    def _take(self, text: str) -> bool:
        """What the page shows from now on; False where it makes no sense."""
        try:
            shown = _Request.model_validate_json(text).show
        except ValidationError:
            self._metrics.web_refused.labels("bad_request").inc()
            return False
        wanted = {(bed.n, lead, bed.coarse) for bed in shown for lead in bed.leads or [""]}
        self._places = {key: self._places.get(key) or _Place(None, 0) for key in wanted}
        self._vitals_seen = {bed.n: self._vitals_seen.get(bed.n, 0) for bed in shown}
        return True

    async def _send(self) -> None:
        due_s = time.monotonic()
        try:
            while True:
                async with asyncio.timeout(SEND_S):
                    await self._send_news()
                due_s += TICK_S
                late_s = time.monotonic() - due_s
                if late_s > TICK_S:
                    self._metrics.updates_dropped.inc(late_s // TICK_S)
                    due_s += late_s // TICK_S * TICK_S
                await asyncio.sleep(max(0.0, due_s - time.monotonic()))
        except (TimeoutError, ConnectionError):
            self._metrics.web_refused.labels("too_slow").inc()
            if self._transport is not None:
                self._transport.abort()  # whoever takes nothing would not take a farewell either

    async def _send_news(self) -> None:
        revision = self._board.revision
        silent = time.monotonic() - self._spoke_s >= WORD_S
        news = self._board.news(self._seen, self._vitals_seen, always=silent)
        self._seen = revision
        self._vitals_seen = dict.fromkeys(self._vitals_seen, revision)
        if news:
            self._spoke_s = time.monotonic()
            await self._socket.send_str(news)
        if waves := self._waves():
            await self._socket.send_bytes(waves)

    def _waves(self) -> bytes:
        """What has come of all leads shown; empty when nothing has."""
        parts = []
        for (number, name, coarse), place in self._places.items():
            bed = self._board.by_number.get(number)
            ring = bed.waves if bed else None
            lead = name or (bed.tile_lead if bed else "")
            if ring is None or lead not in ring.leads:
                continue
            if ring is not place.ring or ring.stop < place.after:
                place.ring, place.after = ring, 0
            if ring.stop == place.after:
                continue
            index = ring.leads.index(lead)
            read = ring.read(index, coarse, place.after)
            parts.append(packed(number, index, coarse, *read, time.monotonic() - bed.heard_s))
            place.after = ring.stop
        return _HEADER.pack(WAVES, 0, len(parts)) + b"".join(parts) if parts else b""
