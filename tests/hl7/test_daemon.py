"""A daemon that listens to HL7 itself: alerts, second opinions, a patient who goes, and a stop that loses nothing."""

from __future__ import annotations

import json
import signal as signals
from pathlib import Path

import pytest
from pydantic import ValidationError

from ecgstream.demo.processes import free_ports
from ecgstream.hl7.times import dtm
from ecgstream.settings import Settings
from ecgstream.wire import ecgstream_pb2 as pb

from ..feed import SECONDS, START_NS, signal
from ..test_daemon import is_alert, running
from .edge import key_file
from .messages import adt, pid, pv1, r40, wcm
from .test_bridge import ask


def waveforms(first: int, last: int) -> list[bytes]:
    """Seconds ``first`` to ``last`` of a bed that stands still from the seventh on."""
    samples = signal(250, 2, 0)
    return [
        wcm(
            {lead: samples[i, at * 250 : at * 250 + 250].tolist() for i, lead in enumerate(("II", "V1"))},
            start=dtm(START_NS + at * 1_000_000_000),
        )
        for at in range(first, last)
    ]


def test_alerts_verdicts_admission_discharge_and_the_end(tmp_path: Path):
    (port,) = free_ports(1)
    audit = tmp_path / "audit.jsonl"
    told = {
        "source": {"kind": "hl7"},
        "clock": "sample",
        "hl7": {"port": port, "key_file": str(key_file(tmp_path)), "patients_file": str(tmp_path / "patients.bin")},
        "log": {"audit_path": str(audit)},
    }
    with running(tmp_path, told) as wires:
        assert {code for code, _ in ask(port, *waveforms(0, 12), adt("A01", pid(), pv1()))} == {"AA"}
        wires.hear(lambda m: isinstance(m, pb.Vitals) and m.sample == 12 * 250)
        assert ask(port, adt("A08", pid(), pv1())) == [("AA", "")]
        ask(port, *waveforms(12, 13), r40(start=dtm(START_NS + 12_500_000_000)))
        verdict = wires.hear(lambda m: isinstance(m, pb.Verdict))[-1]
        assert (verdict.alarm.name, verdict.stream_id) == ("asystole", "ward-3/bed-12")
        assert ask(port, adt("A03", pid(), pv1())) == [("AA", "")]
        ask(port, *waveforms(13, SECONDS))
        wires.daemon.process.send_signal(signals.SIGTERM)
        heard = wires.hear(is_alert("ventricular_fibrillation"))
        assert heard[-1].stream_id == "ward-3/bed-12"
        assert wires.daemon.process.wait(20) == 0
    orders = [json.loads(line) for line in audit.read_text().splitlines()]
    assert {order["source"] for order in orders} == {"hl7"}
    assert [order["order"] for order in orders] == ["association", "monitor_alarm", "association"]
    assert orders[0]["actor"] == "ADT^A01 of GATEWAY"
    assert (orders[2]["outcome"], orders[2]["details"]) == ("accepted", {"patient": "discharged"})


def test_a_listener_needs_a_secret():
    with pytest.raises(ValidationError, match="hl7.key_file must name a file"):
        Settings(source={"kind": "hl7"})
    with pytest.raises(ValidationError, match="is no time zone"):
        Settings(hl7={"time_zone": "Mars/Olympus"})
