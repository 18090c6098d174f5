"""What the strip of an alert costs: ``python benchmarks/strip_cost.py``. Times are of the compute thread."""

from __future__ import annotations

import time
from collections.abc import Callable
from fractions import Fraction

import numpy as np

from ecgstream.alert_strips.message import strip_message
from ecgstream.intake import Intake
from ecgstream.settings import IntakeSettings
from ecgstream.waveform import (
    STANDARD_LEADS,
    AlarmUpdate,
    Channel,
    ChannelGroup,
    Chunk,
    Condition,
    GroupKind,
    Layout,
    Priority,
    Strip,
)
from ecgstream.wire import ecgstream_pb2 as pb

START_NS, RUNS = 1_790_000_000_000_000_000, 200


def held(fs_hz: int) -> Intake:
    """Half a minute of twelve leads of noise."""
    channels = tuple(Channel(0, name, "mV", 200.0, 0) for name in STANDARD_LEADS)
    layout = Layout(GroupKind.ECG, Fraction(fs_hz), channels, tuple(range(12)))
    intake, random = Intake(IntakeSettings()), np.random.default_rng(1)
    for second in range(30):
        samples = random.integers(-500, 500, (12, fs_hz)).astype(np.int16)
        intake.accept(Chunk("bed", second, START_NS + second * 10**9, (ChannelGroup(layout, samples),)), START_NS)
        while intake.take(25):
            pass
    return intake


def median_us(call: Callable[[], object]) -> float:
    """Median time of a call, µs."""
    times = []
    for _ in range(RUNS):
        start_ns = time.perf_counter_ns()
        call()
        times.append(time.perf_counter_ns() - start_ns)
    return float(np.median(times)) / 1e3


if __name__ == "__main__":
    for fs_hz in (250, 500, 1000):
        intake, strip = held(fs_hz), Strip(2500, 7500, 6000, True)
        update = AlarmUpdate(0, Condition.PAUSE, "id", 1, "active", Priority.HIGH, 5000, 7500, "rules", strip=strip)
        alert = pb.Alert(strip=strip_message(intake, update))
        build_us = median_us(lambda i=intake, u=update: strip_message(i, u))
        write_us = median_us(alert.SerializeToString)
        print(f"12 leads at {fs_hz} Hz: {alert.ByteSize():,} bytes; {build_us:.0f} µs, {write_us:.0f} to write")
        slabs = intake._arena.slabs
        arena = sum(slab.samples[0].nbytes for slab in slabs), sum(slab.units[0, :, 1].sum() * 8 for slab in slabs)
        print(f"  arena: {arena[0]:,} bytes a bed, and {arena[1]:,} packed")
