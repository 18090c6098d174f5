"""FHIR transactions and signed webhooks, to servers on real sockets that keep what they are sent."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from aiohttp import web
from fhir.resources.R4B import get_fhir_model_class
from fhir.resources.R4B.bundle import Bundle
from google.protobuf import json_format
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from ecgstream.errors import SettingsError
from ecgstream.outbound.bridge import Bridge
from ecgstream.outbound.fhir import transaction
from ecgstream.settings import FhirSettings
from ecgstream.wire import ecgstream_pb2 as pb

from .edge import edge, settings, until
from .hospital import T0_NS, alert
from .test_pcd04 import MULDER

RAW = np.array([[1, -5, 2047, -32768, 12], [300, 0, -300, 7, -32768]], "<i2")


def with_strip(one: pb.Alert, complete: bool = True) -> pb.Alert:
    """Two leads of five samples, the first in mV with a baseline, the second in µV."""
    strip = one.strip
    strip.start_time_ns, strip.complete, strip.samples = T0_NS - 10**10, complete, RAW.tobytes()
    strip.layout.fs_numerator, strip.layout.fs_denominator = 125, 2
    strip.layout.channels.add(mdc_code=131330, name="II", unit="mV", gain=200, baseline=24)
    strip.layout.channels.add(mdc_code=131331, name="V1", unit="uV", gain=0.5)
    return one


@dataclass
class HttpStandIn:
    """Answers by the next status of ``script``, then by 200. What it answers with 200 it keeps."""

    script: list[int] = field(default_factory=list)
    resources: dict[str, dict] = field(default_factory=dict)
    accepted: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    created: int = 0
    url: str = ""
    _runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application(client_max_size=2**24)
        app.router.add_post("/", self._answer)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/"

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        status = self.script.pop(0) if self.script else 200
        if status == 0:
            request.transport.close()
            await asyncio.sleep(0)
            return web.Response()
        if status == 200:
            self.accepted.append((dict(request.headers), body))
            if request.content_type == "application/fhir+json":
                self._transact(Bundle.model_validate_json(body))
        return web.Response(status=status, text="Mulder is not known")

    def _transact(self, bundle: Bundle) -> None:
        """As a FHIR server does: conditional create and conditional update, by identifier."""
        for entry in bundle.entry:
            resource = json.loads(entry.resource.model_dump_json())
            get_fhir_model_class(resource["resourceType"]).model_validate(resource)
            (identifier,) = resource["identifier"]
            key = f"{resource['resourceType']}?identifier={identifier['system']}|{identifier['value']}"
            if entry.request.method == "POST":
                assert f"{entry.request.url}?{unquote(entry.request.ifNoneExist)}" == key
                if key in self.resources:
                    continue
            else:
                assert unquote(entry.request.url) == key
            self.created += key not in self.resources
            self.resources[key] = resource

    def of_type(self, name: str) -> list[dict]:
        return [resource for key, resource in self.resources.items() if key.startswith(f"{name}?")]


@pytest.fixture
async def server() -> AsyncIterator[HttpStandIn]:
    stand_in = HttpStandIn()
    await stand_in.start()
    yield stand_in
    await stand_in.stop()


def ehr(server: HttpStandIn, **fields: object) -> dict:
    return {"kind": "fhir", "name": "ehr", "url": server.url, **fields}


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text("whsec_" + base64.b64encode(secrets.token_bytes(32)).decode() + "\n")
    return path


# ------------------------------------------------------------------------------------------------------------- FHIR


async def test_an_alerts_life_ends_up_as_one_issue_one_strip_and_one_device(tmp_path: Path, server: HttpStandIn):
    server.script = [503, 0, 200]
    life = [
        with_strip(alert("a1", 0), complete=False),
        with_strip(alert("a1", 1)),
        alert("a1", 1, escalation=1),
        alert("a1", 2, pb.Alert.ACKNOWLEDGED),
    ]
    async with edge(tmp_path, ehr(server)) as outside:
        await outside.publish(*life)
        await until(lambda: len(server.accepted) == 3)
        (issue,) = server.of_type("DetectedIssue")
        assert issue["status"] == "preliminary" and issue["mitigation"][0]["action"]["text"] == "acknowledged"
        await outside.publish(alert("a1", 3, pb.Alert.ENDED, delay_s=21.5))
        await until(lambda: len(server.accepted) == 4)
        assert outside.metric("retries_total", destination="ehr", reason="503") == 1
        assert outside.metric("retries_total", destination="ehr", reason="closed") == 1
    (issue,), (strip,), (device,) = (server.of_type(name) for name in ("DetectedIssue", "Observation", "Device"))
    assert issue["status"] == "final" and issue["severity"] == "high"
    assert issue["identifiedPeriod"] == {"start": "2026-11-22T00:00:00Z", "end": "2026-11-22T00:00:21.500000Z"}
    assert issue["evidence"][0]["detail"][0]["identifier"] == strip["identifier"][0]
    assert device["identifier"][0]["value"] == "ward-3/bed-12"


async def test_a_bundle_sent_twice_does_nothing_more(server: HttpStandIn):
    told = FhirSettings(kind="fhir", name="ehr", url=server.url)
    bundle = transaction(with_strip(alert()), None, told)
    server._transact(bundle)
    before = json.dumps(server.resources)
    server._transact(transaction(with_strip(alert()), None, told))
    assert server.created == 3 and json.dumps(server.resources) == before


def test_sampled_data_gives_the_samples_back_and_marks_the_invalid():
    bundle = transaction(with_strip(alert()), MULDER, FhirSettings(kind="fhir", name="e", url="http://e"))
    (observation,) = (e.resource for e in bundle.entry if e.resource.get_resource_type() == "Observation")
    second_mv = []
    for component, raw in zip(observation.component, RAW, strict=True):
        data = component.valueSampledData
        read = [None if word == "E" else int(word) for word in data.data.split()]
        assert read == [None if value == -32768 else value for value in raw.tolist()]
        second_mv.append(read[1] * float(data.factor) + float(data.origin.value))
        assert float(data.period) == 16.0 and data.dimensions == 1
    assert second_mv == pytest.approx([(-5 - 24) / 200, 0.0])
    assert observation.subject.identifier.value == "HO2009001"


async def test_a_wrong_token_is_waited_for_and_a_bundle_refused_is_set_aside(tmp_path: Path, server: HttpStandIn):
    token = tmp_path / "token"
    token.write_text("very secret\n")
    server.script = [401, 200, 422, 422]
    async with edge(tmp_path, ehr(server, token_file=token), refusals=2) as outside:
        await outside.publish(alert("a1"), alert("a2"), alert("a3"))
        await until(lambda: len(server.accepted) == 2)
        assert outside.metric("retries_total", destination="ehr", reason="401") == 1
        assert outside.metric("set_aside_total", destination="ehr") == 1
    assert server.accepted[0][0]["Authorization"] == "Bearer very secret"
    assert [resource["identifier"][0]["value"] for resource in server.of_type("DetectedIssue")] == ["a1", "a3"]


# ---------------------------------------------------------------------------------------------------------- webhook


def verifier_of(secret: Path) -> Verifier:
    return Verifier(secret.read_text().strip())


async def test_a_webhook_can_be_verified_and_a_forged_one_told(tmp_path: Path, server: HttpStandIn, secret: Path):
    hook = {"kind": "webhook", "name": "hook", "url": server.url, "secret_file": secret}
    async with edge(tmp_path, hook) as outside:
        await outside.publish(
            with_strip(alert("a1", 0)), with_strip(alert("a1", 1)), alert("a1", 1, escalation=2, text="Ausfall über II")
        )
        await until(lambda: len(server.accepted) == 2)
    verifier = verifier_of(secret)
    for headers, body in server.accepted:
        verifier.verify(body, headers)
    assert [headers["webhook-id"] for headers, _ in server.accepted] == ["a1/0", "a1/1/2"]
    first, second = (json_format.Parse(body, pb.Alert()) for _, body in server.accepted)
    assert not first.HasField("strip") and second.text == "Ausfall über II"
    headers, body = server.accepted[0]
    with pytest.raises(WebhookVerificationError):
        verifier.verify(body.replace(b"asystole", b"sinus"), headers)
    with pytest.raises(WebhookVerificationError):
        verifier.verify(body, headers | {"webhook-timestamp": str(int(headers["webhook-timestamp"]) - 1)})


async def test_a_webhook_that_wants_strips_gets_them(tmp_path: Path, server: HttpStandIn, secret: Path):
    hook = {"kind": "webhook", "name": "hook", "url": server.url, "secret_file": secret, "strips": True}
    async with edge(tmp_path, hook) as outside:
        await outside.publish(with_strip(alert()))
        await until(lambda: len(server.accepted) == 1)
    assert json_format.Parse(server.accepted[0][1], pb.Alert()).strip.samples == RAW.tobytes()


@pytest.mark.parametrize(("held", "says"), [("c2hvcnQ=", "at least 24 bytes; it has 5"), ("§", "must hold base64")])
def test_a_weak_secret_is_refused(tmp_path: Path, held: str, says: str):
    path = tmp_path / "secret"
    path.write_text(held)
    told = settings(tmp_path, "tcp://x", {"kind": "webhook", "name": "h", "url": "http://h", "secret_file": path})
    with pytest.raises(SettingsError, match=says):
        Bridge(told)


def test_an_address_with_a_password_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="no user name or password"):
        settings(tmp_path, "tcp://x", {"kind": "fhir", "name": "ehr", "url": "https://me:secret@ehr/fhir"})
