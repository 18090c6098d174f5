"""Strips labelled as wholes: which of their beats label and rules settle."""

import tarfile
from pathlib import Path

import numpy as np
import pytest

from ecgstream.beats import FEATURES
from ecgstream.heads.beats.strips import PTBXL, UNSETTLED, N, S, V, by_rhythm, by_statements, load_strips

PLAIN = {
    "jitter32": 0.02, "spread32": 0.05, "known": 12, "rr_to_median8": 1.0, "next_to_median8": 1.0, "like_usual": 0.99,
    "width_to_usual": 1.0, "after_like": 0.99,
}  # fmt: skip
EARLY = PLAIN | {"rr_to_median8": 0.7, "next_to_median8": 1.1}
VENTRICULAR = EARLY | {"next_to_median8": 1.3, "like_usual": 0.3, "width_to_usual": 1.6}
LATE = PLAIN | {"rr_to_median8": 1.4}
UNKNOWN: dict[str, float] = {}


def _features(*beats: dict[str, float]) -> np.ndarray:
    out = np.full((len(beats), len(FEATURES)), np.nan, np.float32)
    for row, beat in enumerate(beats):
        for name, value in beat.items():
            out[row, FEATURES.index(name)] = value
    return out


BEATS = _features(PLAIN, EARLY, VENTRICULAR, LATE, UNKNOWN)


@pytest.mark.parametrize(
    ("rhythm", "wanted"),
    [
        ("N", [N, UNSETTLED, UNSETTLED, N, N]),
        ("A", [N, UNSETTLED, UNSETTLED, N, N]),
        ("O", [N, S, V, UNSETTLED, UNSETTLED]),
        ("~", [UNSETTLED] * 5),
    ],
)
def test_the_label_of_a_strip_and_the_rules_settle_its_beats_together(rhythm, wanted):
    assert by_rhythm(BEATS, rhythm).tolist() == wanted


@pytest.mark.parametrize(
    ("stated", "wanted"),
    [
        ({"NORM"}, [N, UNSETTLED, UNSETTLED, N, N]),
        ({"AFIB"}, [N, UNSETTLED, UNSETTLED, N, N]),
        ({"PAC", "SR"}, [N, S, S, UNSETTLED, UNSETTLED]),
        ({"PVC", "SR"}, [N, UNSETTLED, V, UNSETTLED, UNSETTLED]),
        ({"PVC", "PAC"}, [UNSETTLED] * 5),
        ({"PVC", "AFIB"}, [UNSETTLED] * 5),
        ({"PACE"}, [UNSETTLED] * 5),
    ],
)
def test_statements_and_the_rules_settle_beats_together(stated, wanted):
    assert by_statements(BEATS, frozenset(stated)).tolist() == wanted


@pytest.mark.recordings
def test_strips_are_measured_once_and_name_record_and_fold(recordings: Path, tmp_path, monkeypatch):
    from ecgstream.heads.beats import strips

    data = tmp_path / "data"
    data.mkdir()
    with tarfile.open(recordings / "cinc2017.tar") as packed:
        for name in ("REFERENCE.csv", "A00002.hea", "A00002.dat", "A00005.hea", "A00005.dat"):
            packed.extract(f"cinc2017/{name}", data, filter="data")
    (data / "ptbxl").symlink_to(recordings / "ptbxl")
    monkeypatch.setattr(strips, "over_records", lambda names, doing: names[:3])
    first = load_strips(data, tmp_path / "cache")
    assert {name.split("/")[0] for name in first.record} == {"cinc2017", PTBXL} == set(first.variant)
    assert first.features.shape == (len(first.label), len(FEATURES)) and set(first.fold) <= set(range(5))
    assert set(first.label) <= {N, S, V} and len(first.label) > 100
    assert set(first.record[first.unordered]) == {"cinc2017/A00005"}
    monkeypatch.setattr(strips, "over_records", None)
    assert np.array_equal(load_strips(data, tmp_path / "cache").features, first.features, equal_nan=True)
