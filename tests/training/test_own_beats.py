"""Targets from a recording's own beats."""

import numpy as np
import pytest

from ecgstream.labelled import LabelledRecords
from ecgstream.training.own_beats import find_beats, own_beats

AT = np.array([150, 400, 650, 900, 1080, 1400, 1650, 1900, 2150, 2400])
"""One comes 0.28 s early."""


def _recording(at: np.ndarray, wide: int | None = None, gain: float = 1.0) -> np.ndarray:
    """Gaussian beats in all leads, one of them four times as wide: mV float32 (8, 2500)."""
    time = np.arange(2500)
    widths = np.where(np.arange(len(at)) == wide, 16.0, 4.0)
    beats = np.exp(-0.5 * ((time - at[:, None]) / widths[:, None]) ** 2).sum(axis=0)
    return (gain * np.linspace(-1, 1, 8)[:, None] * beats).astype(np.float32)


def _records(signals: list[np.ndarray]) -> LabelledRecords:
    n = len(signals)
    unknown = np.full(n, np.nan, np.float32)
    name = np.array([str(i) for i in range(n)])
    return LabelledRecords(
        "made", name, name, np.stack(signals).astype(np.float16), np.ones((n, 8), bool), np.full(n, 2500),
        (frozenset(),) * n, unknown, unknown,
    )  # fmt: skip


def test_beats_are_found_where_they_are_and_as_wide_as_they_are():
    beats = find_beats(_recording(AT, wide=4), np.ones(8, bool))
    assert np.abs(beats.at - AT).max() <= 10
    assert beats.width_s[4] > 2 * np.delete(beats.width_s, 4).max()


def test_a_lead_that_is_not_there_changes_nothing():
    mv, present = _recording(AT), np.arange(8) < 7
    disturbed = mv.copy()
    disturbed[7] = np.random.default_rng(0).standard_normal(2500)
    left, right = find_beats(mv, present), find_beats(disturbed, present)
    assert np.array_equal(left.at, right.at)
    assert np.isnan(right.shape_mv[:, 7]).all() and np.array_equal(left.shape_mv[:, :7], right.shape_mv[:, :7], True)


def test_the_token_of_an_early_beat_tells_that_it_is_early_and_the_next_late():
    own = own_beats(_records([_recording(AT, gain=g) for g in (0.7, 1.0, 1.4)]), 53, 48, 2)
    token = round(1080 / 48)
    assert own.there[0, token] == 1 and own.there[0].sum() == len(AT)
    early, late = own.beat[0, token, :2]
    assert early == pytest.approx(4 * np.log(180 / 250), abs=0.1)
    assert late == pytest.approx(4 * np.log(320 / 250), abs=0.1)
    assert np.isnan(own.beat[0, own.there[0] == 0]).all()


def test_a_recording_without_beats_teaches_nothing():
    own = own_beats(_records([_recording(AT), _recording(AT, gain=1.4), np.zeros((8, 2500), np.float32)]), 53, 48, 2)
    assert np.isnan(own.there[2]).all() and np.isnan(own.record[2]).all() and np.isnan(own.beat[2]).all()
    assert not np.isnan(own.record[:2]).any()
