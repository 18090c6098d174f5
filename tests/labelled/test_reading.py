"""Folders of labelled recordings: PTB-XL's layout at any rate, codes in headers, and what cannot be read."""

from pathlib import Path

import numpy as np
import pytest

from ecgstream.errors import RecordError
from ecgstream.labelled import LEADS, SAMPLES
from ecgstream.labelled.reading import read_labelled, read_ptbxl, stated_by

from .folders import write_record, write_table

EIGHT = ["I", "II", "V1", "V2", "V3", "V4", "V5", "V6"]


def test_a_table_gives_the_records_that_are_there_whatever_their_rate_and_leads(tmp_path: Path):
    write_table(tmp_path, [(1, 7, "{'NORM': 100.0}"), (2, 8, "{'IMI': 0.0, 'SR': 0.0}"), (3, 9, "{}")])
    (tmp_path / "records500").mkdir()
    write_record(tmp_path / "records500", "00001_hr")
    write_record(tmp_path, "00002", EIGHT, fs=250)
    records = read_labelled(tmp_path)
    assert list(records.name) == ["00001", "00002"]
    assert list(records.patient) == ["7", "8"]
    assert records.stated == (frozenset({"NORM"}), frozenset({"IMI", "SR"}))
    assert records.mv.shape == (2, 8, SAMPLES)
    assert records.present.all()
    assert (np.abs(records.mv.astype(float)).max(axis=2) > 0.1).all()


def test_of_two_rates_of_a_record_the_higher_is_read_once(tmp_path: Path):
    write_table(tmp_path, [(1, 7, "{'NORM': 100.0}")])
    write_record(tmp_path, "00001_lr", fs=100, seed=1)
    write_record(tmp_path, "00001_hr", fs=500, seed=2)
    alone = tmp_path / "alone"
    alone.mkdir()
    write_table(alone, [(1, 7, "{'NORM': 100.0}")])
    write_record(alone, "00001", fs=500, seed=2)
    assert np.array_equal(read_labelled(tmp_path).mv, read_labelled(alone).mv)


@pytest.mark.parametrize("line", ["Dx: 426177001,39732003,164909002", "Dx: SBRAD, CLBBB"])
def test_codes_in_headers_snomed_or_scp(tmp_path: Path, line: str):
    write_record(tmp_path, "a", comments=["Age: 61", "Sex: Female", line])
    write_record(tmp_path, "unlabelled")
    records = read_labelled(tmp_path)
    assert list(records.name) == ["a"]
    assert records.stated == (frozenset({"SBRAD", "CLBBB"}),)
    assert (records.age[0], records.sex[0]) == (61, 1)


def test_leads_that_are_not_recorded_are_not_present(tmp_path: Path):
    write_record(tmp_path, "a", ["II", "V5"], fs=250, comments=["Dx: SR"])
    records = read_labelled(tmp_path)
    assert [lead for lead, there in zip(LEADS, records.present[0], strict=True) if there] == ["II", "V5"]
    assert not records.mv[0, ~records.present[0]].any()


def test_a_short_record_states_its_length(tmp_path: Path):
    write_record(tmp_path, "a", EIGHT, fs=250, seconds=6.0, comments=["Dx: SR"])
    records = read_labelled(tmp_path)
    assert records.length[0] == 1500
    assert not records.mv[0, :, 1500:].any()


def test_a_broken_record_is_left_out_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    for name in ("a", "b"):
        write_record(tmp_path, name, comments=["Dx: SR"])
    (tmp_path / "a.dat").unlink()
    assert list(read_labelled(tmp_path).name) == ["b"]
    assert "left out" in (said := capsys.readouterr().out) and str(tmp_path / "a") in said


def test_the_cache_gives_the_same_and_sees_a_change_of_labels(tmp_path: Path):
    folder, cache = tmp_path / "folder", tmp_path / "cache"
    folder.mkdir()
    write_table(folder, [(1, 7, "{'NORM': 100.0}")])
    write_record(folder, "00001")
    first, again = read_labelled(folder, cache), read_labelled(folder, cache)
    assert len(list(cache.glob("*.npz"))) == 1
    assert np.array_equal(first.mv, again.mv) and first.stated == again.stated
    write_table(folder, [(1, 7, "{'LVH': 100.0}")])
    assert read_labelled(folder, cache).stated == (frozenset({"LVH"}),)


def test_what_holds_nothing_is_refused_in_a_sentence(tmp_path: Path):
    with pytest.raises(RecordError, match="Dx:"):
        read_labelled(tmp_path)
    write_table(tmp_path, [(1, 7, "NORM")])
    write_record(tmp_path, "00001")
    with pytest.raises(RecordError, match="ecg_id 1.*'NORM'"):
        read_labelled(tmp_path)


def test_unknown_codes_are_left_out():
    assert stated_by(["39732003", " 164889003 ", "lvh"]) == {"AFIB", "LVH"}


@pytest.mark.recordings
def test_both_folders_of_ptbxl_give_the_same_signal(recordings: Path):
    """A record that lies in both, at 500 and at 250 Hz: the same conditioned signal but for the resampler's edges."""
    import pandas as pd

    ids = [set(pd.read_csv(recordings / name / "ptbxl_database.csv").ecg_id) for name in ("ptbxl", "ptbxl250")]
    both = sorted(ids[0] & ids[1])[0]
    from ecgstream.labelled.reading import Listed, read_listed

    pair = [
        read_listed("ptbxl", [Listed(recordings / name / f"{both:05d}", "1")]).mv[0].astype(float)
        for name in ("ptbxl", "ptbxl250")
    ]
    delays = range(8)
    best = min(np.abs(pair[0][:, 500 + d : 2000 + d] - pair[1][:, 500:2000]).mean() for d in delays)
    assert best < 0.02 * np.abs(pair[1]).max()


def test_no_ptbxl_folder_is_an_error(tmp_path: Path):
    with pytest.raises(RecordError, match="ptbxl250"):
        read_ptbxl(tmp_path, tmp_path)
