"""``GET /alerts/<id>/strip.svg``: the strip of a recent alert on ECG paper, for whoever has the token."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from aiohttp import web

from .alert_strips.recent import MOST, RecentStrips
from .http_token import CHALLENGE, HttpToken

if TYPE_CHECKING:
    from .explainer import Explainer

DRAW_S = 20.0
NOT_EXPLAINED = (
    "Nothing is held here that explains this alert. Explained are alerts of high priority whose condition the model "
    "scores, seconds after they were raised and until a restart; metrics count the others (ecgstream_explanations)."
)
KINDS = {"svg": "image/svg+xml", "png": "image/png"}

log = structlog.get_logger()


class StripEndpoint:
    """Draws in a process of its own, one at a time: a second of drawing must not hold up the alarms."""

    def __init__(self, token: HttpToken, strips: RecentStrips):
        self._token, self.strips = token, strips
        self._drawing = asyncio.Lock()
        self.explainer: Explainer | None = None

    async def explain(self, request: web.Request) -> web.Response:
        """What the model looked at when an alert was raised."""
        if refused := self._refused(request):
            return refused
        if self.explainer is None:
            return web.Response(status=404, text="This daemon explains no alerts; set explanations.enabled.")
        document = self.explainer.found.find(request.match_info["alert_id"])
        return _document(document) if document else web.Response(status=404, text=NOT_EXPLAINED)

    async def explain_diagnosis(self, request: web.Request) -> web.Response:
        """What the model looked at when a bed's ``score`` last came up to its threshold."""
        if refused := self._refused(request):
            return refused
        if self.explainer is None:
            return web.Response(status=404, text="This daemon explains no diagnoses; set explanations.enabled.")
        stream_id, score = request.query.get("stream_id", ""), request.query.get("score", "")
        found = self.explainer.diagnoses.find(stream_id, score)
        if found:
            return _document(found.document)
        held = [each.stated.score for each in self.explainer.diagnoses.of(stream_id)]
        text = f"Nothing is held here that explains {score[:64]!r} of {stream_id[:200]!r}; held of it: {held}. "
        text += "Explained is what has reached its threshold (explanations.diagnosis_threshold), seconds later."
        return web.Response(status=404, text=text)

    def _refused(self, request: web.Request) -> web.Response | None:
        if not (refusal := self._token.refuses(request, "Strips")):
            return None
        status, sentence = refusal
        log.warning("request for a strip turned away", status=status, remote=request.remote)
        return web.Response(status=status, text=sentence, headers=CHALLENGE if status == 401 else {})

    async def handle(self, request: web.Request) -> web.Response:
        """One picture."""
        if refused := self._refused(request):
            return refused
        alert_id, kind = request.match_info["alert_id"], request.match_info["kind"]
        alert = self.strips.find(alert_id)
        if alert is None:
            return web.Response(status=404, text=self._why_not_here(alert_id))
        async with self._drawing:
            picture = await _drawn(alert, kind)
        if picture is None:
            return web.Response(status=500, text="The strip could not be drawn; the log says why.")
        return web.Response(body=picture, content_type=KINDS[kind], headers={"Cache-Control": "no-store"})

    def _why_not_here(self, alert_id: str) -> str:
        return (
            f"No strip of the alert {alert_id[:64]!r} is held here. This daemon holds those of the last {MOST} alerts "
            f"of high or medium priority that it told itself ({len(self.strips)} now); technical alerts have none, and "
            "a restart forgets them. The alert's own messages hold its strip for as long as they are kept."
        )


def _document(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json", headers={"Cache-Control": "no-store"})


async def _drawn(alert: bytes, kind: str) -> bytes | None:
    """The picture as the command ``ecgstream strip`` draws it; None, said in the log, when it could not."""
    with tempfile.TemporaryDirectory(prefix="ecgstream-strip-") as folder:
        out = Path(folder) / f"strip.{kind}"
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "ecgstream", "strip", "-", "--out", str(out)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            _, said = await asyncio.wait_for(process.communicate(alert), DRAW_S)
        except TimeoutError:
            log.error("no strip drawn", text=f"drawing took more than {DRAW_S:g} s")
            return None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode or not out.exists():
            log.error("no strip drawn", text=said.decode(errors="replace")[-400:])
            return None
        return out.read_bytes()
