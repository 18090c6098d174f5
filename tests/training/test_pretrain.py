"""Pretraining: the loss falls, ten records are learned by heart, a stopped run loses nothing, real records are read."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ecgstream.models.ecg_jepa.encoder import EcgJepa
from ecgstream.training import pretrain as module
from ecgstream.training.loop import Schedule
from ecgstream.training.pretrain import draw_windows, pretrain
from ecgstream.training.unlabelled import Windows, windows_of

SMALL = {"dim": 16, "depth": 1, "heads": 2}
SHORT = Schedule(steps=6, seed=1, peak_rate=2e-3, save_every=2)


@pytest.fixture(scope="module")
def ten() -> list[Windows]:
    """Ten records of eight leads and ten of two: beats at a rate of their own, over a little noise."""
    rng = np.random.default_rng(0)
    parts = []
    for leads in ([0, 1, 2, 3, 4, 5, 6, 7], [1, 2]):
        mv = rng.normal(0, 0.02, (10, len(leads), 2500)).astype(np.float16)
        for row in range(10):
            mv[row, :, row * 7 :: 150 + 10 * row] += 1
        parts.append(Windows("made", np.array(leads), mv, np.array([str(row) for row in range(10)])))
    return parts


def weights(trunk: EcgJepa) -> torch.Tensor:
    return torch.cat([value.flatten() for value in trunk.state_dict().values()])


def losses_of(windows: list[Windows], schedule: Schedule, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    told = []
    learn = module.train

    def listening(pupil, losses, schedule, **rest):
        def heard(step, rng):
            parts = losses(step, rng)
            told.append(float(parts["jepa"].detach()))
            return parts

        return learn(pupil, heard, schedule, **rest)

    monkeypatch.setattr(module, "train", listening)
    pretrain(windows, SMALL, schedule)
    return told


def test_ten_records_are_learned_by_heart(ten, monkeypatch):
    told = losses_of(ten[1:], Schedule(steps=60, seed=1, peak_rate=1e-2), monkeypatch)
    assert np.mean(told[-10:]) < 0.5 * np.mean(told[:10])


def test_a_run_that_was_stopped_gives_the_same_weights_bit_for_bit(ten, tmp_path: Path, monkeypatch):
    whole = pretrain(ten, SMALL, SHORT)
    checkpoint = tmp_path / "run.pt"
    draw = module.draw_masks

    def stopping(*arguments):
        stopping.calls += 1
        if stopping.calls > 4:
            raise KeyboardInterrupt
        return draw(*arguments)

    stopping.calls = 0
    monkeypatch.setattr(module, "draw_masks", stopping)
    with pytest.raises(KeyboardInterrupt):
        pretrain(ten, SMALL, SHORT, checkpoint=checkpoint)
    monkeypatch.setattr(module, "draw_masks", draw)
    assert torch.equal(weights(pretrain(ten, SMALL, SHORT, checkpoint=checkpoint)), weights(whole))


def test_the_seed_decides(ten):
    again, other = pretrain(ten, SMALL, SHORT), pretrain(ten, SMALL, replace(SHORT, seed=2))
    assert torch.equal(weights(again), weights(pretrain(ten, SMALL, SHORT)))
    assert not torch.equal(weights(again), weights(other))


def test_batches_hold_records_with_the_same_leads_and_both_kinds_come(ten):
    rng = np.random.default_rng(0)
    drawn = [draw_windows(ten, 4, rng) for _ in range(40)]
    assert {tuple(leads) for _, leads in drawn} == {tuple(range(8)), (1, 2)}
    assert all(mv.shape == (4, len(leads), 2500) and mv.dtype == np.float32 for mv, leads in drawn)


@pytest.mark.recordings
def test_real_records_become_windows_of_their_leads(recordings: Path):
    from ecgstream.evaluation.records import read_record

    found = {name: list(windows_of(read_record(recordings / path))) for name, path in
             {"mitdb": "mitdb/100", "ludb": "ludb/1", "vfdb": "vfdb/418"}.items()}  # fmt: skip
    assert [len(found[name]) for name in found] == [60, 1, 60]
    assert {name: {tuple(leads) for leads, _ in windows} for name, windows in found.items()} == {
        "mitdb": {(1, 6)}, "ludb": {(0, 1, 2, 3, 4, 5, 6, 7)}, "vfdb": {(1,)},
    }  # fmt: skip
    assert all(0.3 < np.ptp(mv.astype(float)) < 20 for windows in found.values() for _, mv in windows[:5])
