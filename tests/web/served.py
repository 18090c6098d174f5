"""The page on a port of its own; the test plays the daemon."""

from __future__ import annotations

from contextlib import asynccontextmanager

import aiohttp

from ecgstream.explainer import Explainer
from ecgstream.http_port import listen
from ecgstream.metrics import Metrics
from ecgstream.settings import DiagnosisSettings, ExplanationSettings, HttpSettings, WebSettings
from ecgstream.web.board import Board
from ecgstream.web.page import WardPage
from ecgstream.wire import ecgstream_pb2 as pb


class Ward:
    """A page on a port of its own; the test plays the daemon."""

    def __init__(self, **settings):
        self.settings, self.http = WebSettings(enabled=True, **settings), HttpSettings(port=0)
        self.board, self.metrics = Board(), Metrics()
        self.explainer = Explainer(ExplanationSettings(enabled=True), DiagnosisSettings(), 50, Metrics(), None)
        self.taken: list[tuple[pb.Control, str]] = []
        self.reply = pb.ControlReply(accepted=True, text="Done.")

    async def take(self, order: pb.Control, source: str) -> pb.ControlReply:
        self.taken.append((order, source))
        return self.reply

    @asynccontextmanager
    async def served(self, token: str = ""):
        page = WardPage(self.settings, self.http, self.board, self.metrics, self.take, lambda: [])
        page.explainer = self.explainer
        page.start()
        app = aiohttp.web.Application()
        app.add_subapp("/ward", page.app())
        runner, port = await listen(app, self.http, None)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}/ward/", headers=headers) as browser:
            yield browser
        await runner.cleanup()

    def refused(self, reason: str) -> float:
        return self.metrics.registry.get_sample_value("ecgstream_web_refused_total", {"reason": reason}) or 0
