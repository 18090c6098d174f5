"""Beat scores of whole folders."""

import json
import tarfile

import numpy as np
import pytest
import wfdb
from rich.console import Console

from ecgstream.errors import RecordError
from ecgstream.evaluation.beat_heads import heads_for
from ecgstream.evaluation.beats import beats_table, evaluate_beats, flutter_intervals
from ecgstream.evaluation.folders import recordings_in
from ecgstream.evaluation.records import Annotations

from ..rhythm.signals import beat_train, noise


def annotations(*rows: tuple[float, str]) -> Annotations:
    return Annotations(
        np.array([row[0] for row in rows]), np.array([row[1] for row in rows]), np.array(["" for _ in rows])
    )


def no_head(name: str) -> None:
    """The rules alone."""


@pytest.fixture
def folder(tmp_path):
    """One record of 60 s at 72 bpm; one beat more is annotated than is there."""
    times = np.arange(0.5, 60, 60 / 72)
    signal = beat_train(times, 60)
    wfdb.wrsamp(
        "made", fs=250, units=["mV"], sig_name=["II"], p_signal=(signal + noise(len(signal), 1))[:, None], fmt=["16"],
        write_dir=str(tmp_path),
    )  # fmt: skip
    marked = np.sort(np.append(np.round(times * 250).astype(int), 30 * 250 + 110))
    wfdb.wrann("made", "atr", marked, symbol=["N"] * len(marked), fs=250, write_dir=str(tmp_path))
    return tmp_path


def test_every_beat_but_the_one_that_is_not_there_is_found(folder):
    result = evaluate_beats(folder, no_head, skip_s=5.0)
    qrs = result["gross"]["qrs"]
    assert (qrs["fn"], qrs["fp"]) == (1, 0)
    assert qrs["tp"] == 66 and qrs["ppv"] == 100.0
    assert json.loads(json.dumps(result))["records"][0]["record"] == "made"


def test_the_table_shows_records_and_gross(folder):
    console = Console(width=100)
    with console.capture() as shown:
        console.print(beats_table(evaluate_beats(folder, no_head, skip_s=5.0)))
    assert "made" in shown.get() and "98.51" in shown.get()


def test_a_folder_without_annotations_is_refused(tmp_path):
    with pytest.raises(RecordError, match="no WFDB record"):
        evaluate_beats(tmp_path, no_head)


def test_a_short_record_is_scored_whole_and_a_long_one_without_its_first_minutes(folder, tmp_path):
    assert evaluate_beats(folder, no_head)["records"][0]["skip_s"] == 0
    length = 601 * 250
    wfdb.wrsamp(
        "long", fs=250, units=["mV"], sig_name=["II"], p_signal=np.zeros((length, 1)), fmt=["16"], write_dir=str(folder)
    )
    wfdb.wrann("long", "atr", np.array([250, length - 250]), symbol=["N", "N"], fs=250, write_dir=str(folder))
    (long, _) = evaluate_beats(folder, no_head)["records"]
    assert long["skip_s"] == 300 and long["qrs"]["fn"] == 1


def test_without_a_head_no_class_is_scored(folder):
    result = evaluate_beats(folder, no_head)
    assert result["sets"] == {"qrs": ["made"], "veb_sveb": []} and result["gross"]["veb"]["se"] is None
    assert result["records"][0]["unclassed"] == "seen by the head"


def test_a_paced_record_counts_for_qrs_alone(folder):
    marked = np.round(np.arange(0.5, 60, 60 / 72) * 250).astype(int)
    wfdb.wrann("made", "atr", marked, symbol=["/"] * len(marked), fs=250, write_dir=str(folder))
    result = evaluate_beats(folder, heads_for(folder, None, False, False).of)
    assert result["records"][0]["unclassed"] == "paced" and result["sets"]["veb_sveb"] == []
    assert result["gross"]["qrs"]["se"] > 95


def test_an_unseen_record_of_one_lead_is_classed(folder):
    heads = heads_for(folder, None, cross_validate=False, allow_seen=False)
    result = evaluate_beats(folder, heads.of)
    assert heads.said == "none of the records has been seen in fitting"
    assert result["sets"]["veb_sveb"] == ["made"] and result["gross"]["veb"] == {
        "tp": 0, "fn": 0, "fp": 0, "se": None, "ppv": None,
    }  # fmt: skip


def rename(folder, name):
    header = (folder / "made.hea").read_text().replace("made", name)
    (folder / f"{name}.hea").write_text(header)
    for extension in ("dat", "atr"):
        (folder / f"made.{extension}").rename(folder / f"{name}.{extension}")
    (folder / "made.hea").unlink()


def test_seen_records_are_refused_left_out_or_said(folder):
    rename(folder, "101")
    with pytest.raises(RecordError, match="fitted on 101"):
        heads_for(folder, None, cross_validate=False, allow_seen=False)
    assert "1 of 1 records HAVE BEEN SEEN" in heads_for(folder, None, cross_validate=False, allow_seen=True).said
    (folder / "unseen.hea").write_text((folder / "101.hea").read_text())
    (folder / "unseen.atr").write_bytes((folder / "101.atr").read_bytes())
    heads = heads_for(folder, None, cross_validate=False, allow_seen=False)
    assert heads.of("101") is None and heads.of("unseen") is not None and "1 records are left out" in heads.said


def test_a_tar_of_a_folder_is_as_good(folder, tmp_path):
    with tarfile.open(tmp_path / "all.tar", "w") as archive:
        archive.add(folder, "inside", filter=lambda item: None if item.name.endswith(".tar") else item)
    with recordings_in(tmp_path / "all.tar") as unpacked:
        assert evaluate_beats(unpacked, no_head, 5.0)["gross"]["qrs"]["fn"] == 1
    assert not unpacked.exists()


@pytest.mark.parametrize("name", ["nothing", "made.dat"])
def test_what_is_neither_folder_nor_tar_is_refused(folder, name):
    with pytest.raises(RecordError, match="is neither"), recordings_in(folder / name):
        pass


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        pytest.param([(1.0, "["), (4.0, "]"), (8.0, "["), (9.0, "]")], [(1.0, 4.0), (8.0, 9.0)], id="two"),
        pytest.param([(4.0, "]")], [(0.0, 4.0)], id="begun before the record"),
        pytest.param([(4.0, "["), (5.0, "!")], [(4.0, 20.0)], id="not over at its end"),
        pytest.param([(4.0, "N")], [], id="none"),
    ],
)
def test_flutter_intervals(marks, expected):
    assert flutter_intervals(annotations(*marks), 20.0) == expected


@pytest.mark.recordings
def test_a_clean_real_record(recordings):
    result = evaluate_beats(recordings / "mitdb", heads_for(recordings / "mitdb", None, False, False).of, None, ["100"])
    qrs, sveb = result["gross"]["qrs"], result["gross"]["sveb"]
    assert sveb["tp"] + sveb["fn"] == 29 and sveb["se"] > 85 and sveb["ppv"] > 85
    assert qrs["tp"] + qrs["fn"] == 1902
    assert qrs["se"] > 99.9 and qrs["ppv"] > 99.9
