"""What ECG-JEPA learns by (Kim 2024): a student that sees some columns predicts, lead by lead, what a teacher that sees
all of them makes of the others. The teacher is the student's moving average."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention, smooth_l1_loss

from .encoder import Block, Encoder, normed, waves

TEACHER_KEEPS = 0.996
"""Of the teacher, at each step, at first; it rises to 1 at the last step."""


def teacher_keeps(step: int, steps: int) -> float:
    """The teacher's momentum after ``step`` of ``steps``: a line from TEACHER_KEEPS to 1."""
    return TEACHER_KEEPS + (1 - TEACHER_KEEPS) * min(1.0, step / steps)


class Jepa(nn.Module):
    """Student, teacher and predictor. Parameters of the teacher take no gradient."""

    def __init__(self, student: Encoder, predictor_dim: int = 96, predictor_depth: int = 2, predictor_heads: int = 3):
        super().__init__()
        self.student = student
        self.teacher = deepcopy(student).requires_grad_(False)
        self.predictor = Predictor(student.width, predictor_dim, predictor_depth, predictor_heads)

    def forward(self, patches: Tensor, present: Tensor, leads: Tensor, seen: Tensor, hidden: Tensor) -> Tensor:
        """The loss: smooth L1 to the teacher's layer-normed tokens at hidden columns of the leads that are there.

        ``patches`` (B, L, T, PATCH) of ``patches_of``, ``present`` bool (B, L), ``leads`` (L,), ``seen`` (B, S),
        ``hidden`` (B, M).
        """
        every = torch.arange(patches.shape[2], device=patches.device).expand(len(patches), -1)
        with torch.no_grad():
            wanted = normed(self.teacher(patches, _valid(self.teacher, present, every), leads, every))
        wanted = _columns(wanted, hidden)[present]
        visible = _columns(patches, seen)
        tokens = self.student(visible, _valid(self.student, present, seen), leads, seen)
        row, lead = torch.nonzero(present, as_tuple=True)
        return smooth_l1_loss(self.predictor(tokens[present], leads[lead], seen[row], hidden[row]), wanted)

    @torch.no_grad()
    def move_teacher(self, keeps: float) -> None:
        """teacher = keeps · teacher + (1 - keeps) · student."""
        for mine, students in zip(self.teacher.parameters(), self.student.parameters(), strict=True):
            mine.lerp_(students, 1 - keeps)


class Predictor(nn.Module):
    """Tokens of one lead at seen columns to those at hidden ones."""

    def __init__(self, width: int, dim: int, depth: int, heads: int):
        super().__init__()
        self.dim = dim
        self.into, self.out = nn.Linear(width, dim), nn.Linear(dim, width)
        self.hidden = nn.Parameter(torch.zeros(dim))
        nn.init.normal_(self.hidden, std=0.02)
        self.blocks = nn.ModuleList(Block(dim, OneLead(dim, heads)) for _ in range(depth))
        self.norm = nn.LayerNorm(dim)

    def forward(self, tokens: Tensor, lead: Tensor, seen: Tensor, hidden: Tensor) -> Tensor:
        """``tokens`` (N, S, D) of the N leads ``lead`` (N,), ``seen`` (N, S), ``hidden`` (N, M); to (N, M, D)."""
        half = self.dim // 2
        times = waves(torch.cat((seen, hidden), 1).float(), half)
        leads = waves(lead.float(), self.dim - half)[:, None].expand(-1, times.shape[1], -1)
        positions = torch.cat((leads, times), 2)
        tokens = torch.cat((self.into(tokens), self.hidden.expand(*hidden.shape, -1)), 1)
        for block in self.blocks:
            tokens = block(tokens + positions)
        return self.out(self.norm(tokens[:, seen.shape[1] :]))


class OneLead(nn.Module):
    """Plain attention over a sequence (N, T, D)."""

    def __init__(self, dim: int, heads: int):
        super().__init__()
        self.heads = heads
        self.qkv, self.out = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)

    def forward(self, tokens: Tensor) -> Tensor:
        """To the same shape."""
        q, k, v = self.qkv(tokens).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return self.out(scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


def _columns(grid: Tensor, columns: Tensor) -> Tensor:
    """Of (B, L, T, D) those ``columns`` (B, S): (B, L, S, D)."""
    at = columns[:, None, :, None].expand(-1, grid.shape[1], -1, grid.shape[3])
    return torch.gather(grid, 2, at)


def _valid(encoder: Encoder, present: Tensor, columns: Tensor) -> Tensor:
    return present[:, :, None].expand(-1, -1, columns.shape[1]) if encoder.causal else present
