"""What a daemon that really runs exposes."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import zmq
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from ecgstream.demo.processes import DaemonProcess

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
        families = text_string_to_metric_families(daemon.metrics())
        return {family.name: family for family in families}
    finally:
        daemon.stop()


def _wait(until: Callable[[], bool], timeout_s: float = 60.0) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not until():
        assert time.monotonic() < deadline_s, "the daemon told no asystole"
        time.sleep(0.2)
