"""Messages the wire tests start from, valid until a test breaks one thing."""

from __future__ import annotations

import numpy as np

from ecgstream.wire import ecgstream_pb2 as pb
from ecgstream.wire.codec import encode


def group_message(
    *names: str, kind: int = 0, fs_hz: int = 250, n_samples: int = 250, unit: str = "mV"
) -> pb.ChannelGroup:
    """A group with one channel a name, its samples counting up."""
    group = pb.ChannelGroup(layout=pb.GroupLayout(kind=kind, fs_numerator=fs_hz))
    for name in names:
        group.layout.channels.add(name=name, unit=unit, gain=200)
    group.samples = np.arange(len(names) * n_samples, dtype="<i2").tobytes()
    return group


def chunk_message(*groups: pb.ChannelGroup) -> pb.Chunk:
    """A chunk of stream ``bed-1``; without groups, one second of leads I and II."""
    return pb.Chunk(
        version=1,
        stream_id="bed-1",
        sequence=7,
        start_time_ns=1_700_000_000_000_000_000,
        groups=groups or [group_message("I", "II")],
    )


def encoded(message: pb.Chunk | pb.Control, fmt: str = "protobuf") -> tuple[bytes, str]:
    """Payload and content type, in the order the decoders take them."""
    content_type, payload = encode(message, fmt)
    return payload, content_type
