"""A checkpoint record as bytes: one line of JSON, then whatever is bytes already, end to end.

Compression is the log's own matter.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import structlog

from ..errors import StateError
from ..outputs import Outgoing

log = structlog.get_logger()
Record = dict[str, Any]
"""What ``Checkpoints`` writes; ``rooms`` maps names to bytes, ``outbox`` is a list of Outgoing, the rest is JSON."""


def _from_state_file(record: Record) -> Record:
    """Schema 0 is what the state file holds: timeline and alarms, from no log."""
    nowhere = {"partition": -1, "offset": 0, "log_ns": 0, "base_offset": -1, "base_log_ns": 0}
    untold = {"model": "", "settings": "", "partitions": 0, "base": None, "next_hop": 0, "rooms": {}, "outbox": []}
    return nowhere | untold | record | {"schema": 1}


def _from_another_room(record: Record) -> Record:
    """What schemas 1 to 6 keep of the rhythm room, and 6 to 9 of the beats room, has other forms; alarms and timeline
    hold, signals begin anew."""
    anew = {"base": None, "base_offset": -1, "base_log_ns": 0, "rooms": {}}
    return record | anew | {"schema": record["schema"] + 1}


MIGRATIONS: tuple[Callable[[Record], Record], ...] = (
    _from_state_file,
    _from_another_room,
    _from_another_room,
    _from_another_room,
    _from_another_room,
    _from_another_room,
    _from_another_room,
    _from_another_room,
    _from_another_room,
    _from_another_room,
)
"""Function n brings a decoded record of schema n to n + 1."""
SCHEMA = len(MIGRATIONS)


def encode(record: Record) -> bytes:
    """The record as bytes; ``decode`` gives it back."""
    rooms, outbox = record["rooms"], record["outbox"]
    sizes = {
        "rooms": {name: len(saved) for name, saved in rooms.items()},
        "outbox": [[o.name, o.content_type, len(o.payload)] for o in outbox],
    }
    head = json.dumps({"schema": SCHEMA} | record | sizes, separators=(",", ":"))
    return b"".join((head.encode(), b"\n", *rooms.values(), *(o.payload for o in outbox)))


def decode(stream_id: str, data: bytes) -> Record:
    """The record of a stream, brought to this schema. Raises StateError when it is not readable or of a newer one."""
    try:
        record = _read(stream_id, data)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise StateError(f"The checkpoint of stream {stream_id!r} cannot be read ({error!r}).") from error
    if record["schema"] > SCHEMA:
        raise StateError(
            f"The checkpoint of stream {stream_id!r} has schema {record['schema']}, this ecgstream knows up to "
            f"{SCHEMA}; run the version that wrote it, or a newer one."
        )
    for migrate in MIGRATIONS[record["schema"] :]:
        record = migrate(record)
    return record


def decode_all(records: dict[str, bytes]) -> dict[str, Record]:
    """The records that can be read, by stream; the others are told in the log."""
    readable = {}
    for stream_id, data in records.items():
        try:
            readable[stream_id] = decode(stream_id, data)
        except StateError as error:
            log.error("stream starts afresh: its checkpoint is not readable", stream_id=stream_id, text=str(error))
    return readable


def partitions_of(data: bytes) -> int:
    """How many partitions the chunks topic had when the record was written; 0 when that cannot be read."""
    try:
        return int(json.loads(data.partition(b"\n")[0])["partitions"])
    except (KeyError, TypeError, ValueError):
        return 0


def _read(stream_id: str, data: bytes) -> Record:
    head, _, rest = data.partition(b"\n")
    record = json.loads(head)
    record["schema"] = int(record.get("schema", 0))
    at = 0

    def next_bytes(size: int) -> bytes:
        nonlocal at
        if at + size > len(rest):
            raise ValueError(f"it ends after {len(rest)} of {at + size} bytes")
        at += size
        return rest[at - size : at]

    record["rooms"] = {name: next_bytes(size) for name, size in record.get("rooms", {}).items()}
    record["outbox"] = [
        Outgoing(stream_id, name, content_type, next_bytes(size))
        for name, content_type, size in record.get("outbox", [])
    ]
    return record
