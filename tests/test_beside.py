"""The encoder of some beds beside the rules of others, in a second thread: what comes out is the same, in its order."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from ecgstream import pipeline as module
from ecgstream.clock import ManualClock
from ecgstream.diagnosis.loader import load_model
from ecgstream.errors import ModelError
from ecgstream.intake import blocks
from ecgstream.metrics import Metrics
from ecgstream.pipeline import Pipeline, Step
from ecgstream.settings import Settings

from .feed import SECONDS, START_NS, Bed
from .untrained import untrained_model

BEDS = [Bed(f"bed-{n}", seed=n, cuts=tuple(range(250, SECONDS * 250, 250)), missing=((2000, 2600),)) for n in range(5)]
NAMES = ("NORM", "rhythm.vf")


class Ward:
    """Five beds, which are three blocks of two rows at most."""

    def __init__(self, folder: Path, beside: Executor | None):
        self.steps: list[Step] = []
        told = Settings(diagnosis={"model": str(folder)})
        clock = ManualClock(START_NS)
        self.pipeline = Pipeline(told, load_model(folder, "cpu"), Metrics(), clock, observer=self.steps.append)
        self.pipeline.beside = beside
        self.cut = [[message for _, message in bed.messages()] for bed in BEDS]
        self.out: list = []

    def play(self, first: int, stop: int) -> None:
        for n in range(first, stop):
            self.out += self.pipeline.process([cut[n] for cut in self.cut])


@pytest.fixture
def beside(monkeypatch: pytest.MonkeyPatch) -> Iterator[Executor]:
    monkeypatch.setattr(module, "BESIDE_ROWS", 3)
    monkeypatch.setattr(blocks, "MOST_ROWS", 2)
    with ThreadPoolExecutor(1) as thread:
        yield thread


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return untrained_model(tmp_path_factory.mktemp("beside") / "model", 0, NAMES)


def test_messages_steps_and_scores_are_those_of_one_thread(model: Path, beside: Executor):
    alone, shared = Ward(model, None), Ward(model, beside)
    alone.play(0, SECONDS - 2)
    shared.play(0, SECONDS - 2)
    assert any(out.name == "alert" for out in alone.out) and shared.out == alone.out
    for one, other in zip(shared.steps, alone.steps, strict=True):
        assert one.conditioned.rows.tolist() == other.conditioned.rows.tolist()
        np.testing.assert_array_equal(one.scores.values, other.scores.values)
        np.testing.assert_array_equal(one.evidence, other.evidence)
    assert any(np.isfinite(step.scores.values).any() for step in shared.steps)


def test_the_encoder_works_in_the_other_thread_and_few_rows_in_none(model: Path, beside: Executor):
    ward, handed = Ward(model, beside), []
    submit = beside.submit
    beside.submit = lambda *work: handed.append(work) or submit(*work)
    ward.play(0, 2)
    assert len(handed) == 6, "three blocks, twice"
    ward.pipeline.process([cut[2] for cut in ward.cut[:2]])
    assert len(handed) == 6


def test_an_encoder_that_fails_there_is_told_and_rules_go_on(
    model: Path, beside: Executor, monkeypatch: pytest.MonkeyPatch
):
    ward = Ward(model, beside)
    ward.play(0, 4)

    def fail(_):
        raise ModelError("the encoder gave NaN")

    monkeypatch.setattr(ward.pipeline.models.served.encoder.diagnosis, "step", fail)
    ward.play(4, SECONDS - 2)
    assert not ward.pipeline.models.served.encoder.available
    told = {update.condition.name for step in ward.steps for update in step.updates}
    assert {"MODEL_UNAVAILABLE", "VENTRICULAR_FIBRILLATION"} <= told
