"""The strips of the alerts told last, to be looked at for a while."""

from __future__ import annotations

import zlib
from collections import OrderedDict
from threading import Lock

import numpy as np

MOST = 200
MOST_BYTES = 32 * 2**20


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
    """Every byte as its difference from the second before, as samples of 16 bits differ by little; low bytes and high
    bytes apart. It takes a third less memory than the bytes as they are, compressed, and half the time."""
    packer, together = zlib.compressobj(1, strategy=zlib.Z_RLE), np.frombuffer(payload, np.uint8)
    apart = np.concatenate([np.diff(together[k::2], prepend=np.uint8(0)) for k in (0, 1)])
    return packer.compress(apart) + packer.flush()


def _unpack(packed: bytes) -> bytes:
    apart = np.frombuffer(zlib.decompress(packed), np.uint8)
    together = np.empty_like(apart)
    for k, differences in enumerate(np.split(apart, [-(-len(apart) // 2)])):
        np.cumsum(differences, dtype=np.uint8, out=together[k::2])
    return together.tobytes()
