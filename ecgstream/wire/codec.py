"""Bytes to messages and back; a chunk's bytes to a ``waveform.Chunk`` with every rule of docs/wire.md checked.

Per message the cost is one protobuf parse and a look-up: layouts are checked once and shared, samples are not copied
after protobuf has handed them over. Chunks of the usual shape go a shorter way, many at once: ``plain``.
"""

from __future__ import annotations

from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message

from ..errors import WireError
from ..waveform import ChannelGroup, Chunk, GroupKind, Layout, MonitorAlarm, SampleRange
from . import ecgstream_pb2 as pb
from .content_types import MAJOR, Format, content_type, meaning, message_name
from .controls import check_control, check_text
from .groups import check_durations, decode_group
from .layouts import MAX_CHANNELS
from .refusals import Refusal

MAX_PAYLOAD_BYTES = 4 * 2**20
MAX_MONITOR_ALARMS = 64
_LAST = 2**63 - 1
"""Every room counts in int64. A start time beyond it (year 2262) is cut to it: intake calls it a wild clock anyway."""

__all__ = ["content_type", "decode", "decode_chunk", "decode_control", "encode", "encode_chunk"]


def encode(message: Message, fmt: Format = "protobuf") -> tuple[str, bytes]:
    """Content type and payload of any message of the schema; JSON is protobuf's own mapping, on one line."""
    if fmt == "protobuf":
        return content_type(message, fmt), message.SerializeToString()
    return content_type(message, fmt), json_format.MessageToJson(message, indent=None).encode()


def decode(payload: bytes, content_type: str) -> Message:
    """The message a payload holds. Fields this version does not know are ignored.

    Raises WireError when it is too large, cannot be parsed, or is of another major version.
    """
    message_class, fmt = meaning(content_type)
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise WireError(
            Refusal.OVERSIZE, f"The payload has {len(payload)} bytes; at most {MAX_PAYLOAD_BYTES} are accepted."
        )
    message = (_from_protobuf if fmt == "protobuf" else _from_json)(message_class, payload)
    if message.version not in (0, MAJOR):
        raise WireError(
            Refusal.UNKNOWN_VERSION,
            f"The {message_name(message_class)} states major version {message.version}; this ecgstream speaks version "
            f"{MAJOR} only. Send version {MAJOR}, or upgrade ecgstream.",
        )
    return message


def decode_chunk(payload: bytes, content_type: str) -> Chunk:
    """The chunk a payload holds, its ECG group first, samples a read-only view (channels, samples).

    Raises WireError naming the rule it breaks; ``reason`` is a ``Refusal``.
    """
    message = decode(payload, content_type)
    if message.__class__ is not pb.Chunk:
        raise _wrong("chunk", message)
    check_text(Refusal.BAD_STREAM_ID, "stream id", message.stream_id, may_be_empty=False)
    sequence = message.sequence
    if sequence > _LAST:
        raise WireError(Refusal.BAD_SEQUENCE, f"The sequence number {sequence} is above 2^63 - 1; count chunks from 0.")
    return Chunk(
        message.stream_id,
        sequence,
        min(message.start_time_ns, _LAST),
        _groups([decode_group(group) for group in message.groups]),
        message.patient_reference or None,
        _monitor_alarms(message) if message.monitor_alarms else (),
    )


def decode_control(payload: bytes, content_type: str) -> pb.Control:
    """The control request a payload holds. Raises WireError naming the rule it breaks."""
    message = decode(payload, content_type)
    if not isinstance(message, pb.Control):
        raise _wrong("control", message)
    check_control(message)
    return message


def encode_chunk(chunk: Chunk) -> pb.Chunk:
    """The wire form of a chunk, for producers; ``decode_chunk`` gives the chunk back."""
    return pb.Chunk(
        version=MAJOR,
        stream_id=chunk.stream_id,
        sequence=chunk.sequence,
        start_time_ns=chunk.start_ns,
        groups=[_group_message(group) for group in chunk.groups],
        patient_reference=chunk.patient or "",
        monitor_alarms=[alarm_message(alarm) for alarm in chunk.monitor_alarms],
    )


def _from_protobuf(message_class: type[Message], payload: bytes) -> Message:
    try:
        return message_class.FromString(payload)
    except DecodeError as error:
        name = message_name(message_class)
        raise WireError(
            Refusal.BAD_PROTOBUF, f"The payload is not a protobuf {name} ({error}); is its content type right?"
        ) from error


def _from_json(message_class: type[Message], payload: bytes) -> Message:
    try:
        return json_format.Parse(payload, message_class(), ignore_unknown_fields=True)
    # json_format lets some faults of the text through as what they tripped over.
    except (json_format.ParseError, ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        name = message_name(message_class)
        raise WireError(
            Refusal.BAD_JSON, f"The payload is not the JSON of a {name}: {str(error)[:200]}; see docs/wire.md."
        ) from error


def _groups(groups: list[ChannelGroup]) -> tuple[ChannelGroup, ...]:
    """ECG first. Raises WireError unless there is one such group, and all go together."""
    if len(groups) > MAX_CHANNELS:
        raise WireError(Refusal.BAD_CHANNELS, f"The chunk has {len(groups)} groups; {MAX_CHANNELS} may be.")
    n_others = sum(map(_is_other, groups))
    if len(groups) - n_others != 1:
        raise WireError(
            Refusal.NOT_ONE_ECG, f"The chunk has {len(groups) - n_others} ECG groups; it must have exactly one."
        )
    if not n_others:
        return tuple(groups)
    groups = sorted(groups, key=_is_other)
    if (n_channels := sum(len(group.layout.channels) for group in groups)) > MAX_CHANNELS:
        raise WireError(
            Refusal.BAD_CHANNELS, f"The chunk has {n_channels} channels; all groups together may have {MAX_CHANNELS}."
        )
    check_durations(groups)
    return tuple(groups)


def _is_other(group: ChannelGroup) -> bool:
    return group.layout.kind is not GroupKind.ECG


def _monitor_alarms(message: pb.Chunk) -> tuple[MonitorAlarm, ...]:
    if len(message.monitor_alarms) > MAX_MONITOR_ALARMS:
        raise WireError(
            Refusal.TOO_MANY_ALARMS,
            f"The chunk carries {len(message.monitor_alarms)} monitor alarms; at most {MAX_MONITOR_ALARMS} fit.",
        )
    return tuple(monitor_alarm(alarm) for alarm in message.monitor_alarms)


def monitor_alarm(alarm: pb.MonitorAlarm) -> MonitorAlarm:
    """The alarm that a message states."""
    return MonitorAlarm(alarm.mdc_code, alarm.name, min(alarm.start_time_ns, _LAST), not alarm.ended, alarm.priority)


def _wrong(wanted: str, message: Message) -> WireError:
    return WireError(Refusal.WRONG_MESSAGE, f"A {wanted} is expected here, and a {message_name(type(message))} came.")


def _group_message(group: ChannelGroup) -> pb.ChannelGroup:
    return pb.ChannelGroup(
        layout=_layout_message(group.layout),
        samples=group.samples.astype("<i2").tobytes(),
        lead_off=[_range_message(marked) for marked in group.lead_off],
        pacer=[_range_message(marked) for marked in group.pacer],
    )


def _layout_message(layout: Layout) -> pb.GroupLayout:
    return pb.GroupLayout(
        kind=int(layout.kind),
        fs_numerator=layout.fs_hz.numerator,
        fs_denominator=layout.fs_hz.denominator,
        channels=[
            pb.Channel(
                mdc_code=channel.code,
                name=channel.name,
                unit=channel.unit,
                gain=channel.gain,
                baseline=channel.baseline,
                invalid_value=channel.invalid_value,
            )
            for channel in layout.channels
        ],
    )


def _range_message(marked: SampleRange) -> pb.SampleRange:
    return pb.SampleRange(start=marked.start, stop=marked.stop, channel=None if marked.channel < 0 else marked.channel)


def alarm_message(alarm: MonitorAlarm) -> pb.MonitorAlarm:
    """The wire form of a monitor's alarm; ``monitor_alarm`` gives it back."""
    return pb.MonitorAlarm(
        mdc_code=alarm.code,
        name=alarm.name,
        start_time_ns=alarm.start_ns,
        ended=not alarm.active,
        priority=alarm.priority,
    )
