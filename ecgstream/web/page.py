"""The ward page's place on the HTTP port: ``/ward/`` and what it fetches there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from aiohttp import WSCloseCode, web

from ..limits import BOUNDS, PRESETS
from ..metrics import Metrics
from ..settings import HttpSettings, WebSettings
from ..wire import ecgstream_pb2 as pb
from .access import Access, Holder
from .board import Board
from .conditions import CONDITIONS
from .live import MOST_REQUEST_BYTES, Onlooker
from .orders import PageOrders, Take
from .strips import strip_bytes

if TYPE_CHECKING:
    from ..explainer import Explainer

STATIC = Path(__file__).parent / "static"
GUARD = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
"""Nothing from elsewhere runs on the page, and no other site can frame or read it."""

Handler = Callable[[web.Request, Holder], Awaitable[web.StreamResponse]]
log = structlog.get_logger()


class WardPage:
    """Routes of the page. ``title`` tells one ward from another; ``since`` says what the page cannot know."""

    def __init__(
        self,
        settings: WebSettings,
        http: HttpSettings,
        board: Board,
        metrics: Metrics,
        take: Take,
        not_ready: Callable[[], list[str]],
        since: str = "",
    ):
        self._settings, self._metrics, self._since = settings, metrics, since
        self.board, self.access = board, Access(settings, http)
        self._orders = PageOrders(take, not_ready, metrics)
        self.explainer: Explainer | None = None
        self._sockets: set[web.WebSocketResponse] = set()

    def start(self) -> None:
        """Raises SettingsError when the tokens file is not in order."""
        self.access.start()

    def app(self) -> web.Application:
        """To be added below ``/ward``."""
        app = web.Application(middlewares=[self._guarded], client_max_size=MOST_REQUEST_BYTES)
        app.router.add_get("/", self._index)
        app.router.add_get("/session", self._session)
        app.router.add_post("/session", self._sign_in)
        app.router.add_delete("/session", self._sign_out)
        app.router.add_get("/live", self._allowed(self._live))
        app.router.add_post("/orders", self._allowed(self._orders.handle))
        app.router.add_get("/beds/{number:[0-9]+}", self._allowed(self._bed))
        app.router.add_get("/beds/{number:[0-9]+}/diagnosis/{what:strip|explanation}", self._allowed(self._diagnosis))
        app.router.add_get("/strips/{alert_id}", self._allowed(self._strip))
        app.router.add_get("/strips/{alert_id}/explanation", self._allowed(self._explanation))
        app.router.add_static("/static", STATIC)
        app.on_shutdown.append(self._close_sockets)
        return app

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if self.access.is_foreign(request):
            self._metrics.web_refused.labels("foreign").inc()
            host, origin = request.headers.get("Host"), request.headers.get("Origin")
            log.warning("ward page: turned away", host=host, origin=origin, remote=request.remote)
            text = f"This page is not called {host!r}; name it in web.host_names, or open it by its own address."
            return web.Response(status=403, text=text)
        response = await handler(request)
        if not response.prepared:
            response.headers.update(GUARD)
        return response

    def _allowed(self, handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def allowed(request: web.Request) -> web.StreamResponse:
            holder = self.access.holder(request)
            if holder is None:
                return self._refuse_token(request)
            return await handler(request, holder)

        return allowed

    def _refuse_token(self, request: web.Request) -> web.Response:
        self._metrics.web_refused.labels("token").inc()
        log.warning("ward page: not signed in, or a wrong token", path=request.path, remote=request.remote)
        return web.json_response({"text": "This token is not known, or the session is over. Sign in."}, status=401)

    # ---------------------------------------------------------------------------------------------------------- routes

    async def _index(self, _: web.Request) -> web.FileResponse:
        return web.FileResponse(STATIC / "index.html", headers=GUARD)

    async def _session(self, request: web.Request) -> web.Response:
        holder = self.access.holder(request)
        return web.json_response(self._about(holder) | {"signedIn": holder is not None})

    async def _sign_in(self, request: web.Request) -> web.Response:
        holder = self.access.holder_of((await request.text()).strip()) if self.access.needs_token else None
        if holder is None:
            return self._refuse_token(request)
        response = web.json_response(self._about(holder) | {"signedIn": True})
        self.access.sign_in(response, holder)
        return response

    async def _sign_out(self, _: web.Request) -> web.Response:
        response = web.Response(status=204)
        self.access.sign_out(response)
        return response

    async def _live(self, request: web.Request, holder: Holder) -> web.StreamResponse:
        if len(self._sockets) >= self._settings.most_pages:
            self._metrics.web_refused.labels("too_many").inc()
            return web.json_response({"text": "Too many pages are open already (web.most_pages)."}, status=503)
        socket = web.WebSocketResponse(heartbeat=20.0, max_msg_size=MOST_REQUEST_BYTES, compress=False)
        await socket.prepare(request)
        self._sockets.add(socket)
        self._metrics.pages.set(len(self._sockets))
        try:
            await Onlooker(socket, request.transport, self.board, self._metrics).serve(self._about(holder))
        finally:
            self._sockets.discard(socket)
            self._metrics.pages.set(len(self._sockets))
        return socket

    async def _bed(self, request: web.Request, _: Holder) -> web.Response:
        """What a bed's own page shows beside the live state: the day, past alerts, verdicts."""
        bed = self.board.by_number.get(int(request.match_info["number"]))
        if bed is None:
            return web.json_response({"text": "This bed is not here any more."}, status=404)
        past = list(bed.history.values())[::-1]
        document = {"trends": bed.trends.document(), "alerts": past, "verdicts": list(bed.verdicts)[::-1]}
        explained = [each.stated for each in self.explainer.diagnoses.of(bed.stream_id)] if self.explainer else []
        document["explained"] = {stated.score: stated.time_ns // 1_000_000 for stated in explained}
        return web.json_response(document)

    async def _diagnosis(self, request: web.Request, _: Holder) -> web.Response:
        """The signal that a bed's diagnosis rests on, or what of it the model looked at."""
        bed = self.board.by_number.get(int(request.match_info["number"]))
        score = request.query.get("score", "")
        found = self.explainer.diagnoses.find(bed.stream_id, score) if bed and self.explainer else None
        if found is None:
            return web.json_response({"text": "The explanation of this diagnosis is not kept any more."}, status=404)
        if request.match_info["what"] == "explanation":
            return web.Response(body=found.document, content_type="application/json")
        return await _strip_response(found.strip)

    async def _strip(self, request: web.Request, _: Holder) -> web.Response:
        alert = self.board.strips.find(request.match_info["alert_id"])
        if alert is None:
            return web.json_response({"text": "The strip of this alert is not kept any more."}, status=404)
        return await _strip_response(pb.Alert.FromString(alert).strip)

    async def _explanation(self, request: web.Request, _: Holder) -> web.Response:
        kept = self.explainer.found.find(request.match_info["alert_id"]) if self.explainer else None
        return web.Response(body=kept, content_type="application/json") if kept else web.Response(status=204)

    def _about(self, holder: Holder | None) -> dict[str, Any]:
        return {
            "needsToken": self.access.needs_token,
            "name": holder.name if holder else "",
            "role": holder.role.name.lower() if holder else "",
            "banner": self._settings.banner,
            "since": self._since,
            "conditions": CONDITIONS,
            "presets": PRESETS,
            "bounds": BOUNDS,
        }

    async def _close_sockets(self, _: web.Application) -> None:
        for socket in list(self._sockets):
            await socket.close(code=WSCloseCode.GOING_AWAY, message=b"stopping")


async def _strip_response(strip: pb.Strip) -> web.Response:
    body = await asyncio.to_thread(strip_bytes, strip)
    return web.Response(body=body, content_type="application/octet-stream")
