"""Derived limb leads: by definition, and against measured ones."""

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest

from ecgstream.conditioning import condition_record
from ecgstream.waveform import CODE_LEAD_OFF, CODE_MISSING, STANDARD_LEADS, Conditioned, Reason

from .recordings import condition_wfdb

LIMB_LEADS = STANDARD_LEADS[:6]
FS_HZ = Fraction(250)


def limb_leads(seed: int = 0, n_samples: int = 1000) -> np.ndarray:
    """Six limb leads of a made-up heart, adu; multiples of two, so that halves are whole."""
    one, two = np.random.default_rng(seed).integers(-500, 500, (2, n_samples)) * 2
    return np.stack([one, two, two - one, -(one + two) // 2, one - two // 2, two - one // 2]).astype(np.int16)


def condition(adu: np.ndarray, slots: list[int]) -> Conditioned:
    return condition_record(adu, FS_HZ, slots, [0.001] * len(slots), [0] * len(slots), 50)


@pytest.mark.parametrize("pair", list(combinations(range(6), 2)))
def test_any_two_give_all_six(pair):
    adu = limb_leads()
    measured, derived = condition(adu, list(range(6))), condition(adu[list(pair)], list(pair))
    np.testing.assert_allclose(derived.ecg_mv, measured.ecg_mv, atol=1e-5)
    np.testing.assert_array_equal(derived.valid, measured.valid)


def test_derived_leads_are_valid_and_good_only_where_both_sources_are():
    adu = limb_leads()[:2]
    adu[0, 300:420], adu[1, 700:900] = CODE_MISSING, CODE_LEAD_OFF
    out = condition(adu, [0, 1])
    for lead in range(2, 6):
        np.testing.assert_array_equal(out.valid[0, lead], out.valid[0, 0] & out.valid[0, 1])
        np.testing.assert_array_equal(out.quality[0, lead], out.quality[0, :2].min(0))
    assert (out.ecg_mv[~out.valid] == 0).all()
    assert (out.reason[0, 2:6, 7] == Reason.MISSING).all()
    assert (out.reason[0, 2:6, 16] == Reason.LEAD_OFF).all()


def test_measured_leads_stay_as_measured():
    adu = limb_leads()[:3]
    adu[2] = 0
    assert (condition(adu, [0, 1, 2]).ecg_mv[0, 2] == 0).all()


@pytest.mark.parametrize("slots", [[1], [1, 6], [12, 13]])
def test_fewer_than_two_limb_leads_give_none(slots):
    out = condition(limb_leads()[: len(slots)], slots)
    absent = [slot for slot in range(16) if slot not in slots]
    assert not out.valid[0, absent].any()


@pytest.mark.recordings
def test_einthoven_and_goldberger_hold_in_twelve_leads_as_recorded(recordings):
    """PTB-XL: what is derived from I and II is III, aVR, aVL and aVF as recorded, to their rounding."""
    for header in sorted((recordings / "ptbxl").rglob("*.hea"))[:10]:
        path = header.with_suffix("")
        measured, derived = condition_wfdb(path, 50), condition_wfdb(path, 50, ("I", "II"))
        assert derived.valid[0, :6, 50:].all()
        assert np.abs(measured.ecg_mv - derived.ecg_mv)[0, :6, 50:].max() < 0.01


@pytest.mark.recordings
def test_derived_leads_follow_those_of_a_recorder_that_scales_each_lead(recordings):
    """LUDB's measured limb leads keep Einthoven's law only roughly (0.3 mV off at worst); shape must still agree."""
    alike = []
    for record in range(1, 41):
        path = recordings / "ludb" / str(record)
        measured, derived = condition_wfdb(path, 50), condition_wfdb(path, 50, ("I", "II"))
        alike += [np.corrcoef(measured.ecg_mv[0, k, 50:], derived.ecg_mv[0, k, 50:])[0, 1] for k in range(2, 6)]
    assert np.median(alike) > 0.95
