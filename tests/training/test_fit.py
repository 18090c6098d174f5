"""The run: it learns, the same every time, and goes on from a checkpoint as if it had never stopped."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from ecgstream.training import fit, labels
from ecgstream.training.batches import Batch
from ecgstream.training.objective import Pupil, losses

from ..untrained import small_shape

SMALL = small_shape(labels.N_SCORES)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(fit, "DIAGNOSTIC_STRIPS", 4)
    monkeypatch.setattr(fit, "MONITORING_STRIPS", 4)


def nothing_known(n: int = 3, hops: int = 25) -> Batch:
    return Batch(
        np.random.default_rng(0).standard_normal((n, 32, 25 * hops)).astype(np.float32),
        np.full((n, hops, labels.N_SCORES), np.nan, np.float32),
        np.full((n, 5 * hops), -1),
        np.full(n, -1),
        np.full((n, 2), np.nan, np.float32),
    )


def pupil() -> Pupil:
    return fit.new_run(0, SMALL).pupil.eval()


def test_what_is_not_supervised_costs_nothing():
    assert sum(float(loss.detach()) for loss in losses(pupil(), nothing_known()).values()) == 0


def test_a_target_costs_its_own_task_alone():
    batch = nothing_known()
    batch.targets[:, -1, labels.INDEX["MI"]] = 1
    told = {name: float(loss.detach()) for name, loss in losses(pupil(), batch).items()}
    assert told["superclasses"] > 0
    assert [name for name, loss in told.items() if loss != 0] == ["superclasses"]


def test_a_score_that_must_rise_is_pushed_up_where_it_is_highest():
    batch = nothing_known()
    batch.rises[1] = labels.VT
    learner = pupil()
    losses(learner, batch)["rises"].backward()
    gradient = learner.encoder.score_head.bias.grad
    assert gradient[labels.VT] < 0
    assert torch.count_nonzero(gradient) == 1


def test_it_learns(sources):
    run = fit.new_run(0, SMALL)
    with ThreadPoolExecutor(2) as pool:
        told = [sum(fit.step(run, sources, 5e-3, pool).values()) for _ in range(30)]
    assert np.mean(told[-5:]) < 0.6 * np.mean(told[:5])
    assert run.steps == 30


def test_the_rate_rises_then_falls_to_nothing():
    rates = [fit.learning_rate(progress) for progress in np.linspace(0, 1, 101)]
    assert rates[0] == 0 and max(rates) == pytest.approx(fit.PEAK_RATE, rel=1e-2) and rates[-1] < 1e-8
    assert np.argmax(rates) <= 5
    assert (np.diff(rates[5:]) < 0).all()


def test_a_run_that_was_stopped_ends_as_one_that_was_not(sources, tmp_path, monkeypatch):
    whole = fit.fit(fit.new_run(0, SMALL), sources, 6, tmp_path / "whole.pt")

    monkeypatch.setattr(fit, "CHECKPOINT_S", 0.0)
    stopped, step = fit.new_run(0, SMALL), fit.step

    def killed_in_the_fourth(run, *rest):
        if run.steps == 3:
            raise KeyboardInterrupt
        return step(run, *rest)

    monkeypatch.setattr(fit, "step", killed_in_the_fourth)
    with pytest.raises(KeyboardInterrupt):
        fit.fit(stopped, sources, 6, tmp_path / "stopped.pt")
    monkeypatch.setattr(fit, "step", step)
    again = fit.new_run(1, SMALL)
    resumed = fit.fit(again, sources, 6, tmp_path / "stopped.pt")
    assert again.steps == 6 and again.trained_s > 0 and again.cpu_s > 0
    for one, other in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(one, other)


def test_in_atrial_fibrillation_class_s_is_pushed_down(sources):
    batch = nothing_known()
    batch.targets[0, :, labels.AF] = 1
    learner = pupil()
    losses(learner, batch)["irregular"].backward()
    gradient = learner.encoder.beat_head.bias.grad
    assert gradient[1] > 0 and (gradient[[0, 2, 3, 4]] < 0).all() and gradient[5] == 0
