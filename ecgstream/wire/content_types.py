"""Content types: ``application/vnd.ecgstream.<message>.v1+<format>``, the only thing that tells messages apart."""

from __future__ import annotations

import re
from typing import Literal

from google.protobuf.message import Message

from ..errors import WireError
from . import ecgstream_pb2 as pb
from .refusals import Refusal

MAJOR = 1
"""Major version of the schema. Fields may be added within it; anything else needs a new one."""

Format = Literal["protobuf", "json"]

MESSAGES: dict[str, type[Message]] = {
    "chunk": pb.Chunk,
    "alert": pb.Alert,
    "diagnosis": pb.Diagnosis,
    "shadow": pb.Shadow,
    "vitals": pb.Vitals,
    "verdict": pb.Verdict,
    "control": pb.Control,
    "control-reply": pb.ControlReply,
}

_FORMATS: tuple[Format, ...] = ("protobuf", "json")
_NAMES = {message: name for name, message in MESSAGES.items()}
_TYPES = {
    (message, fmt): f"application/vnd.ecgstream.{name}.v{MAJOR}+{fmt}"
    for name, message in MESSAGES.items()
    for fmt in _FORMATS
}
_MEANINGS = {content_type: meaning for meaning, content_type in _TYPES.items()}
_SHAPE = re.compile(r"application/vnd\.ecgstream\.([a-z-]+)\.v(\d+)\+([a-z]+)")


def content_type(message: Message | type[Message] | str, fmt: Format = "protobuf") -> str:
    """The content type of a message, a message class, or a name such as ``"control-reply"``."""
    if isinstance(message, str):
        message = MESSAGES[message]
    return _TYPES[message if isinstance(message, type) else type(message), fmt]


def meaning(content_type: str) -> tuple[type[Message], Format]:
    """The message class and format a content type stands for. Raises WireError for any other text."""
    try:
        return _MEANINGS[content_type]
    except KeyError:
        raise _refusal(content_type) from None


def message_name(message_class: type[Message]) -> str:
    """The name that stands in the content type: ``"control-reply"`` for ``ControlReply``."""
    return _NAMES[message_class]


def _refusal(content_type: str) -> WireError:
    if not content_type:
        return WireError(
            Refusal.MALFORMED,
            "The message carries no content type. A ZeroMQ message is three frames: content type, stream id, payload; "
            "a Kafka message has it in the header content-type.",
        )
    shape = _SHAPE.fullmatch(content_type)
    if shape and shape[1] in MESSAGES and shape[2] != str(MAJOR):
        return WireError(
            Refusal.UNKNOWN_VERSION,
            f"The content type {content_type[:100]!r} names major version {shape[2]}; this ecgstream speaks version "
            f"{MAJOR} only. Send v{MAJOR}, or upgrade ecgstream.",
        )
    return WireError(
        Refusal.UNKNOWN_CONTENT_TYPE,
        f"The content type {content_type[:100]!r} is not known; a chunk is sent as {_TYPES[pb.Chunk, 'protobuf']!r}.",
    )
