"""What is found in beats and evidence: runs, couplets, pauses, episodes, rates."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from ecgstream.analysis import Findings
from ecgstream.analysis.events import couplets, episodes, pauses, per_minute, rr_s, runs
from ecgstream.diagnosis import CLASSES
from ecgstream.recorded import RecordedChannel, RecordedSignal
from ecgstream.waveform import N_CONDITIONS, Condition, Reason


def findings(beats: str = "", every_s: float = 0.8, at_s: list[float] | None = None, seconds: int = 120) -> Findings:
    """``beats``: a class a letter, so far apart."""
    at = np.array(at_s if at_s is not None else [1 + every_s * k for k in range(len(beats))])
    recording = RecordedSignal(
        "r", Fraction(250), (RecordedChannel("II", "mV", 200.0),), np.zeros((1, seconds * 250), "i2")
    )
    hops = seconds * 5
    return Findings(
        name="r",
        recording=recording,
        model="",
        lead_slots=np.array([1]),
        beat=np.rint(at * 250).astype(np.int64),
        label=np.array([CLASSES.index(letter) for letter in beats], np.int64),
        paced=np.zeros(len(at), bool),
        beat_in_noise=np.empty(0, np.int64),
        hr_bpm=np.full(hops, np.nan, np.float32),
        reason=np.zeros(hops, np.uint8),
        evidence=np.zeros((hops, N_CONDITIONS), bool),
        lead_reason=np.zeros((seconds, 16), np.uint8),
        score_names=(),
        scores=np.empty((seconds, 0), np.float32),
        strips=np.full((seconds, 4), np.nan, np.float32),
        updates=[],
    )


@pytest.mark.parametrize(
    ("beats", "in_runs", "in_twos"),
    [("NVN", [], 0), ("NVVN", [], 1), ("NVVVN", [3], 0), ("VVVVNVVNVVV", [4, 3], 1), ("VV", [], 1), ("", [], 0)],
)
def test_three_in_a_row_are_a_run_and_two_a_couplet(beats: str, in_runs: list[int], in_twos: int):
    found = findings(beats)
    assert [span.beats for span in runs(found, "V")] == in_runs
    assert couplets(found, "V") == in_twos


def test_a_run_has_the_rate_of_its_intervals():
    (run,) = runs(findings("NVVVVN", every_s=0.4), "V")
    assert (run.rate_bpm, run.length_s) == (pytest.approx(150), pytest.approx(1.2))


def test_what_was_not_judged_parts_a_run_and_is_no_pause():
    found = findings("VVVV", at_s=[1.0, 1.5, 4.9, 5.4])
    found.reason[15:18] = Reason.NOISE
    assert np.isnan(rr_s(found)[1]) and runs(found, "V") == [] and pauses(found) == []


def test_a_pause_is_longer_than_two_seconds():
    (pause,) = pauses(findings("NNNN", at_s=[1.0, 3.0, 5.1, 6.0]))
    assert (pause.start_s, pause.length_s) == (pytest.approx(3.0), pytest.approx(2.1, abs=0.01))


def test_episodes_with_a_short_break_are_one():
    found = findings(seconds=60)
    for start, stop in ((10, 50), (55, 90), (150, 160)):
        found.evidence[start:stop, Condition.ATRIAL_FIBRILLATION] = True
    found.hr_bpm[:] = 100
    spans = episodes(found, Condition.ATRIAL_FIBRILLATION)
    assert [(span.start_s, span.stop_s, span.rate_bpm) for span in spans] == [
        (pytest.approx(2), pytest.approx(18), 100),
        (pytest.approx(30), pytest.approx(32), 100),
    ]


def test_each_minute_has_its_rates_and_the_unknown_none():
    found = findings(seconds=150)
    found.hr_bpm[:300] = np.linspace(60, 80, 300)
    rates = per_minute(found)
    assert rates[0] == pytest.approx([60, 70, 80], abs=0.1) and np.isnan(rates[1:]).all() and len(rates) == 3
