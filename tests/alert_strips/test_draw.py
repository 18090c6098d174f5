"""Pictures of strips: to scale, with everything a reader needs, whatever the strip lacks."""

import re
import struct

import numpy as np
import pytest

from ecgstream.alert_strips.draw import MM_PER_MV, MM_PER_S, draw_alert, sheet_of
from ecgstream.alert_strips.message import leads_of
from ecgstream.errors import RecordError
from ecgstream.wire import ecgstream_pb2 as pb

ONSET = 30 * 250


def alert(n_leads: int = 2, seconds: float = 20.0, complete: bool = True, fs: int = 250) -> pb.Alert:
    """A square wave of 1 mV, 2 s high and 2 s low, on each lead."""
    said = pb.Alert(
        version=1, alert_id="id", stream_id="icu/bed-7", condition="ventricular_tachycardia", state=pb.Alert.ACTIVE,
        priority=pb.Alert.HIGH, source="rules", onset_sample=ONSET, onset_time_ns=1_700_000_000_000_000_000,
        decided_sample=ONSET + 1000,
    )  # fmt: skip
    said.strip.start_sample, said.strip.start_time_ns = ONSET - 2500, said.onset_time_ns - 10_000_000_000
    said.strip.complete, said.strip.onset = complete, 10 * fs
    said.strip.layout.fs_numerator = fs
    for k in range(n_leads):
        said.strip.layout.channels.add(name=f"V{k + 1}", unit="mV", gain=200.0, baseline=50)
    wave = np.where(np.arange(int(seconds * fs)) // (2 * fs) % 2, 250, 50).astype("<i2")
    said.strip.samples = np.tile(wave, n_leads).tobytes()
    return said


def paths(svg: str) -> list[np.ndarray]:
    """Points of every line of the picture, in millimetres."""
    point_mm = 25.4 / 72
    found = []
    for d in re.findall(r'<path d="([^"]*)"', svg):
        points = re.findall(r"[ML] (-?[\d.]+) (-?[\d.]+)", d)
        found.append(np.array(points, float) * point_mm)
    return found


def test_samples_come_back_in_millivolts_with_invalid_ones_as_nan():
    said = alert(1, seconds=8.0)
    raw = bytearray(said.strip.samples)
    struct.pack_into("<h", raw, 2 * 700, -32768)
    said.strip.samples = bytes(raw)
    leads = leads_of(said.strip)
    assert leads.names == ("V1",) and leads.fs_hz == 250 and leads.mv.shape == (1, 2000)
    assert np.isnan(leads.mv[0, 700]) and leads.mv[0, 0] == 0.0 and leads.mv[0, 600] == 1.0


def test_microvolts_are_understood():
    said = alert(1)
    said.strip.layout.channels[0].unit, said.strip.layout.channels[0].gain = "uV", 0.2
    assert leads_of(said.strip).mv.max() == pytest.approx(1.0)


def test_a_strip_that_was_cut_off_is_refused():
    said = alert(2)
    said.strip.samples = said.strip.samples[:-2]
    with pytest.raises(RecordError, match="cut off"):
        draw_alert(said)


def test_the_picture_is_to_scale():
    svg = draw_alert(alert(1)).decode()
    width = float(re.search(r'width="([\d.]+)pt"', svg)[1]) * 25.4 / 72
    assert 20 * MM_PER_S < width < 20 * MM_PER_S + 50
    trace = max(paths(svg), key=len)
    assert np.ptp(trace[:, 0]) == pytest.approx(20 * MM_PER_S, abs=MM_PER_S / 250 + 0.01)
    assert np.ptp(trace[:, 1]) == pytest.approx(MM_PER_MV, abs=0.01)
    rises = np.unique(np.round(trace[np.flatnonzero(np.abs(np.diff(trace[:, 1])) > 1), 0], 0))
    assert np.allclose(np.diff(rises), 2 * MM_PER_S, atol=1.01)


@pytest.mark.parametrize("n_leads", [1, 3, 12])
def test_a_picture_says_what_it_shows(n_leads):
    svg = draw_alert(alert(n_leads)).decode()
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    assert {f"V{k + 1}" for k in range(n_leads)} <= set(texts)
    said = " ".join(texts)
    for needed in ("Ventricular tachycardia", "icu/bed-7", "2023-11-14 22:13:20 UTC", "high priority", "250 samples/s",
                   "25 mm/s   10 mm/mV", "onset", "−10 s", "0 s   22:13:20", "+10 s", "Not for diagnosis"):  # fmt: skip
        assert needed in said, needed
    assert "to follow" not in said and "no signal" not in said


def test_what_is_missing_is_hatched_and_named():
    assert "to follow" in draw_alert(alert(seconds=14.0, complete=False)).decode()
    assert "no signal" in draw_alert(alert(seconds=14.0)).decode()
    said = alert(2)
    raw = np.frombuffer(said.strip.samples, "<i2").copy()
    raw[500:1500] = -32768
    said.strip.samples = raw.tobytes()
    assert draw_alert(said).decode().count("no signal") == 1


def test_a_strip_without_a_lead_is_blank_paper():
    said = alert(0)
    assert "no signal is left" in draw_alert(said).decode()


def test_an_onset_before_the_strip_is_told_in_words():
    said = alert()
    said.strip.start_sample = ONSET + 250
    said.strip.ClearField("onset")
    sheet = sheet_of(said)
    assert sheet.onset_s is None and sheet.seconds == 20.0 and "1.0 s earlier" in sheet.about


def test_the_same_alert_gives_the_same_file():
    assert draw_alert(alert()) == draw_alert(alert())


def test_a_png_is_one_of_the_stated_size():
    png = draw_alert(alert(1), "png")
    assert png.startswith(b"\x89PNG")
    width, _ = struct.unpack(">II", png[16:24])
    assert abs(width / 150 * 25.4 - (20 * MM_PER_S + 35)) < 1
