"""The loop: overfits ten records, loses nothing when stopped, keeps the best, forgets nothing of the seed."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from ecgstream.labelled import LabelledRecords
from ecgstream.models.trunk import Classifier, build_trunk
from ecgstream.training.loop import Schedule, train
from ecgstream.training.supervised import Teaching, crops_of, fit_labels, predict_logits

SMALL = {"widths": (8, 16), "depth": 1}
PLAIN = Teaching(crop_s=2.5, batch=5, gain_spread=0, noise_mv=0, wander_mv=0, fewer_leads=0, test_crops=2)
SHORT = Schedule(steps=8, seed=1, average=0.9, save_every=3)


@pytest.fixture(scope="module")
def ten() -> tuple[LabelledRecords, np.ndarray]:
    """Noise, with a spike train in half of the records: two labels, one the other's opposite."""
    rng = np.random.default_rng(0)
    mv = rng.normal(0, 0.1, (10, 8, 2500)).astype(np.float16)
    mv[:5, :, ::200] += 1
    targets = np.repeat([[1, 0], [0, 1]], 5, axis=0).astype(np.float32)
    names = np.array([str(k) for k in range(10)])
    stated = tuple(frozenset() for _ in range(10))
    nothing = np.full(10, np.nan, np.float32)
    return LabelledRecords(
        "made", names, names, mv, np.ones((10, 8), bool), np.full(10, 2500), stated, nothing, nothing
    ), targets


def classifier(seed: int = 0) -> Classifier:
    torch.manual_seed(seed)
    return Classifier(build_trunk("foundation_cnn", SMALL), 2)


def weights(module: nn.Module) -> torch.Tensor:
    return torch.cat([value.flatten().double() for value in module.state_dict().values()])


def test_it_overfits_ten_records(ten):
    records, targets = ten
    taught = classifier()
    fit_labels(taught, records, targets, Schedule(steps=60, seed=1, peak_rate=1e-2), PLAIN)
    assert ((predict_logits(taught, records, PLAIN) > 0) == targets).all()


def test_a_run_that_was_stopped_gives_the_same_weights_bit_for_bit(ten, tmp_path: Path):
    records, targets = ten
    whole, stopped, resumed = classifier(), classifier(), classifier(seed=9)
    teaching = replace(PLAIN, gain_spread=0.2, noise_mv=0.1, fewer_leads=0.5, mix=0.4)
    fit_labels(whole, records, targets, SHORT, teaching)

    class Stop(Exception):
        pass

    def stop_at_five(step: int) -> None:
        if step == 5:
            raise Stop

    stopped.register_forward_pre_hook(counting(stop_at_five))
    with pytest.raises(Stop):
        fit_labels(stopped, records, targets, SHORT, teaching, checkpoint=tmp_path / "run.pt")
    fit_labels(resumed, records, targets, SHORT, teaching, checkpoint=tmp_path / "run.pt")
    assert torch.equal(weights(whole), weights(resumed))


def counting(call):
    calls = iter(range(1000))

    def hook(*_):
        call(next(calls))

    return hook


def test_another_seed_gives_other_weights(ten):
    records, targets = ten
    one, other = classifier(), classifier()
    fit_labels(one, records, targets, SHORT, PLAIN)
    fit_labels(other, records, targets, replace(SHORT, seed=2), PLAIN)
    assert not torch.equal(weights(one), weights(other))


def test_the_best_validated_weights_are_left_and_patience_ends_the_run():
    pupil = nn.Linear(1, 1, bias=False)
    nn.init.constant_(pupil.weight, 0.0)
    schedule = Schedule(steps=100, seed=0, peak_rate=0.1, weight_decay=0, warm_up=0.01, check_every=1, patience=3)

    def towards_one(step, rng):
        return {"distance": (pupil.weight - 1).abs().sum()}

    come = train(pupil, towards_one, schedule, validate=lambda now: -abs(now.weight.item() - 0.3))
    assert come.step == come.best_step + 3 < 20
    assert pupil.weight.item() == pytest.approx(0.3, abs=0.06)


def test_the_rate_warms_up_and_falls_to_nothing():
    rates = [Schedule(steps=100, seed=0, peak_rate=1.0).rate(step) for step in range(100)]
    assert max(rates) == pytest.approx(1.0) and np.argmax(rates) in (9, 10)
    assert rates[0] == pytest.approx(0.1) and rates[-1] < 0.001
    assert (np.diff(rates[10:]) < 0).all()


def test_crops_lie_inside_short_records_and_lose_leads_but_never_all(ten):
    records, _ = ten
    short = LabelledRecords(
        **{name: getattr(records, name) for name in records.__slots__} | {"length": np.full(10, 700)}
    )
    short.mv[:, :, 700:] = 0
    mv, present = crops_of(short, np.arange(10), replace(PLAIN, fewer_leads=1.0), np.random.default_rng(0))
    assert mv.shape == (10, 8, 625)
    assert present.any(axis=1).all() and not present.all()
    assert (np.abs(mv).max(axis=2) > 0).tolist() == present.tolist()
    assert (mv[present][:, -50:].std(axis=1) > 0).all()  # no crop reaches behind a record's end
