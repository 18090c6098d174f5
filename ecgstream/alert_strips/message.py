"""Samples out of the arena, and in again out of a message."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ..errors import RecordError
from ..intake import Intake
from ..waveform import CODE_LIMIT, CODE_MISSING, GRID_HZ, AlarmUpdate
from ..wire import ecgstream_pb2 as pb

MOST_HZ = 500
"""Above this only every second, third, … sample is sent: enough for any reader of paper, and it bounds a message."""
INVALID = int(CODE_MISSING)


def strip_message(intake: Intake, update: AlarmUpdate) -> pb.Strip:
    """The strip that goes with an update: all leads with a valid sample, in the monitor's own raw units."""
    strip = update.strip
    message = _message(intake, update.row, strip.start, strip.stop, strip.begun - 1)
    message.complete = strip.complete
    if update.onset >= strip.start and message.layout.fs_numerator:
        fs_hz = Fraction(message.layout.fs_numerator, message.layout.fs_denominator)
        message.onset = round((update.onset - strip.start) * fs_hz / GRID_HZ)
    return message


def strip_before(intake: Intake, stream_id: str, stop_ns: int, seconds: float) -> pb.Strip | None:
    """The last ``seconds`` of a stream's signal before a time, as far as they are held; None where none is."""
    row = intake.row_of.get(stream_id)
    if row is None:
        return None
    stop = min(intake.grid_at(row, stop_ns), int(intake.newest_grid[row]))
    message = _message(intake, row, max(0, stop - round(seconds * GRID_HZ)), stop, stop - 1)
    message.complete = True
    return message if message.layout.channels else None


def _message(intake: Intake, row: int, start: int, stop: int, judged: int) -> pb.Strip:
    """The leads that have a valid sample between two grid samples of a row's segment; none where nothing is held."""
    message = pb.Strip(start_sample=start, start_time_ns=intake.time_ns(row, start))
    stretch = intake.stretch(row, start, stop, judged)
    if stretch is None:
        return message
    step = math.ceil(stretch.layout.fs_hz / MOST_HZ)
    fs_hz = stretch.layout.fs_hz / step
    skipped = -stretch.first % step  # so that overlapping strips take the same samples
    samples = stretch.samples[:, skipped::step]
    samples = np.where(samples < CODE_LIMIT, CODE_MISSING, samples)
    kept = np.flatnonzero((samples != CODE_MISSING).any(axis=1)).tolist()
    message.layout.fs_numerator, message.layout.fs_denominator = fs_hz.numerator, fs_hz.denominator
    for channel in (stretch.layout.channels[k] for k in kept):
        message.layout.channels.add(
            mdc_code=channel.code,
            name=channel.name,
            unit=channel.unit,
            gain=channel.gain,
            baseline=channel.baseline,
            invalid_value=INVALID,
        )
    message.samples = samples[kept].astype("<i2").tobytes()
    return message


@dataclass(frozen=True)
class Leads:
    """A strip's leads in millivolts."""

    fs_hz: Fraction
    names: tuple[str, ...]
    mv: np.ndarray  # float64 (leads, samples), NaN where not valid


def leads_of(strip: pb.Strip) -> Leads:
    """The leads of a strip. Raises RecordError when its samples are not whole."""
    channels = strip.layout.channels
    if not channels:
        return Leads(Fraction(GRID_HZ), (), np.empty((0, 0)))
    if len(strip.samples) % (2 * len(channels)) or not strip.layout.fs_numerator:
        raise RecordError(
            f"The strip has {len(strip.samples)} bytes for {len(channels)} leads at {strip.layout.fs_numerator} Hz; it "
            "must hold a rate, and int16 samples for each lead alike. Was it cut off?"
        )
    raw = np.frombuffer(strip.samples, "<i2").reshape(len(channels), -1).astype(float)
    invalid = [[channel.invalid_value if channel.HasField("invalid_value") else INVALID] for channel in channels]
    per_mv = [[channel.gain * (1000.0 if channel.unit == "uV" else 1.0)] for channel in channels]
    mv = (raw - [[channel.baseline] for channel in channels]) / per_mv
    mv[raw == invalid] = np.nan
    fs_hz = Fraction(strip.layout.fs_numerator, strip.layout.fs_denominator or 1)
    return Leads(fs_hz, tuple(channel.name for channel in channels), mv)
