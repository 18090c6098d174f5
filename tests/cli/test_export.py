"""``ecgstream export`` as a user calls it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from ecgstream.cli import app
from ecgstream.recorded import RecordedChannel, RecordedSignal, read_recording, write_recording
from ecgstream.wire import ecgstream_pb2 as pb

RAW = np.arange(-500, 500, dtype="<i2").reshape(2, 500)


@pytest.fixture
def alert(tmp_path: Path) -> Path:
    message = pb.Alert(version=1, alert_id="a1", stream_id="ward-3/bed-12", condition="asystole")
    strip = message.strip
    strip.start_time_ns, strip.samples, strip.layout.fs_numerator = 1_767_225_600 * 10**9, RAW.tobytes(), 250
    strip.layout.channels.add(mdc_code=131330, name="II", unit="mV", gain=200, baseline=3)
    strip.layout.channels.add(mdc_code=131331, name="V1", unit="uV", gain=0.2)
    path = tmp_path / "alert.pb"
    path.write_bytes(message.SerializeToString())
    return path


@pytest.mark.parametrize("suffix", [".dcm", ".edf", ".hea", ".xml"])
def test_the_strip_of_an_alert(tmp_path: Path, alert: Path, suffix: str):
    out = tmp_path / f"strip{suffix}"
    told = CliRunner().invoke(app, ["export", str(alert), "--out", str(out)])
    assert told.exit_code == 0, told.output
    strip = read_recording(out)
    np.testing.assert_array_equal(strip.samples[:, :500], RAW)
    assert [channel.name for channel in strip.channels] == ["II", "V1"]
    np.testing.assert_allclose(strip.millivolts()[:, 0], [(-500 - 3) / 200, 0.0], atol=1e-4)


def test_a_stretch_of_a_recording(tmp_path: Path):
    samples = np.arange(2500, dtype=np.int16)[None]
    write_recording(
        RecordedSignal("r", 250, (RecordedChannel("II", "mV", 200.0),), samples, 10**18), tmp_path / "r.hea"
    )
    told = CliRunner().invoke(
        app, ["export", str(tmp_path / "r"), "--out", str(tmp_path / "x.dcm"), "--from", "2", "--to", "4.5"]
    )
    assert told.exit_code == 0, told.output
    after = read_recording(tmp_path / "x.dcm")
    np.testing.assert_array_equal(after.samples, samples[:, 500:1125])
    assert after.start_ns == 10**18 + 2 * 10**9


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["{alert}", "--out", "x.pdf"], "must end in .dcm"),
        (["{alert}", "--out", "x.dcm", "--from", "9"], "Nothing lies between 9 s"),
        (["nowhere.edf", "--out", "x.dcm"], "is not there"),
        (["{alert}", "--out", "/nowhere/x.dcm"], "cannot be written"),
    ],
)
def test_what_cannot_be_done_is_said(tmp_path: Path, alert: Path, arguments: list[str], says: str):
    told = CliRunner().invoke(app, ["export", *(argument.format(alert=alert) for argument in arguments)])
    assert told.exit_code == 2
    assert says in " ".join(told.output.split())
