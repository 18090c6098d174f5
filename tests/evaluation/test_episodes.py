"""Hits, delays and false evidence, by cases worked by hand and on real recordings."""

import numpy as np
import pytest

from ecgstream.diagnosis.waves import shipped_fibrillation_head
from ecgstream.evaluation.episodes import (
    by_condition,
    conditions_table,
    detection_delay_s,
    episodes_summary,
    episodes_table,
    evaluate_episodes,
    told_episodes,
)
from ecgstream.evaluation.reference import Episode
from ecgstream.waveform import N_CONDITIONS, Beats, Condition, RhythmResult

VT, VF, ASYSTOLE = Condition.VENTRICULAR_TACHYCARDIA, Condition.VENTRICULAR_FIBRILLATION, Condition.ASYSTOLE


def result_with(condition: Condition, *spans: tuple[int, int], n_hops: int = 200) -> RhythmResult:
    evidence = np.zeros((1, n_hops, N_CONDITIONS), bool)
    for start, stop in spans:
        evidence[0, start:stop, condition] = True
    none = np.empty(0, np.int64)
    per_hop = np.zeros((1, n_hops), np.float32)
    onset = np.where(evidence, 0, -1)
    flags = np.zeros((1, n_hops), bool)
    beats = Beats(none, none, none > 0, none)
    return RhythmResult(beats, evidence, onset, per_hop, per_hop, per_hop, flags, flags, per_hop, per_hop, beats)


def test_evidence_becomes_episodes_told_at_the_end_of_their_first_hop():
    told = told_episodes(result_with(VT, (10, 20), (100, 101)))
    assert [(e.condition, e.start_s, e.stop_s) for e in told] == [
        (VT, pytest.approx(2.2), pytest.approx(4.0)),
        (VT, pytest.approx(20.2), pytest.approx(20.2)),
    ]


def test_flickering_evidence_is_one_episode():
    assert told_episodes(result_with(VT, (10, 20), (60, 70))) == [Episode(VT, pytest.approx(2.2), pytest.approx(14.0))]


@pytest.mark.parametrize(
    ("told", "delay"),
    [
        pytest.param([Episode(VT, 13.0, 16.0)], 3.0, id="the same condition"),
        pytest.param([Episode(VF, 14.0, 16.0)], 4.0, id="another ventricular one counts"),
        pytest.param([Episode(ASYSTOLE, 12.0, 16.0)], None, id="asystole does not"),
        pytest.param([Episode(VT, 5.0, 16.0)], 0.0, id="told already"),
        pytest.param([Episode(VT, 5.0, 9.0)], None, id="over before"),
        pytest.param([Episode(VT, 18.9, 20.0)], 8.9, id="just after its end"),
        pytest.param([Episode(VT, 20.1, 21.0)], None, id="too late to belong to it"),
        pytest.param([Episode(VF, 15.0, 17.0), Episode(VT, 12.0, 16.0)], 2.0, id="the first counts"),
    ],
)
def test_detection_delay(told, delay):
    assert detection_delay_s(Episode(VT, 10.0, 15.0), told) == delay


def test_delays_stand_beside_what_each_definition_takes():
    hits = [{"condition": "asystole", "definition_s": 4.0, "delay_s": delay} for delay in (4.4, 4.6, 5.0)]
    missed = [{"condition": "ventricular_fibrillation", "definition_s": 4.0}]
    found = by_condition([{"hits": hits[:2], "misses": []}, {"hits": hits[2:], "misses": missed}])
    assert list(found) == ["asystole", "ventricular_fibrillation"]
    assert (found["asystole"]["hits"], found["asystole"]["misses"]) == (3, 0)
    assert found["asystole"]["delay_s"]["p50"] == pytest.approx(4.6)
    assert found["asystole"]["beyond_s"]["p50"] == pytest.approx(0.6)
    assert (found["ventricular_fibrillation"]["misses"], found["ventricular_fibrillation"]["delay_s"]) == (1, None)
    assert conditions_table({"by_condition": found}).row_count == 2


def by_shipped_head(record):
    return shipped_fibrillation_head()


@pytest.mark.recordings
def test_a_quiet_record_has_no_lethal_evidence(recordings):
    result = evaluate_episodes(recordings / "mitdb", by_shipped_head, ["100"])
    assert (result["hits"], result["misses"], result["false"]["count"], result["delay_s"]) == (0, 0, 0, None)
    assert result["false"]["at_most_per_h"] == pytest.approx(2.9957 / 0.50154, rel=1e-3)
    assert "0 in 0.5 bed-hours, at most 5.97 an hour" in episodes_summary(result)


@pytest.mark.recordings
@pytest.mark.parametrize("record", ["418", "421", "426"])
def test_ventricular_episodes_are_told_within_ten_seconds(recordings, record):
    result = evaluate_episodes(recordings / "vfdb", by_shipped_head, [record])
    assert result["hits"] >= 7
    assert (result["misses"], result["late"]) == (0, 0)
    assert episodes_table(result).row_count == 2
