"""A pass of many beds shared out to two threads: what comes out is the same, in its order."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from threading import Lock

import numpy as np
import pytest

from ecgstream import pipeline as module
from ecgstream.clock import ManualClock
from ecgstream.diagnosis.loader import load_model
from ecgstream.errors import ModelError
from ecgstream.intake import blocks
from ecgstream.metrics import Metrics
from ecgstream.pipeline import Pipeline, Shown, Step
from ecgstream.settings import Settings
from ecgstream.waveform import Conditioned, RawBlock

from .feed import SECONDS, START_NS, Bed
from .untrained import untrained_model

BEDS = [Bed(f"bed-{n}", seed=n, cuts=tuple(range(250, SECONDS * 250, 250)), missing=((2000, 2600),)) for n in range(5)]
NAMES = ("NORM", "rhythm.vf")


class Ward:
    """Five beds, which are three blocks of two rows at most."""

    def __init__(self, folder: Path, hands: Executor | None):
        self.steps: list[Step] = []
        told = Settings(diagnosis={"model": str(folder)})
        clock = ManualClock(START_NS)
        self.pipeline = Pipeline(told, load_model(folder, "cpu"), Metrics(), clock, observer=self.steps.append)
        self.pipeline.hands = hands
        self.cut = [[message for _, message in bed.messages()] for bed in BEDS]
        self.out: list = []

    def play(self, first: int, stop: int) -> None:
        for n in range(first, stop):
            self.out += self.pipeline.process([cut[n] for cut in self.cut])


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Iterator[Executor]:
    monkeypatch.setattr(module, "SHARED_ROWS", 3)
    monkeypatch.setattr(module, "HANDED_OUT", 1)
    monkeypatch.setattr(blocks, "MOST_ROWS", 2)
    with ThreadPoolExecutor(2) as threads:
        yield threads


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return untrained_model(tmp_path_factory.mktemp("shared") / "model", 0, NAMES)


def test_messages_steps_and_scores_are_those_of_one_thread(model: Path, hands: Executor):
    alone, shared = Ward(model, None), Ward(model, hands)
    alone.play(0, SECONDS - 2)
    shared.play(0, SECONDS - 2)
    assert any(out.name == "alert" for out in alone.out) and shared.out == alone.out
    for one, other in zip(shared.steps, alone.steps, strict=True):
        assert one.conditioned.rows.tolist() == other.conditioned.rows.tolist()
        np.testing.assert_array_equal(one.scores.values, other.scores.values)
        np.testing.assert_array_equal(one.evidence, other.evidence)
    assert any(np.isfinite(step.scores.values).any() for step in shared.steps)


def test_blocks_are_shown_in_other_threads_and_few_rows_in_none(model: Path, hands: Executor):
    ward, handed = Ward(model, hands), []
    submit = hands.submit
    hands.submit = lambda *work: handed.append(work) or submit(*work)
    ward.play(0, 2)
    assert len(handed) == 6, "three blocks, twice"
    ward.pipeline.process([cut[2] for cut in ward.cut[:2]])
    assert len(handed) == 6


def test_no_two_blocks_are_ever_of_one_row_and_all_are_back_before_the_pass_ends(model: Path, hands: Executor):
    ward, held, lock = Ward(model, hands), set(), Lock()
    show = ward.pipeline._show

    def watched(block: RawBlock) -> Shown:
        rows = set(block.rows.tolist())
        with lock:
            assert not rows & held
            held.update(rows)
        shown = show(block)
        with lock:
            held.difference_update(rows)
        return shown

    ward.pipeline._show = watched
    for n in range(6):
        ward.pipeline.process([cut[k] for cut in ward.cut for k in (2 * n, 2 * n + 1)])
        assert not held
    assert sum(step.conditioned.n_hops * len(step.conditioned.rows) for step in ward.steps) > 5 * 50


def test_a_fault_in_another_thread_is_a_fault_of_the_pass_which_ends_when_all_are_back(model: Path, hands: Executor):
    ward, back = Ward(model, hands), []

    def fail(block: RawBlock) -> Conditioned:
        if 0 in block.rows:
            raise RuntimeError("a fault of ours")
        time.sleep(0.05)
        back.append(block)
        raise RuntimeError("a later one")

    ward.pipeline.conditioner.step = fail
    with pytest.raises(RuntimeError, match="a fault of ours"):
        ward.play(0, 1)
    assert len(back) == 1, "of three blocks two had been given out"


def test_an_encoder_that_fails_there_is_told_and_rules_go_on(
    model: Path, hands: Executor, monkeypatch: pytest.MonkeyPatch
):
    ward = Ward(model, hands)
    ward.play(0, 4)

    def fail(_):
        raise ModelError("the encoder gave NaN")

    monkeypatch.setattr(ward.pipeline.models.served.encoder.diagnosis, "step", fail)
    ward.play(4, SECONDS - 2)
    assert not ward.pipeline.models.served.encoder.available
    told = {update.condition.name for step in ward.steps for update in step.updates}
    assert {"MODEL_UNAVAILABLE", "VENTRICULAR_FIBRILLATION"} <= told
