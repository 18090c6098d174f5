"""The shape nearly every chunk has, found in the bytes of many messages at once; nothing is parsed.

One ECG group of a layout, samples and marks of pace pulses, and nothing else but the chunk's own fields in their order.
Whatever is shaped otherwise (electrodes off, other groups, monitor alarms, anything broken) is left to protobuf.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numba import njit

from . import ecgstream_pb2 as pb
from .codec import MAX_PAYLOAD_BYTES
from .content_types import content_type

_CHUNK = content_type(pb.Chunk)
# A field's number and wire type, as they stand in the bytes (protobuf's encoding, "Encoding" in its documentation).
_STREAM_ID, _SEQUENCE, _START, _GROUP, _PATIENT = 0x12, 0x18, 0x21, 0x2A, 0x32
_LAYOUT, _SAMPLES, _PACER = 0x0A, 0x12, 0x22
_MARK = 0x08, 0x10, 0x18
"""Start, stop and channel of a range; each may be left out."""
_VARINT_BITS = 63
_STREAM_AT, _STREAM_END, _LAYOUT_AT, _LAYOUT_END, _SEQUENCE_IS, _START_IS, _SAMPLES_AT, _SAMPLES_END = range(8)
_MARKS_FROM, _MARKS_TO = 8, 9
_MOST_MARKS = 1_024
"""Of all messages read at once; the message that has more is left to protobuf."""


class Plain(NamedTuple):
    """Many messages' bytes in one, and what was found there."""

    buffer: np.ndarray  # uint8
    names: list[tuple[bytes, bytes] | None]  # stream id and layout, as they stand there; None: protobuf must look
    numbers: np.ndarray  # int64 (messages, 6): sequence, start_ns, samples' first byte, their bytes, marks' first, stop
    marks: np.ndarray  # int64 (marks, 3): first sample of a pace pulse, the one behind it, and channel, -1 for all


def read_plain(payloads: Sequence[bytes], content_types: Sequence[str]) -> Plain:
    """What each message says of its samples, as far as that stands where it nearly always does. Ids and layouts are
    anything yet: who knows them knows that they are right."""
    ends = np.zeros(len(payloads) + 1, np.int64)
    np.cumsum([len(payload) for payload in payloads], out=ends[1:])
    joined = b"".join(payloads)
    buffer, fields = np.frombuffer(joined, np.uint8), np.empty((len(payloads), 10), np.int64)
    marks = np.empty((_MOST_MARKS, 3), np.int64)
    n_marks = _read_all(buffer, ends, fields, marks)
    names = [
        (joined[at:end], joined[layout_at:layout_end]) if at >= 0 and of_type == _CHUNK else None
        for (at, end, layout_at, layout_end), of_type in zip(fields[:, :4].tolist(), content_types, strict=True)
    ]
    fields[:, _SAMPLES_END] -= fields[:, _SAMPLES_AT]
    return Plain(buffer, names, fields[:, _SEQUENCE_IS:], marks[:n_marks])


# One look at each message's first and last bytes; the samples between are passed over. That takes some microseconds: to
# let go of the interpreter lock, and wait for it again, would take longer.
@njit(cache=True)
def _read_all(buffer, ends, fields, marks):
    """Rows of ``fields`` int64 (messages, 10); -1 first where protobuf must look. How many ``marks`` were written."""
    n_marks = 0
    for m in range(len(fields)):
        own = marks[n_marks:]
        n = -1 if ends[m + 1] - ends[m] > MAX_PAYLOAD_BYTES else _read(buffer, ends[m], ends[m + 1], fields[m], own)
        fields[m, _MARKS_FROM] = n_marks
        n_marks += max(n, 0)
        fields[m, _MARKS_TO] = n_marks
        if n < 0:
            fields[m, _STREAM_AT] = -1
    return n_marks


@njit(cache=True, nogil=True)
def _read(buffer, at, end, fields, marks):
    """How many marks there are; -1 where protobuf must look."""
    fields[:] = 0
    if at + 2 <= end and buffer[at] == 0x08 and buffer[at + 1] == 0x01:  # version 1
        at += 2
    fields[_STREAM_AT], at = _enter(buffer, at, end, _STREAM_ID)
    if at < 0:
        return -1
    fields[_STREAM_END] = at
    if at < end and buffer[at] == _SEQUENCE:
        fields[_SEQUENCE_IS], at = _varint(buffer, at + 1, end)
        if at < 0:
            return -1
    if at + 9 <= end and buffer[at] == _START:
        for place in range(8):
            fields[_START_IS] |= np.int64(buffer[at + 1 + place]) << (8 * place)
        if fields[_START_IS] < 0:
            return -1
        at += 9
    group, group_end = _enter(buffer, at, end, _GROUP)
    fields[_LAYOUT_AT], fields[_LAYOUT_END] = _enter(buffer, group, group_end, _LAYOUT)
    fields[_SAMPLES_AT], fields[_SAMPLES_END] = _enter(buffer, fields[_LAYOUT_END], group_end, _SAMPLES)
    if fields[_SAMPLES_END] < 0 or not (group_end == end or _is_patient(buffer, group_end, end)):
        return -1
    return _read_marks(buffer, fields[_SAMPLES_END], group_end, marks)


@njit(cache=True, nogil=True)
def _read_marks(buffer, at, end, marks):
    """Fill ``marks``, all that is left of a group; how many there are, or -1."""
    n = 0
    while at < end:
        at, mark_end = _enter(buffer, at, end, _PACER)
        if at < 0 or n == len(marks):
            return -1
        marks[n, 0], marks[n, 1], marks[n, 2] = 0, 0, -1
        for column, key in enumerate(_MARK):
            if at < mark_end and buffer[at] == key:
                marks[n, column], at = _varint(buffer, at + 1, mark_end)
                if at < 0 or marks[n, column] > 0xFFFFFFFF:
                    return -1
        if at != mark_end:
            return -1
        n += 1
    return n


@njit(cache=True, nogil=True)
def _is_patient(buffer, at, end):
    """Whether all that is left is who the patient is, in ASCII, which is text surely."""
    at, stop = _enter(buffer, at, end, _PATIENT)
    if stop != end:
        return False
    return (buffer[at:stop] < 0x80).all()


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
