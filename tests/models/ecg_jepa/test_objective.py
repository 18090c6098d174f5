"""The teacher follows by a moving average, and the loss looks at hidden columns of leads that are there."""

import numpy as np
import pytest
import torch

from ecgstream.models.ecg_jepa.encoder import Encoder, normed, patches_of
from ecgstream.models.ecg_jepa.masks import draw_masks
from ecgstream.models.ecg_jepa.objective import Jepa, teacher_keeps


@pytest.fixture(params=["cropa", "full", "causal"])
def jepa(request) -> Jepa:
    torch.manual_seed(0)
    return Jepa(Encoder(16, 2, 2, request.param, reach=4), predictor_dim=16, predictor_depth=1, predictor_heads=2)


def batch(leads: int = 8, seed: int = 0) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(seed)
    mv = torch.randn(3, leads, 1000, generator=generator)
    seen, hidden = (torch.from_numpy(each) for each in draw_masks("random", 3, 20, np.random.default_rng(seed)))
    return patches_of(mv), torch.ones(3, leads, dtype=torch.bool), torch.arange(leads), seen, hidden


def test_the_teacher_keeps_996_thousandths_at_first_and_everything_at_last():
    assert [teacher_keeps(step, 100) for step in (0, 50, 100, 120)] == pytest.approx([0.996, 0.998, 1.0, 1.0])


def test_the_teacher_moves_by_the_share_it_does_not_keep(jepa):
    with torch.no_grad():
        for mine, students in zip(jepa.teacher.parameters(), jepa.student.parameters(), strict=True):
            mine.fill_(1.0), students.fill_(5.0)
    jepa.move_teacher(0.75)  # 0.75 * 1 + 0.25 * 5
    assert all((mine == 2).all() for mine in jepa.teacher.parameters())
    assert all((students == 5).all() for students in jepa.student.parameters())


def test_gradients_reach_student_and_predictor_but_never_the_teacher(jepa):
    jepa(*batch()).backward()
    assert all(each.grad is None for each in jepa.teacher.parameters())
    assert all(each.grad is not None for each in (*jepa.student.parameters(), *jepa.predictor.parameters()))


def test_the_student_sees_nothing_of_hidden_columns(jepa, monkeypatch):
    patches, *others = batch()
    taken = []
    monkeypatch.setattr(
        jepa.student, "forward", lambda given, *_: taken.append(given) or torch.zeros(3, 8, len(given[0, 0]), 16)
    )
    jepa(patches, *others)
    seen = others[2]
    for row in range(3):
        torch.testing.assert_close(taken[0][row], patches[row][:, seen[row]])


def test_a_lead_that_is_absent_changes_nothing(jepa):
    patches, present, *others = batch()
    present[1, 4] = False
    before = jepa(patches, present, *others)
    patches[1, 4] = 3.0
    assert torch.equal(jepa(patches, present, *others), before)


def test_targets_are_the_teachers_tokens_without_mean_and_of_unit_variance():
    tokens = normed(torch.randn(4, 16) * 3 + 2)
    torch.testing.assert_close(tokens.mean(1), torch.zeros(4), atol=1e-5, rtol=0)
    torch.testing.assert_close(tokens.var(1, unbiased=False), torch.ones(4), atol=1e-3, rtol=0)
