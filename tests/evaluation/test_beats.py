"""Beat scores of whole folders."""

import json

import numpy as np
import pytest
import wfdb
from rich.console import Console

from ecgstream.errors import RecordError
from ecgstream.evaluation.beats import beats_table, evaluate_beats, flutter_intervals
from ecgstream.evaluation.records import Annotations

from ..rhythm.signals import beat_train, noise


def annotations(*rows: tuple[float, str]) -> Annotations:
    return Annotations(
        np.array([row[0] for row in rows]), np.array([row[1] for row in rows]), np.array(["" for _ in rows])
    )


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
    result = evaluate_beats(folder, skip_s=5.0)
    qrs = result["gross"]["qrs"]
    assert (qrs["fn"], qrs["fp"]) == (1, 0)
    assert qrs["tp"] == 66 and qrs["ppv"] == 100.0
    assert json.loads(json.dumps(result))["records"][0]["record"] == "made"


def test_the_table_shows_records_and_gross(folder):
    console = Console(width=100)
    with console.capture() as shown:
        console.print(beats_table(evaluate_beats(folder, skip_s=5.0)))
    assert "made" in shown.get() and "98.51" in shown.get()


def test_a_folder_without_annotations_is_refused(tmp_path):
    with pytest.raises(RecordError, match="no WFDB record"):
        evaluate_beats(tmp_path)


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
    qrs = evaluate_beats(recordings / "mitdb", records=["100"])["gross"]["qrs"]
    assert qrs["tp"] + qrs["fn"] == 1902
    assert qrs["se"] > 99.9 and qrs["ppv"] > 99.9
