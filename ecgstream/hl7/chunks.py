"""Waveforms of a message to chunks of the wire, and the sequence number each gets: HL7 has none."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable
from typing import NamedTuple

from ..errors import Hl7Error, WireError
from ..waveform import GroupKind
from ..wire import ecgstream_pb2 as pb
from ..wire.codec import content_type, decode_chunk
from .refusals import Refused
from .wave import Wave

CONTENT_TYPE = content_type("chunk")
REMEMBERED = 64
"""Blocks of a stream whose start is kept, to know one sent again by."""
MOST_STREAMS = 20_000
"""The longest silent is forgotten."""


class Placed(NamedTuple):
    """A block of time of one stream and its number."""

    start_ns: int
    lasts_ns: int
    sequence: int


class Numbering:
    """Numbers each stream's blocks by their start, so that a lost one is seen and one sent again is known.

    The next number is as many further as the block lies further in time, counted in the length of the one before and
    rounded: what a clock drifts or jitters by half a block changes nothing. A block that begins where one of the last
    began has that one's number; else a clock that went back is a clock that was set, and the block is the next. The
    first number is the time, in blocks: after a restart numbers go on about where they were.
    """

    def __init__(self) -> None:
        self._placed: OrderedDict[str, deque[Placed]] = OrderedDict()

    def number(self, stream_id: str, start_ns: int, lasts_ns: int) -> int:
        """The sequence number of a block."""
        placed = self._placed.setdefault(stream_id, deque(maxlen=REMEMBERED))
        self._placed.move_to_end(stream_id)
        if len(self._placed) > MOST_STREAMS:
            self._placed.popitem(last=False)
        if not placed:
            sequence = start_ns // lasts_ns
        elif (known := self._known(placed, start_ns)) is not None:
            return known
        else:
            last = placed[-1]
            sequence = last.sequence + max(1, round((start_ns - last.start_ns) / last.lasts_ns))
        placed.append(Placed(start_ns, lasts_ns, sequence))
        return sequence

    @staticmethod
    def _known(placed: deque[Placed], start_ns: int) -> int | None:
        if start_ns > placed[-1].start_ns:
            return None
        return next((block.sequence for block in placed if block.start_ns == start_ns), None)


def chunks(waves: Iterable[Wave], stream_id: str, patient: str, numbering: Numbering) -> list[bytes]:
    """A payload for each block of time that has an ECG, earliest first. Raises Hl7Error by the rules of docs/wire.md.

    A block of other signals alone has no place in ecgstream and gives none.
    """
    blocks: dict[int, list[Wave]] = {}
    for wave in waves:
        blocks.setdefault(wave.start_ns, []).append(wave)
    ready = []
    for start_ns, block in sorted(blocks.items()):
        if ecg := [wave for wave in block if wave.kind is GroupKind.ECG]:
            chunk = pb.Chunk(version=1, stream_id=stream_id, start_time_ns=start_ns, patient_reference=patient)
            chunk.groups.extend(_groups(block))
            ready.append((chunk, round(ecg[0].samples.size / ecg[0].fs_hz * 1_000_000_000)))
    for chunk, _ in ready:  # all of a message or none of it: numbers are given last
        _check(chunk)
    return [_numbered(chunk, numbering.number(stream_id, chunk.start_time_ns, lasts_ns)) for chunk, lasts_ns in ready]


def _groups(block: list[Wave]) -> list[pb.ChannelGroup]:
    together: dict[tuple, list[Wave]] = {}
    for wave in block:
        together.setdefault((wave.kind, wave.fs_hz), []).append(wave)
    return [_group(waves) for waves in together.values()]


def _group(waves: list[Wave]) -> pb.ChannelGroup:
    first = waves[0]
    if len({wave.samples.size for wave in waves}) > 1:
        raise Hl7Error(
            Refused.BAD_SAMPLES,
            f"Channels of {first.kind.name} have {sorted({wave.samples.size for wave in waves})} samples in one block; "
            "at one rate there must be as many of each.",
            "OBX-5",
        )
    layout = pb.GroupLayout(
        kind=int(first.kind),
        fs_numerator=first.fs_hz.numerator,
        fs_denominator=first.fs_hz.denominator,
        channels=[
            pb.Channel(
                mdc_code=wave.code,
                name=wave.name,
                unit=wave.unit,
                gain=wave.gain,
                baseline=wave.baseline,
                invalid_value=wave.invalid,
            )
            for wave in waves
        ],
    )
    return pb.ChannelGroup(layout=layout, samples=b"".join(wave.samples.astype("<i2").tobytes() for wave in waves))


def _check(chunk: pb.Chunk) -> None:
    """What the daemon would refuse is refused here, where the sender can be told."""
    try:
        decode_chunk(chunk.SerializeToString(), CONTENT_TYPE)
    except WireError as error:
        raise Hl7Error(Refused.BAD_CHUNK, str(error), "OBX") from error


def _numbered(chunk: pb.Chunk, sequence: int) -> bytes:
    chunk.sequence = sequence
    return chunk.SerializeToString()
