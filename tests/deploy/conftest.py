"""What a daemon that really runs exposes, and the bridges beside it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import zmq
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from ecgstream.demo.processes import DaemonProcess
from ecgstream.hl7.metrics import Hl7Metrics
from ecgstream.outbound.metrics import OutboundMetrics

from ..feed import SECONDS, Bed

ROOT = Path(__file__).parent.parent.parent
BED = Bed("bed-1", cuts=tuple(range(250, SECONDS * 250, 250)))


@pytest.fixture(scope="session")
def exposed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Metric]:
    """Metric families of a daemon that has told an asystole, by family name."""
    daemon = DaemonProcess(tmp_path_factory.mktemp("daemon"), {"http": {"bed_metrics": True}})
    daemon.start()
    try:
        daemon.wait_ready()
        with zmq.Context() as context, context.socket(zmq.PUSH) as push:
            push.connect(daemon.source)
            for _, message in BED.messages():
                push.send_multipart([message.content_type.encode(), b"bed-1", message.payload])
            push.send_multipart([b"", b"", b"rubbish"])
            _wait(lambda: 'alert_seconds_count{condition="asystole"} 1' in daemon.metrics())
        told = [daemon.metrics(), *(generate_latest(registry).decode() for registry in _of_the_bridges())]
        return {family.name: family for text in told for family in text_string_to_metric_families(text)}
    finally:
        daemon.stop()


def _of_the_bridges() -> tuple[CollectorRegistry, CollectorRegistry]:
    """What each bridge has, once something was refused and a destination is there."""
    inbound, outbound = CollectorRegistry(), OutboundMetrics()
    Hl7Metrics(inbound).refused.labels("bad_time")
    for metric in (outbound.up, outbound.set_aside, outbound.dropped):
        metric.labels("icu")
    return inbound, outbound.registry


def _wait(until: Callable[[], bool], timeout_s: float = 60.0) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not until():
        assert time.monotonic() < deadline_s, "the daemon told no asystole"
        time.sleep(0.2)
