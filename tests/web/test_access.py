"""Who is let in by the page, and what each role may order, over a real HTTP port."""

from __future__ import annotations

import ssl
from pathlib import Path

import aiohttp
import pytest
import trustme

from ecgstream.errors import SettingsError
from ecgstream.http_port import listen, tls_context
from ecgstream.settings import HttpSettings
from ecgstream.web.page import WardPage
from ecgstream.wire import ecgstream_pb2 as pb

from .served import Ward

ORDER = {"streamId": "bed-1", "actor": "Nurse Joy", "reason": "seen at the bedside", "acknowledge": {}}


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
