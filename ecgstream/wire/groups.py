"""One channel group of a chunk: its samples as an array, its marks, and the rules both must keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..errors import WireError
from ..waveform import ChannelGroup, Layout, SampleRange
from . import ecgstream_pb2 as pb
from .layouts import layout_of
from .refusals import Refusal

MAX_CHUNK_S = 60
MAX_RANGES = 1_024
"""Most lead-off or pacer ranges of a group."""

_INT16_LE = np.dtype("<i2")


def decode_group(message: pb.ChannelGroup) -> ChannelGroup:
    """The group a message holds; ``samples`` is a read-only int16 view (channels, samples) of its bytes.

    Raises WireError naming the rule it breaks.
    """
    group = group_of(layout_of(message.layout.SerializeToString()), message.samples)
    if not (message.lead_off or message.pacer):
        return group
    shape = group.samples.shape
    return replace(group, lead_off=ranges_of(message.lead_off, *shape), pacer=ranges_of(message.pacer, *shape))


def group_of(layout: Layout, data: bytes) -> ChannelGroup:
    """A group without marks. Raises WireError where the samples do not fit the layout."""
    n_channels = len(layout.channels)
    n_samples, rest = divmod(len(data), 2 * n_channels)
    if rest or not n_samples:
        raise WireError(
            Refusal.BAD_SAMPLES,
            f"A {layout.kind.name} group has {len(data)} bytes of samples for {n_channels} channels; it needs a whole "
            f"number of int16 samples per channel, at least one: a multiple of {2 * n_channels} bytes.",
        )
    if n_samples * layout.fs_hz.denominator > MAX_CHUNK_S * layout.fs_hz.numerator:
        raise WireError(
            Refusal.TOO_LONG,
            f"A {layout.kind.name} group lasts {float(n_samples / layout.fs_hz):.1f} s; a chunk may last "
            f"{MAX_CHUNK_S} s, and should last 0.2 to 1 s.",
        )
    return ChannelGroup(layout, np.frombuffer(data, _INT16_LE).reshape(n_channels, n_samples))


def check_durations(groups: Sequence[ChannelGroup]) -> None:
    """Raises WireError unless all groups last as long as the first, to one sample of the slower of the two."""
    first = groups[0]
    for group in groups[1:]:
        fs_hz = min(first.layout.fs_hz, group.layout.fs_hz)
        lasts_s, first_s = (g.samples.shape[1] / g.layout.fs_hz for g in (group, first))
        if abs(lasts_s - first_s) * fs_hz > 1:
            raise WireError(
                Refusal.UNEQUAL_DURATIONS,
                f"The {first.layout.kind.name} group lasts {float(first_s):.3f} s, the {group.layout.kind.name} group "
                f"{float(lasts_s):.3f} s; all groups of a chunk must cover the same time, to one sample.",
            )


def ranges_of(marked: Sequence[pb.SampleRange], n_channels: int, n_samples: int) -> tuple[SampleRange, ...]:
    """The ranges a message marks. Raises WireError for too many, or one that does not lie in the chunk."""
    if len(marked) > MAX_RANGES:
        raise WireError(
            Refusal.BAD_RANGE, f"A group has {len(marked)} marked ranges of one sort; at most {MAX_RANGES} may be."
        )
    return tuple(_range(one, n_channels, n_samples) for one in marked)


def _range(marked: pb.SampleRange, n_channels: int, n_samples: int) -> SampleRange:
    channel = marked.channel if marked.HasField("channel") else -1
    if not (marked.start < marked.stop <= n_samples and channel < n_channels):
        raise WireError(
            Refusal.BAD_RANGE,
            f"The range [{marked.start}, {marked.stop}) of channel {'all' if channel < 0 else channel} does not lie in "
            f"the chunk's {n_samples} samples and {n_channels} channels; count both from 0 in this chunk.",
        )
    return SampleRange(marked.start, marked.stop, channel)
