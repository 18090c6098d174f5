"""Every order leaves one line, on disk and in the log, without the patient."""

import json
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ecgstream.audit import Audit
from ecgstream.clock import ManualClock
from ecgstream.errors import SettingsError
from ecgstream.metrics import Metrics
from ecgstream.wire import ecgstream_pb2 as pb

from .feed import START_NS


def control(**order) -> pb.Control:
    return pb.Control(version=1, request_id="r1", stream_id="bed-1", actor="nurse 7", **order)


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_an_order_is_one_line_of_who_what_when_and_what_came_of_it(tmp_path: Path):
    audit = Audit(tmp_path / "audit.jsonl", ManualClock(START_NS), Metrics())
    audit.start()
    pause = pb.Pause(condition="tachycardia", duration_s=60)
    with capture_logs() as logs:
        audit.note("zeromq", control(pause=pause), pb.ControlReply(accepted=True, text="Paused.", effective_sample=250))
        audit.note("kafka", control(limits=pb.Limits(pause_s=9)), pb.ControlReply(text="No."))
        audit.note("http", control(acknowledge=pb.Acknowledge()), pb.ControlReply(accepted=True, passed_on=True))
    first, second, third = lines(tmp_path / "audit.jsonl")
    assert first == {
        "time": "2023-11-14T22:13:20.000+00:00",
        "source": "zeromq",
        "stream_id": "bed-1",
        "actor": "nurse 7",
        "request_id": "r1",
        "order": "pause",
        "details": {"condition": "tachycardia", "duration_s": 60.0},
        "reason": "",
        "outcome": "accepted",
        "sample": 250,
        "text": "Paused.",
    }
    assert (second["outcome"], second["details"], third["outcome"]) == ("refused", {"pause_s": 9.0}, "passed on")
    logged = [entry for entry in logs if entry["event"] == "audit"]
    assert [entry | {"event": "", "log_level": ""} for entry in logged] == [
        entry | {"event": "", "log_level": ""} for entry in (first, second, third)
    ]


@pytest.mark.parametrize(("reference", "said"), [("Jane Doe", "changed"), ("", "discharged")])
def test_a_patient_is_never_named(tmp_path: Path, reference: str, said: str):
    audit = Audit(tmp_path / "audit.jsonl", ManualClock(START_NS), Metrics())
    with capture_logs() as logs:
        association = pb.Association(patient_reference=reference)
        audit.note("zeromq", control(association=association), pb.ControlReply(accepted=True, text="Alarms cleared."))
    assert lines(tmp_path / "audit.jsonl")[0]["details"] == {"patient": said}
    assert "Jane" not in json.dumps(logs) + (tmp_path / "audit.jsonl").read_text()


def test_a_file_moved_away_is_begun_anew(tmp_path: Path):
    audit = Audit(tmp_path / "audit.jsonl", ManualClock(START_NS), Metrics())
    for old in ("1", "2"):
        audit.note("zeromq", control(preset=pb.Preset(name="icu")), pb.ControlReply(accepted=True))
        (tmp_path / "audit.jsonl").rename(tmp_path / old)
    assert len(lines(tmp_path / "1")) == len(lines(tmp_path / "2")) == 1


def test_a_file_that_cannot_be_written_is_said_at_start_and_later_holds_nothing_up(tmp_path: Path):
    metrics = Metrics()
    audit = Audit(tmp_path / "no" / "audit.jsonl", ManualClock(START_NS), metrics)
    with pytest.raises(SettingsError, match=r"set log\.audit_path"):
        audit.start()
    with capture_logs() as logs:
        audit.note("http", control(preset=pb.Preset(name="icu")), pb.ControlReply(accepted=True))
    assert "audit file not written" in [entry["event"] for entry in logs]
    assert metrics.registry.get_sample_value("ecgstream_audit_failures_total") == 1
