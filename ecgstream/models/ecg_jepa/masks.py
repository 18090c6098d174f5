"""Which columns a student does not see: the same in all leads (Kim 2024)."""

from __future__ import annotations

import numpy as np

RANDOM_SHARE = (0.6, 0.7)
BLOCKS, BLOCK_SHARE = 4, (0.175, 0.225)
FEWEST_SEEN = 2


def draw_masks(kind: str, batch: int, times: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Columns seen (B, S) and hidden (B, times - S), each row ascending; ``kind`` is "random" or "blocks".

    Rows differ, but as many are seen in each: with blocks as many as in the row that sees fewest, the rest of a row's
    columns that no block covers being hidden by chance.
    """
    hidden = random_columns(batch, times, rng) if kind == "random" else block_columns(batch, times, rng)
    seen = max(FEWEST_SEEN, int((~hidden).sum(1).min()))
    order = np.argsort(hidden + rng.random(hidden.shape) * 0.5, axis=1)  # what is not hidden first, in random order
    return np.sort(order[:, :seen], axis=1), np.sort(order[:, seen:], axis=1)


def random_columns(batch: int, times: int, rng: np.random.Generator) -> np.ndarray:
    """A share of the columns drawn from RANDOM_SHARE, each row its own: bool (B, times)."""
    count = round(rng.uniform(*RANDOM_SHARE) * times)
    return np.argsort(rng.random((batch, times)), axis=1) < count


def block_columns(batch: int, times: int, rng: np.random.Generator) -> np.ndarray:
    """BLOCKS runs of columns that may overlap, each a share drawn from BLOCK_SHARE: bool (B, times)."""
    length = np.round(rng.uniform(*BLOCK_SHARE, (batch, BLOCKS, 1)) * times).astype(int)
    begin = (rng.random((batch, BLOCKS, 1)) * (times - length + 1)).astype(int)
    at = np.arange(times)
    return ((at >= begin) & (at < begin + length)).any(axis=1)
