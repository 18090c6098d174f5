"""The page over a real HTTP port: who is let in, what a browser gets, and what it may order."""

from __future__ import annotations

import asyncio
import json
import ssl
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import numpy as np
import pytest
import trustme

from ecgstream.errors import SettingsError
from ecgstream.explainer import Explainer
from ecgstream.explanations.explained import Explained
from ecgstream.explanations.standing import Stated
from ecgstream.http_port import listen, tls_context
from ecgstream.metrics import Metrics
from ecgstream.settings import ExplanationSettings, HttpSettings, WebSettings
from ecgstream.waveform import STANDARD_LEADS
from ecgstream.web.access import Role, new_entry
from ecgstream.web.board import Board
from ecgstream.web.page import WardPage
from ecgstream.web.waves import Wave
from ecgstream.wire import ecgstream_pb2 as pb

from .messages import STRIP, alert, vitals

ORDER = {"streamId": "bed-1", "actor": "Nurse Joy", "reason": "seen at the bedside", "acknowledge": {}}


class Ward:
    """A page on a port of its own; the test plays the daemon."""

    def __init__(self, **settings):
        self.settings, self.http = WebSettings(enabled=True, **settings), HttpSettings(port=0)
        self.board, self.metrics = Board(), Metrics()
        self.explainer = Explainer(ExplanationSettings(enabled=True), None, 50, Metrics(), None)
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


@pytest.fixture
def tokens(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A tokens file, and the token of each role."""
    made = {role: new_entry(f"the {role.name.lower()} desk", role) for role in Role}
    (tmp_path / "tokens.yaml").write_text("".join(entry for _, entry in made.values()))
    return tmp_path / "tokens.yaml", {role.name.lower(): token for role, (token, _) in made.items()}


async def test_without_tokens_one_may_look_and_nothing_else():
    ward = Ward()
    async with ward.served() as browser:
        async with browser.get("session") as answer:
            about = await answer.json()
        assert (about["signedIn"], about["role"], about["needsToken"]) == (True, "view", False)
        async with browser.post("orders", json=ORDER) as answer:
            assert answer.status == 403
    assert not ward.taken and ward.refused("role") == 1


@pytest.mark.parametrize(
    ("role", "order", "status"),
    [
        ("view", {"acknowledge": {}}, 403),
        ("acknowledge", {"acknowledge": {}}, 200),
        ("acknowledge", {"pause": {"durationS": 60}}, 200),
        ("acknowledge", {"preset": {"name": "icu"}}, 403),
        ("configure", {"limits": {"pauseS": 2}}, 200),
        ("configure", {"alarmSwitch": {"condition": "tachycardia", "off": True}}, 200),
        ("configure", {"association": {}}, 403),
    ],
)
async def test_a_role_decides_what_may_be_ordered(tokens, role, order, status):
    ward = Ward(tokens_file=tokens[0])
    body = {"streamId": "bed-1", "actor": "Nurse Joy", "reason": "known"} | order
    async with ward.served(tokens[1][role]) as browser, browser.post("orders", json=body) as answer:
        assert answer.status == status
    assert len(ward.taken) == (status == 200)


async def test_an_order_carries_name_reason_and_whose_token_it_was(tokens):
    ward = Ward(tokens_file=tokens[0])
    async with ward.served(tokens[1]["acknowledge"]) as browser, browser.post("orders", json=ORDER) as answer:
        assert (await answer.json())["accepted"]
    ((order, source),) = ward.taken
    assert (order.actor, order.reason, source) == ("Nurse Joy (the acknowledge desk)", "seen at the bedside", "page")


@pytest.mark.parametrize("missing", ["actor", "reason"])
async def test_an_order_without_name_or_reason_is_refused(tokens, missing):
    ward = Ward(tokens_file=tokens[0])
    token, order = tokens[1]["acknowledge"], ORDER | {missing: "  "}
    async with ward.served(token) as browser, browser.post("orders", json=order) as answer:
        assert answer.status == 400 and missing in (await answer.json())["text"]


async def test_what_the_bed_refuses_is_said(tokens):
    ward = Ward(tokens_file=tokens[0])
    ward.reply = pb.ControlReply(text="No alert a9 is active.")
    async with ward.served(tokens[1]["acknowledge"]) as browser, browser.post("orders", json=ORDER) as answer:
        assert (answer.status, (await answer.json())["text"]) == (409, "No alert a9 is active.")


@pytest.mark.parametrize(
    "path", ["live", "beds/1", "strips/a1", "strips/a1/explanation", "beds/1/diagnosis/explanation"]
)
async def test_a_wrong_token_sees_nothing(tokens, path):
    ward = Ward(tokens_file=tokens[0])
    async with ward.served("wrong") as browser, browser.get(path) as answer:
        assert answer.status == 401
    assert ward.refused("token") == 1


async def test_a_cookie_stands_for_the_token_and_outlives_the_process(tokens):
    ward = Ward(tokens_file=tokens[0])
    async with ward.served() as browser:
        async with browser.post("session", data="wrong") as answer:
            assert answer.status == 401 and not answer.cookies
        async with browser.post("session", data=tokens[1]["view"]) as answer:
            (cookie,) = answer.cookies.values()
            assert cookie["httponly"] and cookie["samesite"] == "Strict" and cookie["path"] == "/ward"
    jar = {cookie.key: cookie.value}
    async with ward.served() as browser:  # a new process, the same tokens file
        async with browser.get("session", cookies=jar) as answer:
            assert (await answer.json())["name"] == "the view desk"
        forged = jar | {cookie.key: cookie.value.replace(cookie.value.split(".")[0], "dGhlIGNvbmZpZ3VyZSBkZXNr")}
        async with browser.get("beds/1", cookies=forged) as answer:
            assert answer.status == 401


@pytest.mark.parametrize("headers", [{"Origin": "https://elsewhere.example"}, {"Host": "rebound.example:80"}])
async def test_pages_of_other_sites_are_turned_away(headers):
    ward = Ward()
    async with ward.served() as browser:
        async with browser.get("live", headers=headers) as answer:
            assert answer.status == 403
        async with browser.post("orders", json=ORDER, headers=headers) as answer:
            assert answer.status == 403
    assert ward.refused("foreign") == 2


async def test_over_tls_the_cookie_never_travels_in_the_clear(tmp_path: Path, tokens):
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_and_cert_chain_pem.write_to_path(tmp_path / "tls.pem")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    files = {"tls_certificate_file": tmp_path / "tls.pem", "tls_key_file": tmp_path / "tls.pem"}
    http, ward = HttpSettings(port=0, **files), Ward(tokens_file=tokens[0])
    page = WardPage(ward.settings, http, ward.board, ward.metrics, ward.take, lambda: [])
    page.start()
    app = aiohttp.web.Application()
    app.add_subapp("/ward", page.app())
    runner, port = await listen(app, http, tls_context(http))
    trust = ssl.create_default_context(cafile=tmp_path / "ca.pem")
    async with aiohttp.ClientSession() as browser:
        sign_in = browser.post(f"https://127.0.0.1:{port}/ward/session", data=tokens[1]["view"], ssl=trust)
        async with sign_in as answer:
            (cookie,) = answer.cookies.values()
            assert answer.status == 200 and cookie["secure"]
    await runner.cleanup()


def test_a_certificate_that_is_none_is_said_at_start(tmp_path: Path):
    (tmp_path / "tls.pem").write_text("no certificate")
    files = {"tls_certificate_file": tmp_path / "tls.pem", "tls_key_file": tmp_path / "tls.pem"}
    with pytest.raises(SettingsError, match="must hold a certificate and its key in PEM form"):
        tls_context(HttpSettings(**files))


async def test_nothing_from_elsewhere_may_run_on_the_page():
    async with Ward().served() as browser, browser.get("") as answer:
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'self'")
        assert "ecgstream" in await answer.text()


async def test_a_browser_gets_alarms_of_all_beds_and_signal_of_those_it_shows():
    ward = Ward()
    ward.board.take(*alert("bed-1"))
    ward.board.take(*vitals("bed-2", heart_rate_bpm=70))
    ward.board.take_waves([Wave("bed-2", 0, ("I", "II"), np.arange(100, dtype=np.int16).reshape(2, 50))])
    async with ward.served() as browser, browser.ws_connect("live") as socket:
        assert (await socket.receive_json())["hello"]["role"] == "view"
        news = await socket.receive_json()
        assert [(bed["id"], len(bed["alerts"])) for bed in news["beds"]] == [("bed-1", 1), ("bed-2", 0)]
        assert news["vitals"] == []
        await socket.send_json({"show": [{"n": 2}]})
        assert (await socket.receive_json())["vitals"][0]["hr"] == 70
        data = await socket.receive_bytes()
        assert (data[0], int.from_bytes(data[2:4], "little"), int.from_bytes(data[4:6], "little")) == (1, 1, 2)
        assert np.frombuffer(data, "<i2", 50, 16).tolist() == list(range(50, 100))  # lead II
        ward.board.take(*alert("bed-2", "a2"))
        assert (await socket.receive_json())["beds"][0]["alerts"][0]["id"] == "a2"


@pytest.mark.parametrize("text", ["no json", '{"show": [{"n": -1}]}', json.dumps({"show": [{"n": 1}] * 513})])
async def test_a_browser_that_asks_for_nonsense_is_let_go_of(text):
    ward = Ward()
    async with ward.served() as browser, browser.ws_connect("live") as socket:
        await socket.receive_json()
        await socket.send_str(text)
        assert (await asyncio.wait_for(socket.receive(), 5)).type is not aiohttp.WSMsgType.TEXT
    assert ward.refused("bad_request") == 1


async def test_only_so_many_browsers_are_served():
    ward = Ward(most_pages=1)
    async with ward.served() as browser, browser.ws_connect("live"), browser.get("live") as answer:
        assert answer.status == 503


async def test_a_slow_browser_costs_no_memory_and_gets_the_newest_in_the_end():
    """It stops reading; meanwhile two minutes of twelve leads come. It is sent the newest seconds, and no more."""
    ward = Ward()
    wave = np.ones((12, 50), np.int16)
    async with ward.served() as browser, browser.ws_connect("live") as socket:
        ward.board.take_waves([Wave(f"bed-{n}", 0, STANDARD_LEADS, wave) for n in range(40)])
        await socket.send_json({"show": [{"n": n + 1, "leads": STANDARD_LEADS} for n in range(40)]})
        socket._conn.protocol.pause_reading()
        for hop in range(1, 600):
            ward.board.take_waves([Wave(f"bed-{n}", 50 * hop, STANDARD_LEADS, wave) for n in range(40)])
            if hop % 10 == 0:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)
        socket._conn.protocol.resume_reading()
        got = 0
        async with asyncio.timeout(20):
            while got < 600 * 50:  # the number of the sample that comes next, of the first lead sent
                message = await socket.receive()
                if message.type is aiohttp.WSMsgType.BINARY:
                    first, n = (int.from_bytes(message.data[k : k + w], "little") for k, w in ((8, 4), (12, 2)))
                    got = first + n
                    assert len(message.data) <= 4 + 480 * (12 + 2 * 3000)
    assert ward.metrics.registry.get_sample_value("ecgstream_web_updates_dropped_total") > 0


async def test_a_strip_is_sent_in_microvolts(tokens):
    ward = Ward()
    ward.board.take(*alert(strip=STRIP))
    async with ward.served() as browser:
        async with browser.get("strips/a1") as answer:
            data = await answer.read()
        n = int.from_bytes(data[:4], "little")
        about = json.loads(data[4 : 4 + n])
        assert (about["leads"], about["fsHz"], about["onset"], about["n"]) == (["II"], 250.0, 1, 2)
        assert np.frombuffer(data, "<i2", 2, 4 + n).tolist() == [500, -32768]
        async with browser.get("strips/unknown") as answer:
            assert answer.status == 404


async def test_an_explanation_is_sent_where_there_is_one():
    ward = Ward()
    async with ward.served() as browser:
        async with browser.get("strips/a1/explanation") as answer:
            assert answer.status == 204
        ward.explainer.found.keep("a1", b'{"score": "rhythm.vf"}')
        async with browser.get("strips/a1/explanation") as answer:
            assert await answer.json() == {"score": "rhythm.vf"}
        async with browser.get("strips/a2/explanation") as answer:
            assert answer.status == 204


async def test_an_explained_diagnosis_is_on_its_beds_page_with_its_signal():
    ward = Ward()
    ward.board.take(*vitals())
    asked = "beds/1/diagnosis/{}?score=LAO%2FLAE"
    async with ward.served() as browser:
        async with browser.get("beds/1") as answer:
            assert (await answer.json())["explained"] == {}
        async with browser.get(asked.format("strip")) as answer:
            assert answer.status == 404
        stated = Stated("bed-1", "LAO/LAE", 0.6, 0.5, 7 * 10**9)
        ward.explainer.diagnoses.keep(Explained(stated, STRIP, b'{"score": "LAO/LAE"}'))
        async with browser.get("beds/1") as answer:
            assert (await answer.json())["explained"] == {"LAO/LAE": 7000}
        async with browser.get(asked.format("explanation")) as answer:
            assert await answer.json() == {"score": "LAO/LAE"}
        async with browser.get(asked.format("strip")) as answer:
            data = await answer.read()
        n = int.from_bytes(data[:4], "little")
        assert np.frombuffer(data, "<i2", 2, 4 + n).tolist() == [500, -32768]
        async with browser.get(asked.format("strip").replace("/1/", "/2/")) as answer:
            assert answer.status == 404


async def test_a_beds_own_page_gets_its_day_and_its_past():
    ward = Ward()
    ward.board.take(*alert(state=pb.Alert.ENDED))
    async with ward.served() as browser:
        async with browser.get("beds/1") as answer:
            document = await answer.json()
        assert [a["id"] for a in document["alerts"]] == ["a1"] and len(document["trends"]["mean"]) == 1440
        async with browser.get("beds/77") as answer:
            assert answer.status == 404


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- {name: x, role: boss, token_sha256: '" + "0" * 64 + "'}", "view, acknowledge, configure"),
        ("- {name: x, role: view, token_sha256: short}", "token_sha256"),
        ("[]", "must have entries"),
        ("- {name: x", "not valid YAML"),
        (None, "cannot be read"),
    ],
)
def test_faults_of_the_tokens_file_are_named(tmp_path, text, said):
    path = tmp_path / "tokens.yaml"
    if text is not None:
        path.write_text(text)
    ward = Ward(tokens_file=path)
    page = WardPage(ward.settings, ward.http, ward.board, ward.metrics, ward.take, lambda: [])
    with pytest.raises(SettingsError, match=said):
        page.start()
