"""``evaluate diagnosis``: figures of hand-worked cases, members that have seen a record, and the command itself."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from ecgstream.cli import app
from ecgstream.errors import ModelError, RecordError
from ecgstream.evaluation.calibration import expected_error, reliability
from ecgstream.evaluation.diagnosis import diagnosis_scores, judge
from ecgstream.evaluation.diagnosis_models import DiagnosisModel, Member, open_diagnosis_model
from ecgstream.labelled import LabelledRecords
from ecgstream.models.folder import save_network
from ecgstream.models.trunk import Classifier, build_trunk

from ..labelled.folders import write_record, write_table

LABELS = ("NORM", "SR", "AFIB")


def records(n: int = 40) -> LabelledRecords:
    stated = tuple(frozenset({"NORM", "SR"} if k % 2 else {"AFIB", "LVH"}) for k in range(n))
    names = np.array([f"{k:05d}" for k in range(n)])
    unknown = np.full(n, np.nan, np.float32)
    mv, present = np.zeros((n, 8, 2500), np.float16), np.ones((n, 8), bool)
    return LabelledRecords("ptbxl", names, names, mv, present, np.full(n, 2500), stated, unknown, unknown)


def member(name: str, seen: list[str], normal: float) -> Member:
    """Says ``normal`` for odd records and minus that for even ones, of NORM and SR alone."""

    def logits(asked: LabelledRecords) -> np.ndarray:
        odd = np.array([int(each) % 2 for each in asked.name])
        return np.stack([normal * (2 * odd - 1)] * 2, axis=1)

    return Member(name, ("NORM", "SR"), {"ptbxl": frozenset(seen)}, logits)


def model(*members: Member) -> DiagnosisModel:
    return DiagnosisModel("made", ("NORM", "SR"), members, np.ones(2), np.zeros(2), {"NORM": 0.5, "SR": 0.999})


def test_figures_of_a_model_that_knows_everything_and_states_half():
    found = diagnosis_scores(judge(records(), model(member("a", [], 2.0))))
    assert found["superclass"]["macro_auc"] == found["rhythm"]["macro_auc"] == 1
    assert found["superclass"]["macro_auc_ci95"] == [1, 1]
    assert found["superclass"]["macro_f1"] == 1 and found["rhythm"]["macro_f1"] == 0  # never at .999
    assert found["all"]["labels"] == 2 and found["all"]["macro_f1"] == 0.5
    assert found["labels"]["NORM"] == {"positive": 20, "auc": 1, "f1": 1, "threshold": 0.5}
    assert found["not_scored"] == {"AFIB": "the model does not have it", "LVH": "the model does not have it"}


def test_a_record_is_judged_by_the_members_that_have_not_seen_it():
    right, wrong = member("a", ["00003"], 2.0), member("b", ["00005"], -2.0)
    judged = judge(records(), model(right, wrong))
    assert judged.seen == 2
    by_name = dict(zip(judged.records.name, judged.probability[:, 0], strict=True))
    assert by_name["00003"] == pytest.approx(1 / (1 + np.exp(2)))
    assert by_name["00005"] == pytest.approx(1 / (1 + np.exp(-2)))
    assert by_name["00007"] == 0.5


def test_what_all_members_have_seen_is_refused_unless_that_is_said():
    knowing = model(member("a", ["00003"], 2.0))
    with pytest.raises(RecordError, match="1 of 40, such as 00003"):
        judge(records(), knowing)
    assert len(judge(records(), knowing, allow_seen=True).probability) == 40
    assert len(judge(replace(records(), data_set="other"), knowing).probability) == 40


def test_too_few_recordings_have_no_figure():
    assert judge(records(8), model(member("a", [], 1.0))).not_scored["NORM"] == "too few recordings"


def test_calibration_by_hand():
    truth, said = np.array([[1.0], [0], [1], [1]]), np.array([[0.15], [0.11], [0.91], [0.99]])
    mean, share, count = reliability(truth, said)
    assert (mean[1], share[1], count[1]) == (pytest.approx(0.13), 0.5, 2)
    assert expected_error(truth, said) == pytest.approx((2 * 0.37 + 2 * 0.05) / 4)


def test_an_unknown_model_is_named_with_those_there_are():
    with pytest.raises(ModelError, match="streaming"):
        open_diagnosis_model("nothing/like/it")


def test_the_command_by_a_network_and_by_the_streaming_encoder(tmp_path: Path):
    folder = tmp_path / "ecgs"
    folder.mkdir()
    write_table(folder, [(k, k, "{'NORM': 100.0, 'SR': 0.0}" if k % 2 else "{'IMI': 100.0}") for k in range(12)])
    for k in range(12):
        write_record(folder, f"{k:05d}", seed=k)
    torch.manual_seed(0)
    settings = {"widths": [8, 16], "depth": 1}
    save_network(
        Classifier(build_trunk("foundation_cnn", settings), 3), tmp_path / "net", labels=LABELS, name="small",
        network="foundation_cnn", settings=settings, thresholds={}, crop_s=5.0, seen={}, code_version="0",
    )  # fmt: skip
    for name in (str(tmp_path / "net"), "streaming"):
        written, plot = tmp_path / "scores.json", tmp_path / "plot.png"
        arguments = ["evaluate", "diagnosis", str(folder), "--model", name, "--json", str(written)]
        done = CliRunner().invoke(app, [*arguments, "--calibration", str(plot), "--allow-seen"])
        assert done.exit_code == 0, done.output
        scores = json.loads(written.read_text())
        assert 0 <= scores["superclass"]["macro_auc"] <= 1
        low, high = scores["rhythm"]["macro_auc_ci95"]
        assert low <= scores["rhythm"]["macro_auc"] <= high
        assert plot.read_bytes().startswith(b"\x89PNG")


@pytest.mark.recordings
def test_the_streaming_encoder_scores_as_its_card_says(recordings: Path):
    """Eight leads in one array, here, and twelve from the daemon's conditioning, there: the same scores."""
    from ecgstream.diagnosis.loader import load_model
    from ecgstream.evaluation.records import read_record
    from ecgstream.labelled.reading import Listed, read_listed
    from ecgstream.training.encoder_logits import encoder_logits
    from ecgstream.training.examples import condition
    from ecgstream.training.predict import predict

    path = recordings / "ptbxl250" / "00043"
    one = load_model()
    logits = encoder_logits(one, read_listed("ptbxl", [Listed(path, "1")]))[0]
    streamed = predict(one, [condition("ptbxl", read_record(path), np.empty(0, np.float32))])[0].scores[-1]
    assert 1 / (1 + np.exp(-logits)) == pytest.approx(streamed, abs=1e-3)
