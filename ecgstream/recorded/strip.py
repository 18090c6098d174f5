"""A strip, such as an alert brings, as a recording."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from ..errors import RecordError
from ..wire import ecgstream_pb2 as pb
from .recording import INVALID, RecordedChannel, RecordedSignal, checked


def recording_of(alert: pb.Alert) -> RecordedSignal:
    """Named like the alert's stream. Raises RecordError where the alert brings no whole strip."""
    layout = alert.strip.layout
    if not layout.channels or len(alert.strip.samples) % (2 * len(layout.channels)):
        raise RecordError(
            f"Update {alert.update} of alert {alert.alert_id} brings no whole strip; the first update of an alert of "
            "high or medium priority does, and the one that completes it."
        )
    return recording_of_strip(alert.strip, alert.stream_id, f"the strip of alert {alert.alert_id}")


def recording_of_strip(strip: pb.Strip, stream_id: str, what: str) -> RecordedSignal:
    """A whole strip of a stream, named like it. RecordError, which says ``what`` it was, where it cannot be used."""
    layout = strip.layout
    channels = tuple(
        RecordedChannel(
            channel.name,
            channel.unit,
            channel.gain,
            channel.baseline,
            channel.invalid_value if channel.HasField("invalid_value") else INVALID,
        )
        for channel in layout.channels
    )
    samples = np.frombuffer(strip.samples, "<i2").reshape(len(channels), -1)
    fs_hz = Fraction(layout.fs_numerator, layout.fs_denominator or 1)
    name = "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in stream_id)
    recording = RecordedSignal(name, fs_hz, channels, samples.astype(np.int16), strip.start_time_ns)
    return checked(recording, what)
