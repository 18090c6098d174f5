"""The strips of the alerts told last, to be looked at for a while."""

from __future__ import annotations

import struct
from collections import OrderedDict
from threading import Lock

import numpy as np

from .packing import most_bytes, pack, unpack

MOST = 200
MOST_BYTES = 32 * 2**20
_HEAD = struct.Struct("<BI")
_TELLING = 4096


class RecentStrips:
    """Alert messages with their strips by alert, the newest of each, compressed. Written by one thread, read by
    another."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._said: dict[str, int] = {}
        self._bytes = 0
        self._lock = Lock()

    def keep(self, alert_id: str, payload: bytes) -> None:
        """``payload``: a serialised ``pb.Alert``. The oldest make room for it. One that is kept costs nothing again."""
        said = hash(payload)
        with self._lock:
            if said == self._said.get(alert_id):
                self._kept.move_to_end(alert_id)
                return
        packed = _pack(payload)
        with self._lock:
            self._bytes += len(packed) - len(self._kept.pop(alert_id, b""))
            self._kept[alert_id], self._said[alert_id] = packed, said
            while len(self._kept) > MOST or (self._bytes > MOST_BYTES and len(self._kept) > 1):
                gone, its_strip = self._kept.popitem(last=False)
                self._bytes -= len(its_strip)
                del self._said[gone]

    def find(self, alert_id: str) -> bytes | None:
        """What was kept of an alert; None where nothing is, or no more."""
        with self._lock:
            packed = self._kept.get(alert_id)
        return None if packed is None else _unpack(packed)

    def __len__(self) -> int:
        return len(self._kept)


def _pack(payload: bytes) -> bytes:
    """Samples of 16 bits differ by little. They begin at an even byte or at an odd one: what takes less is kept, and
    first of it, whether a byte was put before."""
    return min((_packed_from(payload, before) for before in _ways(payload)), key=len)


def _ways(payload: bytes) -> tuple[int, ...]:
    """How many bytes to try to put before: only the better of both where so many bytes in the middle can tell."""
    middle = payload[len(payload) // 2 :][:_TELLING]
    if len(middle) < _TELLING:
        return 0, 1
    start = len(payload) // 2 % 2
    even, odd = (len(_packed_from(middle, (start + before) % 2)) for before in (0, 1))
    return (0,) if even <= odd else (1,)


def _packed_from(payload: bytes, before: int) -> bytes:
    whole = bytes(before) + payload
    values = np.frombuffer(whole + bytes(len(whole) % 2), "<u2")
    room = np.empty(most_bytes(len(values)), np.uint8)
    return _HEAD.pack(before, len(payload)) + room[: pack(values, room)].tobytes()


def _unpack(packed: bytes) -> bytes:
    before, length = _HEAD.unpack_from(packed)
    values = np.empty(-(-(before + length) // 2), np.uint16)
    unpack(np.frombuffer(packed, np.uint8, offset=_HEAD.size), values)
    return values.tobytes()[before : before + length]
