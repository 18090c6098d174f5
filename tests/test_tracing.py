"""Traces of a daemon, as a collector gets them."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from ecgstream.errors import SettingsError
from ecgstream.settings import TraceSettings
from ecgstream.tracing import Tracing

from .feed import Bed
from .test_daemon import SECOND_CUTS, is_alert, running


class Collector(HTTPServer):
    """Takes OTLP over HTTP on a free port of loopback."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Take)
        self.bodies: list[bytes] = []

    @property
    def spans(self) -> list[Span]:
        requests = [ExportTraceServiceRequest.FromString(body) for body in self.bodies]
        return [s for r in requests for of in r.resource_spans for scope in of.scope_spans for s in scope.spans]


class _Take(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert self.path == "/v1/traces"
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_pass_its_stages_and_its_delivery_are_one_trace_that_names_no_bed(collector: Collector, tmp_path: Path):
    traces = {"endpoint": f"http://127.0.0.1:{collector.server_port}", "share": 1.0}
    with running(tmp_path, {"traces": traces, "diagnosis": {"enabled": False}}) as wires:
        wires.send(Bed("bed-1", cuts=SECOND_CUTS))
        wires.hear(is_alert("asystole"))
        assert wires.daemon.stop() == 0
    by_id = {span.span_id: span for span in collector.spans}
    passes = [span for span in by_id.values() if span.name == "pass"]
    assert passes and all(not span.parent_span_id for span in passes)
    within = {span.name for span in by_id.values() if span.parent_span_id == passes[0].span_id}
    assert {"intake", "decode", "conditioning", "rhythm", "alarms", "outputs", "delivery"} <= within
    for span in by_id.values():
        if span.name == "delivery":
            before = by_id[span.parent_span_id]
            assert before.trace_id == span.trace_id and before.start_time_unix_nano <= span.start_time_unix_nano
    assert all(b"bed-1" not in body for body in collector.bodies)


def test_without_a_collector_there_is_nothing():
    tracing = Tracing(TraceSettings())
    with tracing.span("pass"), tracing.following(tracing.here(), "delivery"):
        pass
    tracing.close()


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(SettingsError, match=r"pip install 'ecgstream\[traces\]'"):
        Tracing(TraceSettings(endpoint="http://127.0.0.1:4318"))
