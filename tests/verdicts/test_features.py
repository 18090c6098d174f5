"""Findings as numbers: the same columns whatever a bed sends, and the figures a person would read off the trace."""

import math

import pytest

from ecgstream.heads import load_head
from ecgstream.verdicts import KINDS
from ecgstream.verdicts.features import definition, features
from ecgstream.verdicts.findings import STRETCH_S, find
from ecgstream.verdicts.judge import feature_names, feature_row
from ecgstream.waveform import CODE_MISSING, LEADS, GroupKind

from .monitor import made_up

MAINS_HZ = 50


def stretch(groups):
    """The last of every group, as intake gives it."""
    return {
        group.layout.kind: (group.layout, group.samples[:, -int(STRETCH_S * group.layout.fs_hz) :]) for group in groups
    }


def found(groups):
    return find(stretch(groups), LEADS, MAINS_HZ)


def test_a_steady_patient_reads_as_one():
    told = features(found(made_up(pause=False)))
    assert told["fused_gap"] == pytest.approx(0.8, abs=0.05)
    assert told["fused_slow"] == pytest.approx(75, abs=1) and told["fused_fast"] == pytest.approx(75, abs=1)
    assert told["pleth_slow"] == pytest.approx(75, abs=3) and told["pleth_follows"] > 0.6
    assert told["ventricular"] == 0 and math.isnan(told["abp_gap"])
    assert math.isnan(told["run_strange_most"])  # 75 a minute is no fast run


def test_a_pause_is_as_long_in_every_source():
    told = features(found(made_up(pause=True)))
    for source in ("fused", "lead1", "lead2"):
        assert told[f"{source}_gap"] == pytest.approx(6.3, abs=0.4)
    assert told["gap_least"] > 5.0 and told["pause_size_most"] < 0.3


def test_the_columns_are_the_same_whatever_is_sent():
    both, alone = (features(found(made_up(pause=False, pleth=pleth))) for pleth in (True, False))
    names = feature_names()
    assert tuple(both) == tuple(alone) == names[-2 * len(both) : -len(both)]
    assert len(set(names)) == len(names)
    assert math.isnan(alone["pleth_gap"]) and not math.isnan(both["pleth_gap"])


def test_the_shipped_head_was_fitted_on_these_columns():
    assert load_head("verdicts").manifest.features == feature_names()


@pytest.mark.parametrize("kind", KINDS)
def test_ventricular_tachycardia_has_columns_of_its_own(kind):
    told = features(found(made_up(pause=True)))
    row = dict(zip(feature_names(), feature_row(kind, told), strict=True))
    assert [row[f"is_{one}"] for one in KINDS] == [float(one == kind) for one in KINDS]
    is_vt = kind == "ventricular_tachycardia"
    assert math.isnan(row["fused_gap"]) == is_vt and math.isnan(row["vt_fused_gap"]) != is_vt


def test_how_far_a_definition_is_met():
    paused, steady = (features(found(made_up(pause=pause))) for pause in (True, False))
    assert definition("asystole", paused)["least_meets"] > 1.2 > 0.3 > definition("asystole", steady)["least_meets"]
    assert definition("bradycardia", steady)["fused_meets"] == pytest.approx(40 / 75, abs=0.02)
    assert definition("tachycardia", steady)["fused_meets"] == pytest.approx(75 / 140, abs=0.02)
    assert definition("ventricular_fibrillation", steady)["least_meets"] < 0.5
    assert math.isnan(definition("ventricular_tachycardia", steady)["least_meets"])


@pytest.mark.parametrize("missing_s", [0.5, 12.0, STRETCH_S])
def test_a_gap_is_no_beat_and_no_crash(missing_s):
    groups = stretch(made_up(pause=False))
    for layout, samples in groups.values():
        samples = samples.copy()
        samples[:, -int(missing_s * layout.fs_hz) :] = CODE_MISSING
        groups[layout.kind] = layout, samples
    told = find(groups, LEADS, MAINS_HZ)
    assert not (told.beat_s > -missing_s + 0.1).any()
    assert not (told.pulses[GroupKind.PLETH].time_s[told.pulses[GroupKind.PLETH].good] > -missing_s).any()
    assert feature_row("asystole", features(told)).shape == (len(feature_names()),)
