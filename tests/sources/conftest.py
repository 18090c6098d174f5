"""Real sockets on loopback."""

from collections.abc import Iterator

import pytest

from ..wire.peers import Peers


@pytest.fixture
def peers() -> Iterator[Peers]:
    """Makes sockets of the other side."""
    made = Peers()
    yield made
    made.close()
