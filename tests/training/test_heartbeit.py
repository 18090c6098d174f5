"""Pretraining of HeartBEiT: it learns, it is repeatable, and it goes on where it was stopped."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ecgstream.models.heartbeit.tokenizer import Tokenizer
from ecgstream.models.heartbeit.vit import HeartBeit
from ecgstream.training.heartbeit import (
    Guesser,
    draw_batch,
    draw_blocks,
    measure,
    pretrain_heartbeit,
    train_guesser,
    train_tokenizer,
)
from ecgstream.training.loop import Schedule
from ecgstream.training.unlabelled import Windows

SMALL = {"dim": 32, "depth": 1, "heads": 2}


@pytest.fixture(scope="module")
def windows() -> list[Windows]:
    """Ten made-up recordings of eight leads, and three of one lead: beats of different rates."""
    rng, t = np.random.default_rng(0), np.arange(2500) / 250
    beats = [np.exp(-(((t * rate) % 1 - 0.3) ** 2) / 0.002) for rate in rng.uniform(0.8, 2, 13)]
    mv = np.stack([np.outer(np.linspace(-1, 1.5, 8), beat) for beat in beats]).astype(np.float16)
    name = np.array([str(k) for k in range(13)])
    return [Windows("eight", np.arange(8), mv[:10], name[:10]), Windows("one", np.array([1]), mv[10:, 1:2], name[10:])]


def taught(windows: list[Windows], steps: int, checkpoint: Path | None = None, **settings) -> Guesser:
    torch.manual_seed(1)
    tokenizer = Tokenizer(words=32, hidden=64)
    train_tokenizer(tokenizer, windows, Schedule(steps=60, seed=1, peak_rate=1e-2))
    guesser = Guesser(HeartBeit(**SMALL | settings), tokenizer)
    return train_guesser(guesser, windows, Schedule(steps=steps, seed=1, peak_rate=5e-3, save_every=5), checkpoint)


def test_two_fifths_of_the_patches_are_hidden_in_blocks():
    rng = np.random.default_rng(2)
    for leads in (1, 2, 8):
        hidden = draw_blocks(leads, 50, rng)
        assert hidden.sum() == 20 * leads and (hidden[:, 1:] & hidden[:, :-1]).sum() > 0.4 * hidden.sum()


def test_a_batch_hides_only_what_is_there(windows: list[Windows]):
    for _ in range(8):
        mv, present, hidden = draw_batch(windows, np.random.default_rng(3), torch.device("cpu"))
        assert not (hidden & ~present[:, :, None]).any() and not mv[~present].any()


@pytest.mark.parametrize("form", ["signal", "image"])
def test_of_ten_recordings_hidden_words_are_guessed_better_than_by_how_often_they_occur(
    windows: list[Windows], form: str
):
    told = measure(taught(windows[:1], 100, form=form), windows[:1], seed=1, batches=2)
    assert told["unexplained"] < 0.5 and told["perplexity"] > 3 and 0.2 < told["words_used"] <= 1
    assert told["perplexity_beside"] < 0.8 * told["perplexity"]


def test_the_words_stand_while_the_trunk_learns(windows: list[Windows]):
    torch.manual_seed(1)
    tokenizer = Tokenizer(words=32, hidden=64)
    before = {name: value.clone() for name, value in tokenizer.state_dict().items()}
    train_guesser(Guesser(HeartBeit(**SMALL), tokenizer), windows, Schedule(steps=3, seed=1))
    assert all(torch.equal(value, before[name]) for name, value in tokenizer.state_dict().items())


def test_stopped_it_goes_on_bit_for_bit_and_the_seed_decides(windows: list[Windows], tmp_path: Path, monkeypatch):
    schedule = Schedule(steps=24, seed=5, save_every=2)
    whole = pretrain_heartbeit(windows, SMALL, schedule, "cpu", tmp_path / "whole.pt")
    draws = iter([None] * 17)  # of windows, then the power goes

    from ecgstream.training import heartbeit

    draw = heartbeit.draw_windows
    with monkeypatch.context() as cut:
        cut.setattr(heartbeit, "draw_windows", lambda *arguments: draw(*arguments, *(next(draws) or ())))
        with pytest.raises(StopIteration):
            pretrain_heartbeit(windows, SMALL, schedule, "cpu", tmp_path / "cut.pt")
    again = pretrain_heartbeit(windows, SMALL, schedule, "cpu", tmp_path / "cut.pt")
    other = pretrain_heartbeit(windows, SMALL, replace(schedule, seed=6), "cpu", None)
    assert again.perplexity == whole.perplexity and not list(tmp_path.glob("cut*"))
    for name, value in whole.trunk.state_dict().items():
        assert torch.equal(value, again.trunk.state_dict()[name])
    assert not torch.equal(whole.trunk.patch.weight, other.trunk.patch.weight)
