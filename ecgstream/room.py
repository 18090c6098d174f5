"""What all stages have in common, and the chunks that warm them."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Protocol

import numpy as np

from .waveform import GRID_HZ, LEAD_SLOT, Channel, ChannelGroup, Chunk, GroupKind, Layout, MonitorAlarm, SampleRange


class Room(Protocol):
    """A stage that keeps state by row."""

    def grow(self, n_rows: int) -> None:
        """Make room for ``n_rows`` rows in all."""
        ...

    def reset(self, rows: np.ndarray) -> None:
        """Forget rows."""
        ...


def warming_chunks(start_ns: int) -> Iterator[Chunk]:
    """Spikes at two rates, with marks and a gap, longer than any strip, and an alarm of the monitor at their end: every
    kernel is compiled for every shape of input it meets."""
    for fs, seconds in ((2 * GRID_HZ, 8), (GRID_HZ, 45)):
        layout = Layout(GroupKind.ECG, Fraction(fs), (Channel(131330, "II", "mV", 200.0, 0),), (LEAD_SLOT["II"],))
        samples = np.zeros((1, fs), np.int16)
        samples[0, fs // 2 : fs // 2 + 8] = 200
        marks = {3: {"lead_off": (SampleRange(0, 1),)}, 4: {"pacer": (SampleRange(0, 1),)}}
        for second in range(seconds):
            if second == 5:
                continue  # a gap
            group = ChannelGroup(layout, samples, **marks.get(second, {}))
            at_ns = start_ns + second * 1_000_000_000
            alarms = (MonitorAlarm(0, "asystole", at_ns),) if second == seconds - 1 else ()
            yield Chunk(f"warm-up-{fs}", second, at_ns, (group,), monitor_alarms=alarms)
