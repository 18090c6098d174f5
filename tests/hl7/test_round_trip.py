"""Real recordings as HL7 through MLLP into the daemon: the alerts of the direct way, and its strips to the last bit."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from ecgstream.demo.processes import free_ports, start_simulator
from ecgstream.waveform import GRID_HZ
from ecgstream.wire import ecgstream_pb2 as pb

from ..test_daemon import running
from .edge import key_file

pytestmark = pytest.mark.recordings

PLAYED = ("ptbxl/00500", "mitdb/207", "cinc2015/v102s")
"""Twelve leads at 166 beats a minute, two with fibrillation of the ventricles, and a bed with pleth beside its ECG."""
SECONDS = 260
TIMES = ("onset_time_ns", "late_s", "published_time_ns")


def alerts(folder: Path, recordings: Path, settings: dict, destination: str) -> list[pb.Alert]:
    """What the daemon tells when the records are played to it."""
    with running(folder, {"clock": "sample", **settings}) as wires:
        to = ["--connect", wires.daemon.source] if destination == "zeromq" else ["--to", destination]
        records, log = [str(recordings / record) for record in PLAYED], folder / "simulator.log"
        arguments = ["replay", *records, "--loop", "--seconds", str(SECONDS), "--speed", "max", *to]
        assert start_simulator(*arguments, log=log).wait(120) == 0, log.read_text()
        left = {Path(record).name for record in PLAYED}

        def was_last(message: object) -> bool:
            if isinstance(message, pb.Vitals) and message.sample / GRID_HZ >= SECONDS - 1:
                left.discard(message.stream_id)
            return not left

        heard = wires.hear(was_last, timeout_s=120) + wires.hear_out(2)
        assert wires.metric('ecgstream_intake_total{kind="gap"}') == 0
    return [message for message in heard if isinstance(message, pb.Alert)]


def strip_mv(alert: pb.Alert) -> list[list[float]]:
    """The strip's samples as voltages: HL7 carries no baseline, so raw values are shifted by it."""
    strip = alert.strip
    raw = np.frombuffer(strip.samples, "<i2").reshape(len(strip.layout.channels), -1).astype(np.int64)
    invalid = np.array([[channel.invalid_value] for channel in strip.layout.channels])
    baseline = np.array([[channel.baseline] for channel in strip.layout.channels])
    gain = np.array([[channel.gain] for channel in strip.layout.channels])
    return np.where(raw == invalid, np.nan, (raw - baseline) / gain).tolist()


def comparable(told: list[pb.Alert]) -> tuple[dict, dict]:
    """Alerts without wall-clock times, and their strips, by id and update."""
    strips = {(alert.alert_id, alert.update): strip_mv(alert) for alert in told if alert.strip.layout.channels}
    content = {}
    for alert in told:
        bare = pb.Alert.FromString(alert.SerializeToString())
        bare.ClearField("strip")
        for name in TIMES:
            bare.ClearField(name)
        content[alert.alert_id, alert.update] = bare
    return content, strips


def test_a_record_as_hl7_gives_the_alerts_of_the_direct_way(recordings: Path, tmp_path: Path):
    (tmp_path / "direct").mkdir()
    (tmp_path / "hl7").mkdir()
    (port,) = free_ports(1)
    edge = {"port": port, "key_file": str(key_file(tmp_path)), "patients_file": str(tmp_path / "patients.bin")}
    direct = alerts(tmp_path / "direct", recordings, {}, "zeromq")
    by_hl7 = alerts(tmp_path / "hl7", recordings, {"source": {"kind": "hl7"}, "hl7": edge}, f"mllp://127.0.0.1:{port}")
    direct_content, direct_strips = comparable(direct)
    hl7_content, hl7_strips = comparable(by_hl7)
    assert {alert.condition for alert in direct} >= {"ventricular_fibrillation", "extreme_tachycardia"}
    assert {alert.stream_id for alert in direct} >= {"00500", "207"}
    assert hl7_content == direct_content
    assert direct_strips.keys() == hl7_strips.keys()
    assert len(direct_strips) > 5
    for key, strip in direct_strips.items():
        np.testing.assert_array_equal(strip, hl7_strips[key])
    assert re.search("not arrived", (tmp_path / "hl7" / "simulator.log").read_text()) is None
