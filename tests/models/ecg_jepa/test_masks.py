"""Which columns are hidden."""

import numpy as np
import pytest

from ecgstream.models.ecg_jepa import masks


class Fixed:
    """A generator of fixed numbers, for cases worked by hand."""

    def __init__(self, share: float, draws: np.ndarray):
        self.share, self.draws = share, draws

    def uniform(self, low: float, high: float, shape=None):
        assert low <= self.share <= high
        return self.share if shape is None else np.full(shape, self.share)

    def random(self, shape):
        return np.broadcast_to(self.draws, shape)


def test_random_columns_are_a_share_of_a_random_order():
    # 0.65 of 4 columns is 2.6, rounded to 3; the draws' order is 0 3 2 1, and the first three numbers are hidden
    hidden = masks.random_columns(1, 4, Fixed(0.65, np.array([0.1, 0.9, 0.5, 0.3])))
    assert hidden.tolist() == [[True, False, True, True]]


def test_four_blocks_of_a_fifth_begin_where_they_are_drawn_and_may_overlap():
    # 0.2 of 50: 10 columns each, beginning at int(draw * 41): 0, 0, 20 and 40
    hidden = masks.block_columns(1, 50, Fixed(0.2, np.array([0.0, 0.01, 0.49, 0.98])[None, :, None]))
    expected = np.zeros(50, bool)
    expected[0:10] = expected[20:30] = expected[40:50] = True
    assert (hidden[0] == expected).all()


@pytest.mark.parametrize(("kind", "least", "most"), [("random", 30, 35), ("blocks", 8, 48)])
def test_every_column_is_seen_or_hidden_once_and_shares_are_as_published(kind, least, most):
    rng = np.random.default_rng(1)
    for _ in range(50):
        seen, hidden = masks.draw_masks(kind, 8, 50, rng)
        assert (np.sort(np.concatenate((seen, hidden), axis=1), axis=1) == np.arange(50)).all()
        assert least <= hidden.shape[1] <= most
        assert (np.diff(seen, axis=1) > 0).all() and (np.diff(hidden, axis=1) > 0).all()


def test_what_a_block_covers_is_never_seen():
    rng = np.random.default_rng(2)
    covered = masks.block_columns(16, 50, np.random.default_rng(2))
    seen, _ = masks.draw_masks("blocks", 16, 50, rng)
    assert not np.take_along_axis(covered, seen, axis=1).any()


def test_records_of_a_batch_have_masks_of_their_own():
    seen, _ = masks.draw_masks("random", 8, 50, np.random.default_rng(3))
    assert len({tuple(row) for row in seen.tolist()}) == 8
