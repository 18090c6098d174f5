"""The hospital's alarm manager."""

from collections.abc import AsyncIterator

import pytest

from .hospital import AlarmManagerStandIn


@pytest.fixture
async def manager() -> AsyncIterator[AlarmManagerStandIn]:
    stand_in = AlarmManagerStandIn()
    await stand_in.start()
    yield stand_in
    await stand_in.stop()
