"""CloudEvents 1.0 in binary mode: what a message is about, in Kafka headers beside an unchanged payload."""

from __future__ import annotations

from datetime import UTC, datetime

from ..wire import ecgstream_pb2 as pb
from ..wire.codec import decode

SPECVERSION = b"1.0"


def headers(name: str, stream_id: str, content_type: str, payload: bytes, group: str) -> list[tuple[str, bytes]]:
    """Headers of one published message; a message told again has the same ``ce_id``."""
    message = decode(payload, content_type)
    published_s = message.published_time_ns / 1e9
    return [
        ("content-type", content_type.encode()),
        ("ce_specversion", SPECVERSION),
        ("ce_id", _id(name, message).encode()),
        ("ce_source", f"/ecgstream/{group}".encode()),
        ("ce_type", f"ecgstream.{name}.v1".encode()),
        ("ce_time", datetime.fromtimestamp(published_s, UTC).isoformat(timespec="milliseconds").encode()),
        ("ce_subject", stream_id.encode()),
    ]


def _id(name: str, message: pb.Alert | pb.Diagnosis | pb.Vitals | pb.Verdict) -> str:
    """Unique within the group, and the same whenever the same is told again."""
    if isinstance(message, pb.Alert):
        repeat = f"/{message.escalation}" if message.escalation else ""
        return f"{message.alert_id}/{message.update}{repeat}"
    if isinstance(message, pb.Verdict):
        return f"{name}/{message.stream_id}/{message.alarm.name}/{message.alarm.start_time_ns}"
    return f"{name}/{message.stream_id}/{message.sample}"
