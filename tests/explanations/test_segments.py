"""Samples find their waves: by marks where there are any, else by their distance from the QRS."""

from pathlib import Path

import numpy as np
import pytest
import wfdb

from ecgstream.explanations.segments import Wave, has_marks, waves_by_beats, waves_by_marks

TIME_S = np.arange(1000) / 250


def runs(waves: np.ndarray) -> list[tuple[int, float, float]]:
    """(wave, first, last second) of each run."""
    edges = [0, *(np.flatnonzero(np.diff(waves)) + 1).tolist(), len(waves)]
    return [(int(waves[a]), a / 250, (b - 1) / 250) for a, b in zip(edges[:-1], edges[1:], strict=True)]


def test_a_beat_brings_p_qrs_and_t():
    #     0.76   0.94  1.08       1.44
    #  ───┤  P   │ QRS │    T      ├────
    #               1.0
    found = runs(waves_by_beats(TIME_S, np.array([1.0])))
    expected = [
        (Wave.BETWEEN, 0.0, 0.756),
        (Wave.P, 0.76, 0.936),
        (Wave.QRS, 0.94, 1.076),
        (Wave.T, 1.08, 1.436),
        (Wave.BETWEEN, 1.44, 3.996),
    ]
    assert [wave for wave, _, _ in found] == [wave for wave, _, _ in expected]
    assert np.allclose([at[1:] for at in found], [at[1:] for at in expected], atol=0.0041)


def test_the_next_p_ends_a_t_and_nothing_covers_a_qrs():
    waves = waves_by_beats(TIME_S, np.array([1.0, 1.4, 1.5]))
    at = {name: waves[round(250 * name)] for name in (1.1, 1.2, 1.39, 1.5, 1.7)}
    assert at == {1.1: Wave.T, 1.2: Wave.P, 1.39: Wave.QRS, 1.5: Wave.QRS, 1.7: Wave.T}


def test_no_beats_no_waves():
    assert not waves_by_beats(TIME_S, np.array([])).any()


@pytest.fixture
def marked(tmp_path: Path) -> Path:
    """Marks of lead I from 0.4 s to 1.0 s: a P, a QRS, and a T whose end is missing."""
    at = np.array([100, 110, 120, 140, 150, 160, 200, 220, 250])
    symbols = ["(", "p", ")", "(", "N", ")", "(", "t", "("]
    wfdb.wrann("r", "i", at, symbols, fs=250, write_dir=str(tmp_path))
    wfdb.wrsamp(
        "r", fs=250, units=["mV"], sig_name=["I"], p_signal=np.zeros((1000, 1)), fmt=["16"], write_dir=str(tmp_path)
    )
    return tmp_path / "r"


def test_marks_say_where_they_reach_and_beats_elsewhere(marked: Path):
    found = runs(waves_by_marks(TIME_S, np.array([0.6, 2.0]), marked, ("I",))[0])
    assert found[:5] == [
        (Wave.BETWEEN, 0.0, 0.356),
        (Wave.P, 0.36, 0.48),  # by the beat at 0.6 s before the first mark, by marks from 0.4 s
        (Wave.BETWEEN, 0.484, 0.556),
        (Wave.QRS, 0.56, 0.64),
        (Wave.BETWEEN, 0.644, 1.0),  # the T without an end is left out
    ]
    assert (int(Wave.QRS), 1.94, 2.076) in found


def test_marks_count_where_every_lead_has_them(marked: Path):
    assert has_marks(marked, ("I",)) and not has_marks(marked, ("I", "II"))
