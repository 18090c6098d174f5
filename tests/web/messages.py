"""Messages as the daemon publishes them."""

import time

from ecgstream.wire import ecgstream_pb2 as pb
from ecgstream.wire.codec import encode

STRIP = pb.Strip(
    start_sample=0,
    layout=pb.GroupLayout(fs_numerator=250, channels=[pb.Channel(name="II", unit="mV", gain=200.0)]),
    samples=b"\x64\x00\x00\x80",  # 100 raw units, and one that is missing
    onset=1,
)


def alert(stream_id: str = "bed-1", alert_id: str = "a1", update: int = 0, **fields) -> tuple[str, bytes]:
    told = {
        "condition": "ventricular_fibrillation",
        "state": pb.Alert.ACTIVE,
        "priority": pb.Alert.HIGH,
        "delay_s": 3.0,
    }
    stamp = {"published_time_ns": time.time_ns(), "version": 1}
    return encode(pb.Alert(stream_id=stream_id, alert_id=alert_id, update=update, **told | stamp | fields))


def vitals(stream_id: str = "bed-1", second: int = 0, **fields) -> tuple[str, bytes]:
    stamp = {"version": 1, "sample": 250 * second, "time_ns": second * 10**9}
    return encode(pb.Vitals(stream_id=stream_id, **stamp | fields))


def diagnosis(stream_id: str = "bed-1", **scores: float) -> tuple[str, bytes]:
    told = [pb.Score(name=name, probability=p) for name, p in scores.items()]
    return encode(pb.Diagnosis(version=1, stream_id=stream_id, scores=told))
