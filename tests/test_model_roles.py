"""A model in the shadow of another, and their exchange: what leaves, what is counted, and that no hop is lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from ecgstream.cli import app
from ecgstream.clock import ManualClock
from ecgstream.demo.processes import DaemonProcess
from ecgstream.diagnosis import Model
from ecgstream.diagnosis.loader import load_model
from ecgstream.errors import ModelError
from ecgstream.metrics import Metrics
from ecgstream.model_lane import ModelLane
from ecgstream.outputs import Outgoing
from ecgstream.pipeline import Pipeline
from ecgstream.settings import Settings
from ecgstream.wire import ecgstream_pb2 as pb
from ecgstream.wire.codec import decode

from .feed import SECONDS, START_NS, Bed
from .test_daemon import wired
from .untrained import untrained_model

BEDS = [
    Bed("bed-1", cuts=tuple(range(250, SECONDS * 250, 250))),
    Bed("bed-2", seed=1, cuts=tuple(range(125, 6000, 250))),
]
TIMED = sorted((message for bed in BEDS for message in bed.messages()), key=lambda pair: pair[0])


_NAMES = ("NORM", "rhythm.vf")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two small untrained models, with the same names and other weights; and one that knows another score."""
    wanted = ((0, _NAMES, 0.5), (1, _NAMES, 0.5), (2, ("rhythm.vf", "MI"), 0.0))
    return [untrained_model(tmp_path_factory.mktemp("models") / f"candidate-{one[0]}", *one) for one in wanted]


@pytest.fixture(scope="module")
def models(folders: list[Path]) -> list[Model]:
    return [load_model(folder, "cpu") for folder in folders]


def pipeline_of(model: Model, shadow: Model | None = None) -> Pipeline:
    subject = Pipeline(Settings(), model, Metrics(), ManualClock(START_NS))
    if shadow:
        subject.models.run_beside(ModelLane(shadow, 1), subject.n_rows)
    return subject


def played(subject: Pipeline, after: Callable[[float], None] = lambda _: None) -> list[Outgoing]:
    out = []
    for end_s, message in TIMED:
        out += subject.process([message])
        after(end_s)
    return out


def told(out: list[Outgoing], name: str) -> dict[tuple[str, int], pb.Diagnosis | pb.Shadow]:
    messages = [decode(outgoing.payload, outgoing.content_type) for outgoing in out if outgoing.name == name]
    return {(message.stream_id, message.sample): message for message in messages}


def scores(message: pb.Diagnosis | pb.Shadow, model: Model) -> list[float]:
    return [score.probability for score in message.scores if score.name in model.manifest.names]


def rows(subject: Pipeline) -> list[int]:
    return list(subject.intake.row_of.values())


def test_the_shadow_says_what_it_would_say_in_service_and_changes_nothing(models: list[Model]):
    alone, other = played(pipeline_of(models[0])), played(pipeline_of(models[1]))
    both = played(pipeline_of(models[0], models[1]))
    assert [o for o in both if o.name != "shadow"] == alone
    shadow, expected = told(both, "shadow"), told(other, "diagnosis")
    assert shadow.keys() == expected.keys() and len(shadow) > 40
    for place, message in shadow.items():
        assert (message.model, message.served) == (models[1].version, models[0].version)
        assert message.withheld == expected[place].withheld
        assert scores(message, models[1]) == scores(expected[place], models[1])


def test_a_swap_loses_no_hop_and_each_says_what_it_would_have_said_from_the_start(models: list[Model]):
    subject = pipeline_of(models[0], models[1])
    swapped = []

    def swap_after_14_s(end_s: float) -> None:
        if end_s >= 14 and not swapped:
            subject.models.swap(models[1].version, rows(subject))
            swapped.append(end_s)

    found = told(played(subject, swap_after_14_s), "diagnosis")
    before, after = (told(played(pipeline_of(model)), "diagnosis") for model in models[:2])
    assert found.keys() == before.keys() == after.keys()
    served = {place: message.model for place, message in found.items()}
    assert sorted(set(served.values())) == sorted(model.version for model in models[:2])
    for place, message in found.items():
        which = 0 if message.model == models[0].version else 1
        expected = (before, after)[which][place]
        assert message.withheld == expected.withheld
        np.testing.assert_allclose(scores(message, models[which]), scores(expected, models[which]), atol=1e-6)
    for bed in BEDS:
        changes = [
            sample
            for stream, sample in served
            if stream == bed.stream_id and served[stream, sample] == models[1].version
        ]
        assert 14 <= min(changes) / 250 <= 15.5  # the first that ends after the swap, and from then on all
        assert len(changes) == sum(stream == bed.stream_id and sample >= min(changes) for stream, sample in served)
    value = subject.metrics.registry.get_sample_value
    assert value("ecgstream_model_info", {"role": "served", "model": models[1].version, "device": "cpu"}) == 1
    assert value("ecgstream_model_info", {"role": "shadow", "model": models[0].version, "device": "cpu"}) == 1


def test_evidence_of_the_model_goes_on_across_a_swap(models: list[Model]):
    """A model's VF needs 4 s of high scores: a swap to an equal model must not begin them anew."""
    subject = pipeline_of(models[0], models[1])
    played(subject)
    subject.models.shadow.fusion._run[:] = 17
    subject.models.swap(models[1].version, rows(subject))
    assert subject.models.served.fusion._run.max() == 17


def test_a_swap_that_would_lose_hops_is_refused_with_the_number_of_beds(models: list[Model]):
    subject = pipeline_of(models[0])
    out = played(subject)
    assert any(scores(message, models[0]) for message in told(out, "diagnosis").values())
    with pytest.raises(ModelError, match="no model runs in its shadow"):
        subject.models.swap(models[1].version, rows(subject))
    subject.models.run_beside(ModelLane(models[1], 1), subject.n_rows)
    with pytest.raises(ModelError, match="2 of 2 beds have scores of .* and none yet of"):
        subject.models.swap(models[1].version, rows(subject))
    with pytest.raises(ModelError, match="the shadow is"):
        subject.models.swap(models[2].version, rows(subject))
    assert subject.models.served.model is models[0]
    subject.models.swap(models[0].version, rows(subject))  # serves already


def test_a_shadow_that_fails_costs_the_one_in_service_nothing(models: list[Model], monkeypatch: pytest.MonkeyPatch):
    subject = pipeline_of(models[0], models[1])

    def fail(_):
        raise RuntimeError("broken weights")

    monkeypatch.setattr(subject.models.shadow.encoder.diagnosis, "step", fail)
    out = played(subject)
    assert [o for o in out if o.name == "diagnosis"] == [
        o for o in played(pipeline_of(models[0])) if o.name == "diagnosis"
    ]
    assert {message.withheld for message in told(out, "shadow").values()} == {"model_unavailable"}
    assert subject.metrics.registry.get_sample_value("ecgstream_model_available") == 1
    with pytest.raises(ModelError, match="has failed in the shadow"):
        subject.models.swap(models[1].version, rows(subject))


def test_the_two_are_compared_by_score_and_finding(models: list[Model]):
    subject = pipeline_of(models[0], models[2])
    out = played(subject)
    value = subject.metrics.registry.get_sample_value
    hops = value("ecgstream_score_count", {"model": models[0].version, "score": "rhythm.vf"})
    assert value("ecgstream_shadow_difference_count", {"score": "rhythm.vf"}) == hops > 50
    assert value("ecgstream_shadow_difference_count", {"score": "NORM"}) is None  # the other does not know it
    pairs = [
        (message.scores, told(out, "diagnosis")[place].scores)
        for place, message in told(out, "shadow").items()
        if message.scores
    ]
    apart = [abs(_of(mine, "rhythm.vf") - _of(theirs, "rhythm.vf")) for mine, theirs in pairs]
    mean = value("ecgstream_shadow_difference_sum", {"score": "rhythm.vf"}) / hops
    assert mean == pytest.approx(np.mean(apart), rel=0.3)  # of every hop; messages tell of every fifth
    # The other's threshold is 0, so that it finds something in every hop.
    found = [value("ecgstream_shadow_findings_total", {"score": "rhythm.vf", "found": f}) or 0 for f in _FOUND]
    assert found[0] + found[2] == hops and found[1] == 0


def test_findings_are_of_both_or_of_one_alone():
    metrics = Metrics()
    metrics.models.count_findings("noise", np.array([1, 1, 1, 0, 0], bool), np.array([1, 1, 0, 1, 0], bool))
    value = metrics.registry.get_sample_value
    found = [value("ecgstream_shadow_findings_total", {"score": "noise", "found": f}) for f in _FOUND]
    assert found == [2, 1, 1]


_FOUND = ("both", "served", "shadow")


def _of(given, name: str) -> float:
    return next(score.probability for score in given if score.name == name)


def test_a_running_daemon_is_given_a_shadow_and_swaps_on_the_command_line(folders: list[Path], tmp_path: Path):
    token = tmp_path / "token"
    token.write_text("a-token-of-enough-length\n")
    audit = tmp_path / "audit.jsonl"
    diagnosis = {"model": str(folders[0]), "candidates": str(folders[1].parent), "device": "cpu"}
    settings = {"diagnosis": diagnosis, "http": {"order_token_file": str(token)}, "log": {"audit_path": str(audit)}}
    versions = [load_model(folder, "cpu").version for folder in folders]
    daemon = DaemonProcess(tmp_path, settings)
    daemon.start()
    try:
        daemon.wait_ready()
        with wired(daemon) as wires:
            assert models_command(daemon, "show") == (0, f"served: {versions[0]}\nshadow: none\n")
            given = ("--token-file", str(token), "--actor", "ann")
            code, text = models_command(daemon, "shadow", "nobody", *given)
            assert code == 2 and "There is no candidate 'nobody'" in text and folders[1].name in text
            assert models_command(daemon, "shadow", folders[1].name, *given)[0] == 0
            wires.send(BEDS[0], 0, 16)
            wires.hear(lambda m: isinstance(m, pb.Shadow) and m.scores)
            code, text = models_command(daemon, "swap", versions[1], *given)
            assert (code, text) == (0, f"served: {versions[1]}\nshadow: {versions[0]}\n")
            wires.send(BEDS[0], 16, None)
            wires.hear(lambda m: isinstance(m, pb.Diagnosis) and m.model == versions[1] and m.scores)
            assert models_command(daemon, "shadow", "none", *given) == (0, f"served: {versions[1]}\nshadow: none\n")
            wrong = tmp_path / "wrong"
            wrong.write_text("another-token-of-length")
            assert models_command(daemon, "swap", versions[0], "--token-file", str(wrong), "--actor", "eve")[0] == 2
    finally:
        assert daemon.stop() == 0
    noted = [json.loads(line) for line in audit.read_text().splitlines()]
    assert [(n["actor"], n["outcome"], list(n["details"])) for n in noted] == [
        ("ann", "refused", ["shadow"]), ("ann", "accepted", ["shadow"]), ("ann", "accepted", ["serve"]),
        ("ann", "accepted", ["shadow"]),
    ]  # fmt: skip


def models_command(daemon: DaemonProcess, *arguments: str) -> tuple[int, str]:
    told = CliRunner().invoke(app, ["models", *arguments, "--url", daemon.http])
    return told.exit_code, told.output
