"""Blocks of many rows are bounded, and no row is in two of one call."""

import numpy as np
import pytest

from ecgstream.intake.blocks import MOST_ROWS

from .monitor import Listener, chunk, signal


@pytest.mark.parametrize(("beds", "sizes"), [(MOST_ROWS, [MOST_ROWS]), (MOST_ROWS + 1, [65, 64]), (300, 3 * [100])])
def test_many_rows_come_in_blocks_of_like_size(beds: int, sizes: list[int]):
    listener, samples = Listener(max_streams=300), signal(250)
    for bed in range(beds):
        listener.accept(chunk(0, 0, samples, stream_id=f"bed-{bed}"))
    blocks = listener.intake.take(25)
    assert [len(block.rows) for block in blocks] == sizes
    assert np.concatenate([block.rows for block in blocks]).tolist() == list(range(beds))
    assert all(np.array_equal(block.raw[i, :, block.history :], samples) for block in blocks for i in (0, -1))
    assert listener.intake.take(25) == []


def test_rows_that_stand_apart_have_blocks_of_their_own():
    listener, samples = Listener(max_streams=8), signal(250)
    for bed in range(8):
        listener.accept(chunk(0, 0, samples, stream_id=f"bed-{bed}"))
    blocks = listener.intake.take(25, apart=np.arange(8) % 3 == 0)
    assert [block.rows.tolist() for block in blocks] == [[1, 2, 4, 5, 7], [0, 3, 6]]
    assert listener.intake.take(25, apart=np.ones(8, bool)) == []
