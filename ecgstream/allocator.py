"""Memory that the C library's allocator holds back after passes over more beds than usual.

What such a pass takes for a moment stays with the process, in pieces between what is in use. Asking the system for
each larger array anew (a fixed ``M_MMAP_THRESHOLD``) holds back less still, but costs a fifth more CPU time.
"""

from __future__ import annotations

import asyncio
import ctypes

EVERY_S = 30.0
"""Giving back takes some 10 ms of another thread, and passes after it a few thousand pages."""


async def give_back_regularly() -> None:
    """Return free memory to the system every ``EVERY_S``, in a thread beside; done at once where there is no glibc."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    while trim is not None:
        await asyncio.sleep(EVERY_S)
        await asyncio.to_thread(trim, 0)
