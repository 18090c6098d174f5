"""The signal that is explained: a stretch of a recording as a model meets it, with its delay known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..conditioning import condition_record
from ..errors import RecordError
from ..evaluation.records import Record
from ..rhythm import Rhythm
from ..waveform import GRID_HZ, HOP_S, LEADS

LONGEST_S = 20.0
"""Of what lies before the last 10 s the encoder has only what its state still holds; before 20 s, next to nothing."""
SHORTEST_S = 8.0
"""The daemon states scores after so much signal (``settling_hops``)."""


@dataclass(frozen=True, slots=True)
class Window:
    """C leads, T samples at GRID_HZ (whole hops) that end with the hop that is explained."""

    name: str
    slots: np.ndarray  # int64 (C,)
    mv: np.ndarray  # float32 (C, T)
    valid: np.ndarray  # bool (C, T)
    start_s: float  # on the recording's own clock
    delay_s: float  # what a sample shows happened so much earlier
    beats_s: np.ndarray  # of the QRS complexes found, on the recording's own clock

    @property
    def leads(self) -> tuple[str, ...]:
        """Names, in the order of ``mv``."""
        return tuple(LEADS[slot] for slot in self.slots)

    @property
    def time_s(self) -> np.ndarray:
        """When, on the recording's own clock, what the samples show happened: float64 (T,)."""
        return self.start_s - self.delay_s + np.arange(self.mv.shape[1]) / GRID_HZ


def window_of(record: Record, stop_s: float | None, mains_hz: int) -> Window:
    """The up to LONGEST_S of ``record`` that lie before ``stop_s`` (None: its end), conditioned from a cold start.

    Raises RecordError where that is less than SHORTEST_S, or no lead has signal.
    """
    stop = record.adu.shape[1] if stop_s is None else min(round(stop_s * record.fs_hz), record.adu.shape[1])
    start = max(0, stop - round(LONGEST_S * record.fs_hz))
    block = condition_record(
        record.adu[:, start:stop], record.fs_hz, record.slots, record.mv_per_adu, record.baseline_adu, mains_hz
    )
    if block.n_hops * HOP_S < SHORTEST_S:
        raise RecordError(
            f"{record.name} has {block.n_hops * HOP_S:.1f} s of signal before the time that is to be explained; a "
            f"score needs {SHORTEST_S:g} s of it."
        )
    slots = np.flatnonzero(block.valid[0].any(1))
    if not len(slots):
        raise RecordError(f"No ECG lead of {record.name} has a valid sample before the time that is to be explained.")
    start_s = float(start / record.fs_hz)
    return Window(
        name=record.name,
        slots=slots,
        mv=block.ecg_mv[0, slots],
        valid=block.valid[0, slots],
        start_s=start_s,
        delay_s=float(block.delay_samples[0]) / GRID_HZ,
        beats_s=start_s + Rhythm(1).step(block).beats.sample / GRID_HZ,
    )
