"""Waves on their way to a browser: the newest seconds of every lead, whole or as lowest and highest, in binary."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

MISSING = -32768
"""In place of microvolts: no valid signal here."""
MOST_UV = 32_000
WAVE_HZ = 250
BUCKET = 10
"""Samples told by their lowest and highest where a page has no room for all: 40 ms, about a pixel at a quarter size."""
FINE_S, COARSE_S = 12, 60
"""How far back a page can be filled: every sample, and lowest and highest."""

_HEADER = struct.Struct("<HBBIHH")


@dataclass(frozen=True, slots=True)
class Wave:
    """Contiguous samples of a bed, at ``WAVE_HZ`` from its first sample; ``first`` and the count are multiples of
    ``BUCKET``."""

    stream_id: str
    first: int
    leads: tuple[str, ...]
    uv: np.ndarray  # int16 (leads, samples)


class WaveRing:
    """The newest samples of one bed. ``stop`` is the number of the sample that comes next."""

    def __init__(self, leads: tuple[str, ...]):
        self.leads = leads
        self.stop = 0
        self._fine = np.full((len(leads), FINE_S * WAVE_HZ), MISSING, np.int16)
        self._coarse = np.full((len(leads), COARSE_S * WAVE_HZ // BUCKET * 2), MISSING, np.int16)

    def write(self, wave: Wave) -> None:
        """Put the samples behind those there; what was left out between reads as missing."""
        if wave.first < self.stop:  # the bed has begun anew
            self._fine[:], self._coarse[:] = MISSING, MISSING
        elif self.stop and wave.first > self.stop:
            gap = min(wave.first - self.stop, COARSE_S * WAVE_HZ)
            self._put(wave.first - gap, np.full((len(self.leads), gap), MISSING, np.int16))
        self._put(wave.first, wave.uv)
        self.stop = wave.first + wave.uv.shape[1]

    def _put(self, first: int, uv: np.ndarray) -> None:
        _write(self._fine, first, uv)
        _write(self._coarse, first * 2 // BUCKET, low_and_high(uv))

    def read(self, lead: int, coarse: bool, after: int) -> tuple[int, np.ndarray]:
        """Number of the first sample, and int16 values from sample ``after`` on, as far back as they are kept."""
        ring = self._coarse if coarse else self._fine
        held = COARSE_S * WAVE_HZ if coarse else FINE_S * WAVE_HZ
        first = max(after - after % BUCKET, self.stop - held, 0)
        start, stop = (first * 2 // BUCKET, self.stop * 2 // BUCKET) if coarse else (first, self.stop)
        return first, ring[lead].take(np.arange(start, stop), mode="wrap")


def low_and_high(uv: np.ndarray) -> np.ndarray:
    """Of every ``BUCKET`` samples the lowest and the highest, in the order in which the wave passes them.

    int16 (leads, samples) to (leads, samples // BUCKET * 2). A bucket with a missing sample is missing: no line may be
    drawn across a gap.
    """
    buckets = uv.reshape(len(uv), -1, BUCKET)
    low, high = buckets.min(axis=2), buckets.max(axis=2)
    falls = buckets.argmax(axis=2) < buckets.argmin(axis=2)
    pairs = np.stack((np.where(falls, high, low), np.where(falls, low, high)), axis=2)
    pairs[low == MISSING] = MISSING
    return pairs.reshape(len(uv), -1)


def packed(bed: int, lead: int, coarse: bool, first: int, values: np.ndarray, age_s: float) -> bytes:
    """One wave of a binary message: bed, lead, whether coarse, first sample, count, age of the bed's newest
    word in hundredths of a second, then int16 values; little-endian, padded to whole four bytes."""
    body, age = values.astype("<i2").tobytes(), min(65_535, round(100 * age_s))
    return _HEADER.pack(bed, lead, coarse, first & 0xFFFFFFFF, len(values), age) + body + b"\0" * (len(body) % 4)


def _write(ring: np.ndarray, first: int, values: np.ndarray) -> None:
    size = ring.shape[1]
    values, first = values[:, -size:], first + max(0, values.shape[1] - size)
    at = first % size
    head = min(size - at, values.shape[1])
    ring[:, at : at + head] = values[:, :head]
    ring[:, : values.shape[1] - head] = values[:, head:]
