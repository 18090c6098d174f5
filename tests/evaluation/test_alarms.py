"""Verdicts scored: lists and headers read, the table by hand, seen records refused, the report drawn."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import wfdb
from typer.testing import CliRunner

from ecgstream.cli import app
from ecgstream.errors import RecordError
from ecgstream.evaluation.alarm_records import AlarmRecord, read_alarms, read_groups
from ecgstream.evaluation.alarms import Judged, judge_records, score
from ecgstream.heads import load_head
from ecgstream.verdicts import Judgement, Opinion
from ecgstream.waveform import CODE_MISSING, GroupKind

from ..verdicts.monitor import at_end, made_up, messages, pipeline, verdicts

KEYS = ("asystole", "bradycardia", "tachycardia", "vt", "vf")


def record(folder: Path, name: str, pause: bool, comments: list[str]) -> None:
    ecg, pleth = made_up(pause)
    waves = np.concatenate([ecg.samples / 200.0, np.repeat(pleth.samples / 1000.0, 2, axis=1)]).T
    waves[:500, 0] = np.nan
    names, units = ["II", "V1", "PLETH"], ["mV", "mV", "NU"]
    wfdb.wrsamp(name, 250, units, names, waves, fmt=["16"] * 3, comments=comments, write_dir=str(folder))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    record(tmp_path / "data", "x1", True, ["Asystole", "True alarm"])
    record(tmp_path / "data", "x2", False, ["Asystole", "False alarm"])
    record(tmp_path / "data", "x3", False, ["Ventricular_Flutter_Fib", "False alarm"])
    return tmp_path / "data"


def test_alarms_come_from_headers_or_the_list(folder: Path):
    assert read_alarms(folder) == [
        AlarmRecord("x1", "asystole", True),
        AlarmRecord("x2", "asystole", False),
        AlarmRecord("x3", "ventricular_fibrillation", False),
    ]
    (folder / "ALARMS").write_text("x3,Tachycardia,1\n")
    assert read_alarms(folder) == [AlarmRecord("x3", "tachycardia", True)]
    (folder / "ALARMS").write_text("x3,Hiccup,1\n")
    with pytest.raises(RecordError, match="Hiccup"):
        read_alarms(folder)


def test_a_folder_without_alarms_is_refused(tmp_path: Path):
    with pytest.raises(RecordError, match="no recordings with alarms"):
        read_alarms(tmp_path)


def test_groups_keep_their_raw_units(folder: Path):
    ecg, pleth = read_groups(folder / "x1")
    assert [channel.name for channel in ecg.layout.channels] == ["II", "V1"] and len(ecg.layout.slots) == 2
    assert pleth.layout.kind == GroupKind.PLETH
    assert (ecg.samples[0, :500] == CODE_MISSING).all() and (ecg.samples[0, 500:] != CODE_MISSING).all()
    channel = ecg.layout.channels[1]
    back = (ecg.samples[1].astype(float) - channel.baseline) / channel.gain
    np.testing.assert_allclose(back, made_up(True)[0].samples[1] / 200.0, atol=2 / channel.gain)


def judged(kind: str, is_true: bool, opinion: Opinion, probability: float) -> Judged:
    judgement = Judgement(opinion, probability, "seen", np.empty(0), None)
    return Judged(AlarmRecord("r", kind, is_true), judgement, 0.01)


def test_the_table_by_hand():
    true, false, unsure = Opinion.TRUE_ALARM, Opinion.FALSE_ALARM, Opinion.CANNOT_SAY
    result = score(
        [
            judged("asystole", True, true, 0.9),
            judged("asystole", True, false, 0.1),
            judged("asystole", False, false, 0.1),
            judged("ventricular_tachycardia", False, true, 0.7),
            judged("ventricular_tachycardia", False, unsure, float("nan")),
            judged("ventricular_tachycardia", True, unsure, float("nan")),
        ]
    )
    of = {key: tuple(result["per_type"][key][name] for name in ("tp", "fp", "fn", "tn")) for key in KEYS}
    assert of == {"asystole": (1, 0, 1, 1), "vt": (1, 2, 0, 0)} | dict.fromkeys(
        ("bradycardia", "tachycardia", "vf"), (0,) * 4
    )
    assert result["score"] == 30.0 and result["cannot_say"] == 2  # (2 + 1) / (2 + 1 + 2 + 5)
    assert result["records"][4]["probability"] is None and result["records"][4]["opinion"] == "CANNOT_SAY"
    assert result["calibration"]["brier"] == round((0.01 + 0.81 + 0.01 + 0.49) / 4, 4)


def test_the_daemon_says_what_is_scored(folder: Path):
    head = load_head("verdicts")
    (one,) = judge_records(folder, [AlarmRecord("x1", "asystole", True)], head)
    (verdict,) = verdicts(pipeline().process(messages(read_groups(folder / "x1"), (at_end("asystole"),))))
    assert verdict.evidence == one.judgement.evidence
    assert verdict.probability == pytest.approx(one.judgement.probability, abs=1e-6)


def test_the_command_scores_a_folder_or_tar_and_draws_its_mistakes(folder: Path, tmp_path: Path):
    packed = shutil.make_archive(str(tmp_path / "packed"), "tar", folder)
    (folder / "ALARMS").write_text("x1,Asystole,0\nx2,Asystole,0\n")  # one is wrong now
    for source, wrong in ((folder, 1), (Path(packed), 0)):
        arguments = [
            "evaluate",
            "alarms",
            str(source),
            "--json",
            str(tmp_path / "a.json"),
            "--report",
            str(tmp_path / "a.html"),
        ]
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == 0, done.output
        found = json.loads((tmp_path / "a.json").read_text())
        assert found["records_are"] == "unseen" and set(found["per_type"]) == set(KEYS)
        assert found["fp"] + found["fn"] == wrong
        assert (tmp_path / "a.html").read_text().count('<svg class="strip"') == wrong


@pytest.mark.recordings
def test_records_the_head_has_seen_are_refused(recordings: Path):
    done = CliRunner().invoke(app, ["evaluate", "alarms", str(recordings / "cinc2015")])
    assert done.exit_code == 2 and "--cross-validate" in done.output
