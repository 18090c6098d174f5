"""Save an alert that the daemon's own pipeline raises on a recording, with its whole strip, and draw it.

    python docs/strip.py ../shared/data/mitdb/205 ventricular_tachycardia --alert strip.pb
    ecgstream strip strip.pb --out docs/pictures/strip.png
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from ecgstream.clock import ManualClock
from ecgstream.metrics import Metrics
from ecgstream.pipeline import Pipeline
from ecgstream.settings import Settings
from ecgstream.sources.message import Message
from ecgstream.waveform import Chunk
from ecgstream.wire import ecgstream_pb2 as pb
from ecgstream.wire.codec import encode, encode_chunk
from simulators.recordings import Recording

START_NS = 1_790_000_000_000_000_000


def complete_alerts(recording: Recording) -> Iterator[pb.Alert]:
    """The updates that complete the strips of lethal alerts; rules alone, chunks of a second."""
    pipeline = Pipeline(Settings(diagnosis={"enabled": False}), None, Metrics(), ManualClock(START_NS))
    fs = float(recording.fs_hz)
    for second in range(int(recording.duration_s)):
        start, stop = round(second * fs), round((second + 1) * fs)
        chunk = Chunk(recording.name, second, START_NS + round(start / fs * 1e9), recording.read(start, stop))
        content_type, payload = encode(encode_chunk(chunk))
        for outgoing in pipeline.process([Message(payload, content_type, chunk.start_ns)]):
            if outgoing.name == "alert":
                alert = pb.Alert.FromString(outgoing.payload)
                if alert.lethal and alert.HasField("strip") and alert.strip.complete:
                    yield alert


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("record", type=Path, help="a WFDB record, without extension")
    parser.add_argument("condition", help="whose first alert is saved")
    parser.add_argument("--alert", type=Path, default=Path("strip.pb"), help="where to save it")
    arguments = parser.parse_args()
    for alert in complete_alerts(Recording(arguments.record)):
        print(f"{alert.condition} at {alert.onset_sample / 250:.1f} s")
        if alert.condition == arguments.condition:
            arguments.alert.write_bytes(alert.SerializeToString())
            break
