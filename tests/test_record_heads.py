"""Heads beside the encoder: what they say of a bed is what they say of the recording, however it arrives."""

import json
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from ecgstream.cli import app
from ecgstream.clock import ManualClock
from ecgstream.demo.processes import DaemonProcess
from ecgstream.labelled import LabelledRecords
from ecgstream.labelled.records import SLOTS
from ecgstream.metrics import Metrics
from ecgstream.models.folder import load_network, save_network
from ecgstream.models.trunk import Classifier, build_trunk
from ecgstream.observed import Step
from ecgstream.pipeline import Pipeline
from ecgstream.record_heads import RecordHeads, every_hops, hops_since_asked
from ecgstream.served_head import Served
from ecgstream.settings import Settings
from ecgstream.training.supervised import Teaching, predict_logits
from ecgstream.waveform import HOP_SAMPLES
from ecgstream.wire import ecgstream_pb2 as pb

from .feed import SECONDS, START_NS, Bed
from .test_daemon import wired

EVERY_S = 2.0
SETTINGS = {"widths": [8, 16], "depth": 1}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of one untrained head."""
    parent = tmp_path_factory.mktemp("heads")
    torch.manual_seed(0)
    save_network(
        Classifier(build_trunk("foundation_cnn", SETTINGS), 1), parent / "TALL", labels=("TALL",), scale=(5.0,),
        name="TALL", network="foundation_cnn", settings=SETTINGS, thresholds={}, crop_s=2.5, seen={}, code_version="0",
    )  # fmt: skip
    return parent


@pytest.mark.parametrize(
    ("network", "settings"),
    [
        ("foundation_cnn", SETTINGS),
        ("rocket", {"features": 840}),
        ("ecg_jepa", {"dim": 16, "depth": 1, "heads": 2}),
        ("ecg_jepa", {"dim": 16, "depth": 1, "heads": 2, "attention": "causal"}),
        ("heartbeit", {"dim": 16, "depth": 1, "heads": 2}),
    ],
)
def test_every_network_serves_any_number_of_beds_with_any_leads(network: str, settings: dict, tmp_path: Path):
    torch.manual_seed(0)
    save_network(
        Classifier(build_trunk(network, settings), 1), tmp_path, labels=("TALL",), name="TALL", network=network,
        settings=settings, thresholds={}, crop_s=10.0, seen={}, code_version="0",
    )  # fmt: skip
    loaded = load_network(tmp_path)
    served, rng = Served(loaded), np.random.default_rng(0)
    for beds, leads in ((8, slice(None)), (3, [1, 2]), (1, [0])):
        mv, present = rng.normal(0, 0.3, (beds, 8, 2500)).astype(np.float32), np.zeros((beds, 8), bool)
        present[:, leads] = True
        with torch.inference_mode():
            logits = loaded.classifier(torch.from_numpy(mv), torch.from_numpy(present)).numpy()
        np.testing.assert_allclose(served.ask(mv, present), loaded.probability(logits), atol=1e-5)


def played(beds: list[Bed]) -> list[Step]:
    """What a pipeline without heads makes of the beds, whose rows are in the order of their first messages."""
    steps: list[Step] = []
    subject = Pipeline(Settings(), None, Metrics(), ManualClock(START_NS), steps.append)
    for _, message in sorted((pair for bed in beds for pair in bed.messages()), key=lambda pair: pair[0]):
        subject.process([message])
    return steps


class Heard:
    """A room of heads beside an encoder that is not there: its scores, hop by hop."""

    def __init__(self, folder: Path):
        self.heads = RecordHeads(EVERY_S, lambda row: "bed-1")
        self.heads.grow(1)
        self.network = load_network(folder / "TALL")
        self.heads.put(Served(self.network))

    def run(self, steps: list[Step]) -> np.ndarray:
        told = [self.heads.step(step.conditioned, step.scores).values[0, :, -1] for step in steps]
        return np.concatenate(told)


def test_what_is_said_of_a_bed_is_what_is_said_of_the_recording(folder: Path):
    steps = played([Bed("bed-1", cuts=tuple(range(100, SECONDS * 250, 130)))])
    heard = Heard(folder)
    told = heard.run(steps)
    mv = np.concatenate([step.conditioned.ecg_mv[0][SLOTS] for step in steps], axis=1)
    asked = np.flatnonzero(np.diff(told, prepend=np.nan) != 0)
    asked = [hop for hop in asked if not np.isnan(told[hop])]
    assert {hops_since_asked("bed-1", hop + 1, every_hops(EVERY_S)) for hop in asked} == {0}
    assert len(asked) >= 5 and set(np.diff(asked)) == {EVERY_S * 5}
    for hop in asked:
        last = mv[:, (hop - 49) * HOP_SAMPLES : (hop + 1) * HOP_SAMPLES] if hop >= 49 else None
        if last is None:
            continue
        present = np.array([[True, True, True, *[False] * 5]])
        nothing, name = np.full(1, np.nan, np.float32), np.array(["1"])
        record = LabelledRecords(
            "x", name, name, last[None].astype(np.float32), present, np.array([2500]), (frozenset(),), nothing, nothing
        )
        logits = predict_logits(heard.network.classifier, record, Teaching(crop_s=2.5))
        assert told[hop] == pytest.approx(heard.network.probability(logits)[0, 0], abs=1e-4)


def test_nothing_is_said_before_eight_seconds_of_signal_nor_after_a_gap(folder: Path):
    gap = (15 * 250, 16 * 250)
    steps = played([Bed("bed-1", missing=(gap,))])
    heard = Heard(folder)
    told = heard.run(steps)
    first = np.flatnonzero(~np.isnan(told))[0]
    assert 39 <= first < 50 + EVERY_S * 5


def test_neither_cuts_nor_neighbours_matter(folder: Path):
    coarse = Bed("bed-1", cuts=tuple(range(250, SECONDS * 250, 250)))
    fine = Bed("bed-1", cuts=tuple(range(40, SECONDS * 250, 90)))
    others = [Bed(f"bed-{k}", seed=k, cuts=tuple(range(125, SECONDS * 250, 250))) for k in range(2, 5)]
    runs = []
    for beds in ([coarse], [fine], [others[0], coarse, *others[1:]]):
        first = sorted(beds, key=lambda bed: bed.messages()[0][0])
        heard = RecordHeads(EVERY_S, lambda row, first=first: first[row].stream_id)
        heard.grow(len(beds))
        heard.put(Served(load_network(folder / "TALL")))
        row, told = first.index(next(bed for bed in beds if bed.stream_id == "bed-1")), []
        for step in played(beds):
            values = heard.step(step.conditioned, step.scores).values[:, :, -1]
            at = np.flatnonzero(step.conditioned.rows == row)
            told += [values[at[0]]] if len(at) else []
        runs.append(np.concatenate(told))
    shortest = min(map(len, runs))
    for other in runs[1:]:
        np.testing.assert_allclose(runs[0][:shortest], other[:shortest], atol=1e-4)
    assert np.isfinite(runs[0]).sum() > 40


def test_a_head_that_fails_is_silent_and_costs_the_others_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch):
    served = Served(load_network(folder / "TALL"))
    monkeypatch.setattr(served, "_says", lambda *_: 1 / 0)
    assert np.isnan(served.ask(np.zeros((2, 8, 2500), np.float32), np.ones((2, 8), bool))).all()


def test_without_heads_nothing_is_kept_and_a_new_one_finds_room(folder: Path):
    heads = RecordHeads(EVERY_S, str)
    heads.grow(4000)
    assert len(heads._mv) == 0
    heads.put(Served(load_network(folder / "TALL")))
    assert len(heads._mv) == 4000 and heads.versions[0].startswith("TALL@")
    assert heads.remove("TALL") and not heads.remove("TALL")
    assert len(heads._mv) == 0


def test_a_running_daemon_takes_up_a_head_and_lets_it_go(folder: Path, tmp_path: Path):
    token, audit = tmp_path / "token", tmp_path / "audit.jsonl"
    token.write_text("a-token-of-enough-length\n")
    diagnosis = {"heads": str(folder), "heads_every_s": 1, "device": "cpu"}
    settings = {"diagnosis": diagnosis, "http": {"order_token_file": str(token)}, "log": {"audit_path": str(audit)}}
    daemon = DaemonProcess(tmp_path, settings)
    daemon.start()

    def models(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["models", *arguments, "--url", daemon.http])
        return done.exit_code, done.output

    try:
        daemon.wait_ready()
        given = ("--token-file", str(token), "--actor", "ann")
        bed = Bed("bed-1", cuts=tuple(range(250, SECONDS * 250, 250)))
        with wired(daemon) as wires:
            assert "heads: TALL@" in models("show")[1]
            wires.send(bed, 0, 14)
            heard = wires.hear(
                lambda m: isinstance(m, pb.Diagnosis) and any(score.name == "TALL" for score in m.scores)
            )
            assert list(heard[-1].heads) == [load_network(folder / "TALL").version]
            code, text = models("head", "SHORT", *given)
            assert code == 2 and "There is no head 'SHORT'" in text and "TALL" in text
            assert models("head", "TALL", "--remove", *given)[0] == 0
            assert "heads: none" in models("show")[1]
            assert models("head", "TALL", *given)[0] == 0
            wires.send(bed, 14, None)
            wires.hear(lambda m: isinstance(m, pb.Diagnosis) and m.sample > 15 * 250 and len(m.scores) > 0)
    finally:
        assert daemon.stop() == 0
    noted = [json.loads(line) for line in audit.read_text().splitlines()]
    assert [(n["outcome"], list(n["details"])) for n in noted] == [
        ("refused", ["head"]), ("accepted", ["head_removed"]), ("accepted", ["head"]),
    ]  # fmt: skip


def eventually(asked: Callable[[], dict], within_s: float = 60.0) -> dict:
    deadline_s = time.monotonic() + within_s
    while True:
        try:
            return asked()
        except urllib.error.HTTPError as error:
            error.close()
            if time.monotonic() > deadline_s:
                raise
        time.sleep(0.2)


def test_what_a_head_states_that_a_running_daemon_took_up_is_explained_as_it_comes(folder: Path, tmp_path: Path):
    heads, token = tmp_path / "heads", tmp_path / "token"
    heads.mkdir()
    token.write_text("a-token-of-enough-length\n")
    daemon = DaemonProcess(
        tmp_path,
        {
            "diagnosis": {"heads": str(heads), "heads_every_s": 2, "device": "cpu"},
            "explanations": {"enabled": True, "diagnosis_threshold": 0.999},  # nothing of the encoder's
            "http": {"order_token_file": str(token)},
        },
    )
    daemon.start()

    def asked() -> dict:
        url = f"{daemon.http}/diagnoses/explanation.json?stream_id=bed-1&score=TALL"
        wanted = urllib.request.Request(url, headers={"Authorization": "Bearer a-token-of-enough-length"})
        with urllib.request.urlopen(wanted, timeout=10) as answer:
            return json.load(answer)

    try:
        daemon.wait_ready()
        shutil.copytree(folder / "TALL", heads / "TALL")
        manifest = heads / "TALL" / "manifest.json"
        manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"thresholds": {"TALL": 0.001}}))
        given = ("--url", daemon.http, "--token-file", str(token), "--actor", "ann")
        with wired(daemon) as wires:
            assert CliRunner().invoke(app, ["models", "head", "TALL", *given]).exit_code == 0
            wires.send(Bed("bed-1", cuts=tuple(range(250, SECONDS * 250, 250))), 0, 14)
            heard = wires.hear_out(2.0)
            document = eventually(asked)
            told = {
                message.time_ns: score.probability
                for message in heard
                if isinstance(message, pb.Diagnosis)
                for score in message.scores
                if score.name == "TALL"
            }
    finally:
        assert daemon.stop() == 0
    assert (document["score"], document["threshold"]) == ("TALL", 0.001)
    assert document["model"] == load_network(folder / "TALL").version
    assert document["probability"] == pytest.approx(document["stated_probability"], abs=1e-3)
    assert document["stated_probability"] in [round(probability, 4) for probability in told.values()]
    assert min(told) - 2 * 10**9 <= document["stated_time_ns"] <= max(told)
    assert document["all"]["all"]["for"] > 0
