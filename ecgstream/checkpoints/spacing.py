"""How far apart a bed's records lie, and how much of the log is read again before one."""

from __future__ import annotations

from zlib import crc32

from ..pipeline import Pipeline
from ..settings import StateSettings
from ..waveform import GRID_HZ
from .places import EVERY, STRIP


class Spacing:
    """In grid samples, but ``warmup_ns``."""

    def __init__(self, settings: StateSettings, pipeline: Pipeline):
        self._pipeline = pipeline
        self.warmup_ns = round(settings.warmup_s * 1e9)
        self._warmup = round(settings.warmup_s * GRID_HZ)
        self._near_every = round(settings.save_every_s * GRID_HZ)

    @property
    def every(self) -> int:
        """Between two records of a bed; far behind the log as many as the warm-up allows: making and sending records
        costs a ninth of the CPU time, and the encoder, which needs the longest base, waits anyway."""
        if self._pipeline.catching_up:
            return max(self._near_every, self._warmup - STRIP - 3 * EVERY)
        return self._near_every

    @property
    def needed(self) -> int:
        """Of log before a record, to be read again."""
        return max(STRIP, self._warmup - self.every - 3 * EVERY)

    def first(self, stream_id: str) -> int:
        """Until a bed's first record: each bed's own, so that not all are due at once."""
        return crc32(stream_id.encode()) % self.every
