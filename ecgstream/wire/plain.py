"""The shape nearly every chunk has, read straight from its bytes: samples and layouts are cut out, nothing is parsed.

Whatever is shaped otherwise (marks, monitor alarms, another order of fields, anything broken) is left to protobuf.
"""

from __future__ import annotations

from google.protobuf.message import DecodeError

from ..waveform import ChannelGroup
from .groups import group_of
from .layouts import layout_of

# A field's number and wire type, as they stand in the bytes (protobuf's encoding, "Encoding" in its documentation).
_VERSION_1 = b"\x08\x01"
_STREAM_ID, _SEQUENCE, _START, _GROUP, _PATIENT = 0x12, 0x18, 0x21, 0x2A, 0x32
_LAYOUT, _SAMPLES = 0x0A, 0x12
_VARINT_BITS = 63


def plain_chunk(data: bytes) -> tuple[str, int, int, list[ChannelGroup], str] | None:
    """Stream id, sequence, start time, groups as sent, and patient reference; None where protobuf must look.

    Raises WireError for a group that breaks a rule.
    """
    try:
        return _read(data)
    except (IndexError, UnicodeDecodeError, DecodeError):
        return None


def _read(data: bytes) -> tuple[str, int, int, list[ChannelGroup], str] | None:
    at, end = 2 if data.startswith(_VERSION_1) else 0, len(data)
    if data[at] != _STREAM_ID:
        return None
    length, at = _varint(data, at + 1)
    stream_id, at = data[at : at + length].decode(), at + length
    sequence = start_ns = 0
    if data[at] == _SEQUENCE:
        sequence, at = _varint(data, at + 1)
    if data[at] == _START:
        start_ns, at = int.from_bytes(data[at + 1 : at + 9], "little"), at + 9
    groups = []
    while at < end and data[at] == _GROUP:
        length, at = _varint(data, at + 1)
        group = _group(data, at, at + length)
        if group is None:
            return None
        groups.append(group)
        at += length
    patient = ""
    if at < end and data[at] == _PATIENT:
        length, at = _varint(data, at + 1)
        patient, at = data[at : at + length].decode(), at + length
    return (stream_id, sequence, start_ns, groups, patient) if at == end else None


def _group(data: bytes, at: int, end: int) -> ChannelGroup | None:
    """A group of a layout and samples and nothing else."""
    if data[at] != _LAYOUT:
        return None
    length, at = _varint(data, at + 1)
    layout, at = data[at : at + length], at + length
    if data[at] != _SAMPLES:
        return None
    length, at = _varint(data, at + 1)
    if at + length != end or end > len(data):
        return None
    return group_of(layout_of(layout), data[at:end])


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """The number that begins here, and the place behind it."""
    value = data[at]
    if value < 0x80:
        return value, at + 1
    value &= 0x7F
    for shift in range(7, _VARINT_BITS, 7):
        at += 1
        byte = data[at]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at + 1
    raise IndexError("no number of this schema is as long")
