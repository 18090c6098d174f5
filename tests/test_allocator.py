"""Memory that was free, but held back, is the system's again."""

import asyncio
import ctypes
from pathlib import Path

import pytest

from ecgstream import allocator

BLOCKS, BLOCK_BYTES = 1_000, 60_000


def resident_bytes() -> int:
    return 4096 * int(Path("/proc/self/statm").read_text().split()[1])


def in_time(condition) -> bool:
    async def wait() -> bool:
        giving = asyncio.create_task(allocator.give_back_regularly())
        for _ in range(200):
            if condition():
                break
            await asyncio.sleep(0.02)
        giving.cancel()
        return condition()

    return asyncio.run(wait())


def test_what_lies_between_blocks_in_use_goes_back(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(allocator, "EVERY_S", 0.01)
    blocks = [ctypes.create_string_buffer(BLOCK_BYTES) for _ in range(BLOCKS)]
    del blocks[: BLOCKS - 1]
    held = resident_bytes()
    assert in_time(lambda: held - resident_bytes() > BLOCKS * BLOCK_BYTES / 2), resident_bytes() - held
    assert len(blocks) == 1


def test_without_such_an_allocator_nothing_is_done(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    asyncio.run(asyncio.wait_for(allocator.give_back_regularly(), 1.0))
