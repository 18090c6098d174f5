"""The shape nearly every chunk has, read straight from the bytes of many messages at once; nothing is parsed.

One ECG group of a layout, samples and marks of pace pulses, and nothing else but the chunk's own fields in their order.
Whatever is shaped otherwise (electrodes off, other groups, monitor alarms, anything broken) is left to protobuf.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from google.protobuf.message import DecodeError
from numba import njit

from ..errors import WireError
from ..waveform import GroupKind, PlainChunk
from . import ecgstream_pb2 as pb
from .codec import MAX_PAYLOAD_BYTES
from .content_types import content_type
from .controls import is_text
from .groups import MAX_CHUNK_S, ranges_of
from .layouts import layout_of

_CHUNK = content_type(pb.Chunk)
# A field's number and wire type, as they stand in the bytes (protobuf's encoding, "Encoding" in its documentation).
_STREAM_ID, _SEQUENCE, _START, _GROUP, _PATIENT = 0x12, 0x18, 0x21, 0x2A, 0x32
_LAYOUT, _SAMPLES, _PACER = 0x0A, 0x12, 0x22
_VARINT_BITS = 63
_N_FIELDS = 12


def read_plain(payloads: Sequence[bytes], content_types: Sequence[str]) -> tuple[np.ndarray, list[PlainChunk | None]]:
    """All payloads in one uint8 array, and what each says of its samples there; None where protobuf must look."""
    ends = np.zeros(len(payloads) + 1, np.int64)
    np.cumsum([len(payload) for payload in payloads], out=ends[1:])
    joined = b"".join(payloads)
    buffer = np.frombuffer(joined, np.uint8)
    fields = np.empty((len(payloads), _N_FIELDS), np.int64)
    _read_all(buffer, ends, fields)
    return buffer, [
        _chunk(joined, *row) if of_type == _CHUNK and len(payload) <= MAX_PAYLOAD_BYTES else None
        for row, of_type, payload in zip(fields.tolist(), content_types, payloads, strict=True)
    ]


def _chunk(
    joined: bytes,
    stream_at: int,
    stream_end: int,
    sequence: int,
    start_ns: int,
    layout_at: int,
    layout_end: int,
    samples_at: int,
    samples_end: int,
    patient_at: int,
    patient_end: int,
    marks_at: int,
    marks_end: int,
) -> PlainChunk | None:
    if stream_at < 0:
        return None
    try:
        stream_id = joined[stream_at:stream_end].decode()
        layout = layout_of(joined[layout_at:layout_end])
        joined[patient_at:patient_end].decode()
        # The bytes of these fields alone are a group, too.
        marks = pb.ChannelGroup.FromString(joined[marks_at:marks_end]) if marks_end else None
    except (UnicodeDecodeError, DecodeError, WireError):
        return None
    n, rest = divmod(samples_end - samples_at, 2 * len(layout.channels))
    if rest or not n or layout.kind is not GroupKind.ECG or not is_text(stream_id):
        return None
    if n * layout.fs_hz.denominator > MAX_CHUNK_S * layout.fs_hz.numerator:
        return None
    if marks is None:
        return PlainChunk(stream_id, sequence, start_ns, layout, samples_at, n)
    try:
        pacer = ranges_of(marks.pacer, len(layout.channels), n)
    except WireError:
        return None
    # Of any other field there is nothing in the bytes that come back.
    if marks.ByteSize() != pb.ChannelGroup(pacer=marks.pacer).ByteSize():
        return None
    return PlainChunk(stream_id, sequence, start_ns, layout, samples_at, n, pacer)


# One look at each message's first and last bytes; the samples between are passed over.
@njit(cache=True, nogil=True)
def _read_all(buffer, ends, fields):
    """Rows of ``fields`` int64 (messages, _N_FIELDS), in the order of ``_chunk``; -1 first where protobuf must look."""
    for m in range(len(fields)):
        if not _read(buffer, ends[m], ends[m + 1], fields[m]):
            fields[m, 0] = -1


@njit(cache=True, nogil=True)
def _read(buffer, at, end, fields):
    fields[:] = 0
    if at + 2 <= end and buffer[at] == 0x08 and buffer[at + 1] == 0x01:  # version 1
        at += 2
    fields[0], at = _enter(buffer, at, end, _STREAM_ID)
    if at < 0:
        return False
    fields[1] = at
    if at < end and buffer[at] == _SEQUENCE:
        fields[2], at = _varint(buffer, at + 1, end)
        if at < 0:
            return False
    if at + 9 <= end and buffer[at] == _START:
        for place in range(8):
            fields[3] |= np.int64(buffer[at + 1 + place]) << (8 * place)
        if fields[3] < 0:
            return False
        at += 9
    group, group_end = _enter(buffer, at, end, _GROUP)
    fields[4], fields[5] = _enter(buffer, group, group_end, _LAYOUT)
    fields[6], fields[7] = _enter(buffer, fields[5], group_end, _SAMPLES)
    if fields[7] < 0:
        return False
    if fields[7] < group_end:
        if buffer[fields[7]] != _PACER:
            return False
        fields[10], fields[11] = fields[7], group_end
    if group_end == end:
        return True
    fields[8], fields[9] = _enter(buffer, group_end, end, _PATIENT)
    return fields[9] == end


@njit(cache=True, nogil=True)
def _enter(buffer, at, end, key):
    """Where the bytes of the field that begins here lie; -1, -1 where it is another, or does not fit."""
    if at < 0 or at >= end or buffer[at] != key:
        return -1, -1
    length, at = _varint(buffer, at + 1, end)
    if at < 0 or length > end - at:
        return -1, -1
    return at, at + length


@njit(cache=True, nogil=True)
def _varint(buffer, at, end):
    """The number that begins here, and the place behind it; -1 where there is none of this schema."""
    value = np.int64(0)
    for shift in range(0, _VARINT_BITS, 7):
        if at >= end:
            break
        byte = np.int64(buffer[at])
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    return np.int64(-1), -1
