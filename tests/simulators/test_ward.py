"""The demonstration ward and its ground truth."""

import json

import pytest

from ecgstream.waveform import Condition
from simulators.truth import write_truth
from simulators.ward import CYCLE_S, demo_ward, ward_parts


@pytest.mark.parametrize("seed", range(10))
def test_within_a_minute_everything_lethal_happens_in_time_to_be_alerted(seed):
    ward = demo_ward(8, 60, seed)
    lethal = [e for bed in ward for e in bed.episodes if e.lethal]
    assert {e.condition for e in lethal} == {
        "ventricular_fibrillation",
        "ventricular_tachycardia",
        "asystole",
        "extreme_bradycardia",
        "extreme_tachycardia",
    }
    for e in lethal:
        assert 15 <= e.start_s <= 28 and e.stop_s - e.start_s >= 20
    names = {e.name for bed in ward for e in bed.episodes}
    assert names >= {"atrial_fibrillation", "bigeminy", "lead_off", "motion", "muscle", "paced"}
    assert any({e.name for e in bed.episodes} == {"sinus"} for bed in ward)


def test_it_mixes_lead_sets_and_rates():
    assert {(len(bed.leads), bed.fs_hz) for bed in demo_ward(8, 60, 0)} == {(12, 500), (12, 250), (3, 500), (3, 250)}


@pytest.mark.parametrize("seconds", [5, 20, 60, 300])
def test_rhythms_fill_the_time_without_gap_or_overlap(seconds):
    for bed in demo_ward(11, seconds, 4):
        edges = [(e.start_s, e.stop_s) for e in bed.rhythms]
        assert edges[0][0] == 0 and edges[-1][1] == seconds
        assert all(a[1] == pytest.approx(b[0]) for a, b in zip(edges, edges[1:], strict=False))
        assert all(0 <= e.start_s < e.stop_s <= seconds for e in bed.episodes)


def test_parts_come_round_again_in_every_cycle():
    first, second = (e.start_s for e in demo_ward(1, 240, 0)[0].episodes if e.lethal)
    assert second - first == pytest.approx(CYCLE_S)


def test_the_seed_decides_everything():
    assert demo_ward(8, 60, 7) == demo_ward(8, 60, 7) != demo_ward(8, 60, 8)
    assert demo_ward(3, 60, 7) == demo_ward(8, 60, 7)[:3]


def test_a_ninth_bed_plays_the_first_part_as_someone_else():
    ward = demo_ward(9, 60, 0)
    assert [e.name for e in ward[8].episodes] == [e.name for e in ward[0].episodes]
    assert ward[8].seed != ward[0].seed and ward[8].stream_id == "bed-09"


def test_the_truth_file_says_what_is_played(tmp_path):
    file = tmp_path / "truth.json"
    write_truth(file, [part.truth for part in ward_parts(8, 60, 3)], 1_000, 3)
    truth = json.loads(file.read_text())
    assert truth["seed"] == 3 and truth["start_ns"] == 1_000
    for bed, script in zip(truth["beds"], demo_ward(8, 60, 3), strict=True):
        assert (bed["stream_id"], bed["leads"], bed["fs_hz"]) == (script.stream_id, len(script.leads), script.fs_hz)
        assert [(e["name"], e["start_s"]) for e in bed["episodes"]] == [(e.name, e.start_s) for e in script.episodes]
        conditions = {e["condition"] for e in bed["episodes"]} - {None}
        assert conditions <= {condition.name.lower() for condition in Condition}
    assert list(tmp_path.iterdir()) == [file]
