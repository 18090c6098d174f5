"""/metrics and /health over a real socket."""

from dataclasses import dataclass, field

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from ecgstream.alert_strips.recent import RecentStrips
from ecgstream.endpoints import Endpoints
from ecgstream.errors import SettingsError
from ecgstream.http_token import HttpToken
from ecgstream.metrics import Metrics
from ecgstream.order_endpoint import OrderEndpoint
from ecgstream.settings import HttpSettings
from ecgstream.strip_endpoint import StripEndpoint


@dataclass
class Patient:
    """A process whose health a test decides."""

    ill: list[str] = field(default_factory=list)
    busy: list[str] = field(default_factory=list)

    def not_live(self) -> list[str]:
        return self.ill

    def not_ready(self) -> list[str]:
        return self.busy


def served_by(metrics: Metrics, patient: Patient, port: int = 0) -> Endpoints:
    token = HttpToken(None)
    orders, strips = OrderEndpoint(token, None, patient.not_ready), StripEndpoint(token, RecentStrips())
    return Endpoints(HttpSettings(port=port), metrics, patient, token, orders, strips)


@pytest.fixture
async def served():
    patient, metrics = Patient(), Metrics()
    endpoints = served_by(metrics, patient)
    await endpoints.start()
    yield patient, metrics, f"http://127.0.0.1:{endpoints.port}", endpoints
    await endpoints.close()


async def get(url: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status, await answer.text()


async def test_health_says_what_is_wrong(served):
    patient, _, url, _ = served
    assert await get(f"{url}/health/live") == (200, '{"ok": true, "faults": []}')
    patient.busy = ["starting"]
    assert await get(f"{url}/health/ready") == (503, '{"ok": false, "faults": ["starting"]}')
    assert (await get(f"{url}/health/live"))[0] == 200


async def test_metrics_are_in_the_exposition_format_with_our_prefix(served):
    _, metrics, url, _ = served
    metrics.refused.labels("malformed").inc()
    _, text = await get(f"{url}/metrics")
    names = {family.name for family in text_string_to_metric_families(text)}
    assert "ecgstream_messages_refused" in names
    assert all(name.startswith(("ecgstream_", "process_")) for name in names)


async def test_a_port_in_use_is_said_in_a_sentence(served):
    _, metrics, _, endpoints = served
    other = served_by(metrics, Patient(), endpoints.port)
    with pytest.raises(SettingsError, match=rf"cannot listen on 127.0.0.1:{endpoints.port}"):
        await other.start()


def test_lethal_latency_has_an_edge_at_its_budget():
    from ecgstream.metrics import LATENCY_EDGES_S

    assert 10.0 in LATENCY_EDGES_S
