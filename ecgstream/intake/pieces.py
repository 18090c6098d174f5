"""Chunks that are longer than the arena's room go in piece by piece."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..waveform import ChannelGroup, SampleRange
from .placement import Placement


def in_pieces(placement: Placement, most: int) -> Iterator[Placement]:
    """The placement as one after another of at most ``most`` ECG samples; itself, where that is enough."""
    item = placement.item
    if item.n <= most:
        yield placement
        return
    for start in range(0, item.n, most):
        stop = min(start + most, item.n)
        groups = tuple(_part(group, start, stop, item.n) for group in item.chunk.groups)
        piece = replace(item, chunk=replace(item.chunk, groups=groups), n=stop - start)
        yield Placement(piece, placement.gap if start == 0 else 0, placement.segment_hop if start == 0 else -1)


def _part(group: ChannelGroup, start: int, stop: int, of: int) -> ChannelGroup:
    """The group's samples beside ECG samples ``[start, stop)`` of ``of``."""
    n = group.samples.shape[1]
    first, end = start * n // of, stop * n // of
    lead_off, pacer = (tuple(_clipped(ranges, first, end)) for ranges in (group.lead_off, group.pacer))
    return ChannelGroup(group.layout, group.samples[:, first:end], lead_off, pacer)


def _clipped(ranges: tuple[SampleRange, ...], first: int, end: int) -> Iterator[SampleRange]:
    for marked in ranges:
        if marked.start < end and marked.stop > first:
            yield SampleRange(max(marked.start, first) - first, min(marked.stop, end) - first, marked.channel)
