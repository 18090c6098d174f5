"""Features of a recording: what they must not depend on, and what they must see."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from ecgstream.errors import RecordError
from ecgstream.evaluation.records import Record
from ecgstream.heads.quality.features import LEADS, quality_features
from ecgstream.waveform import CODE_MISSING, LEAD_SLOT, STANDARD_LEADS

SHARE = dict(zip(LEADS, (0.6, 1.0, -0.5, 0.8, 1.2, 1.3, 1.0, 0.7), strict=True))


def recording(fs_hz: int = 250, leads: tuple[str, ...] = LEADS, duration_s: float = 10) -> Record:
    t_s = np.arange(round(duration_s * fs_hz)) / fs_hz
    phase = t_s * 72 / 60 % 1
    beat = np.exp(-0.5 * ((phase - 0.3) / 0.015) ** 2) + 0.25 * np.exp(-0.5 * ((phase - 0.6) / 0.05) ** 2)
    mv = {lead: share * beat for lead, share in SHARE.items()}
    mv |= {"III": mv["II"] - mv["I"], "aVR": -(mv["I"] + mv["II"]) / 2}
    mv |= {"aVL": mv["I"] - mv["II"] / 2, "aVF": mv["II"] - mv["I"] / 2}
    wander = 0.02 * np.sin(2 * np.pi * 0.3 * t_s) + 0.012 * np.sin(2 * np.pi * 11 * t_s)
    return Record(
        name="made",
        fs_hz=Fraction(fs_hz),
        leads=leads,
        slots=np.array([LEAD_SLOT[lead] for lead in leads]),
        adu=np.stack([np.round(200 * (mv[lead] + wander)) for lead in leads]).astype(np.int16),
        mv_per_adu=np.full(len(leads), 1 / 200, np.float32),
        baseline_adu=np.zeros(len(leads), np.float32),
    )


def spoilt(record: Record, lead: str, adu: np.ndarray | int, first: int = 0) -> Record:
    changed = record.adu.copy()
    changed[record.leads.index(lead), first:] = adu
    return replace(record, adu=changed)


def without(record: Record, lead: str) -> Record:
    return recording(leads=tuple(other for other in record.leads if other != lead))


def test_twelve_leads_in_any_order_read_as_the_eight_independent_ones():
    twelve = recording(leads=STANDARD_LEADS[::-1])
    assert quality_features(twelve) == pytest.approx(quality_features(recording()), nan_ok=True)


def test_another_sampling_frequency_reads_alike():
    one, other = quality_features(recording()), quality_features(recording(500))
    for name in (
        "beats",
        "leads",
        "agreement.least",
        "alike_mean.least",
        "flat.most",
        "height.median",
        "quality.least",
    ):
        assert one[name] == pytest.approx(other[name], rel=0.05, abs=0.01), name


def test_a_clean_recording_is_clean_in_every_measure():
    found = quality_features(recording())
    assert found["beats"] == 12 and found["leads"] == 8
    assert found["agreement.least"] == 1.0 and found["alike_least.least"] > 0.98
    assert found["hops_noise.most"] == 0 and found["flat.most"] < 0.1


def test_a_dead_lead_shows_in_the_worst_rank_only():
    found = quality_features(spoilt(recording(), "V3", 0))
    assert found["flat.most"] == 1.0 and found["flat.second_most"] < 0.1
    assert found["agreement.least"] == 0.0 and found["agreement.second"] == 1.0


def test_noise_rails_and_steps_show():
    rng = np.random.default_rng(0)
    clean = recording()
    noisy = quality_features(spoilt(clean, "V2", rng.normal(0, 150, 2500).astype(np.int16)))
    railing = quality_features(spoilt(clean, "V2", 2000, 1500))
    usual = quality_features(clean)
    assert noisy["hops_noise.most"] > 0.8 and noisy["bend_median.most"] > 20 * usual["bend_median.most"]
    assert railing["at_peak.most"] > 0.3 and railing["step_most.most"] > 5 > usual["step_most.most"]


def test_an_absent_lead_and_missing_samples_are_left_out_not_invented():
    found = quality_features(without(recording(), "V6"))
    assert found["leads"] == 7 and found["beats"] == 12 and np.isfinite(found["sd.most"])
    gone = quality_features(spoilt(recording(), "V6", CODE_MISSING))
    assert gone["flat.most"] == 1.0 and gone["range.most"] < 5
    alone = quality_features(recording(leads=("II",)))
    assert np.isnan(alone["sd.second"]) and alone["sd.least"] == alone["sd.most"]
    assert quality_features(recording(leads=("III",))) == {"leads": 0.0}


def test_a_recording_of_too_few_seconds_is_refused():
    with pytest.raises(RecordError, match="5 s and more; made has 3.0 s"):
        quality_features(recording(duration_s=3))
