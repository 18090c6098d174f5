"""A made-up monitor that cuts a known signal into chunks, and an ear that puts blocks together again."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from functools import cache

import numpy as np

from ecgstream.intake import Intake
from ecgstream.settings import IntakeSettings
from ecgstream.waveform import CODE_MISSING, Channel, ChannelGroup, Chunk, GroupKind, Layout, RawBlock

START_NS = 1_700_000_000_000_000_000
SECOND_NS = 1_000_000_000
LEADS = ("I", "II", "V1", "V2", "V3", "V4")
RATES = [Fraction(250), Fraction(360), Fraction(500), Fraction(100), Fraction(125, 2), Fraction(4993, 10)]


@cache
def layout(fs: Fraction = Fraction(250), n_leads: int = 2, kind: GroupKind = GroupKind.ECG) -> Layout:
    channels = tuple(Channel(0, name, "mV", 200.0, 0) for name in LEADS[:n_leads])
    return Layout(kind, fs, channels, tuple(range(n_leads)) if kind == GroupKind.ECG else ())


def signal(n: int, n_leads: int = 2, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-32000, 32000, (n_leads, n)).astype(np.int16)


def chunk(
    sequence: int,
    start_s: float,
    samples: np.ndarray,
    of: Layout | None = None,
    stream_id: str = "bed",
    others: tuple[ChannelGroup, ...] = (),
) -> Chunk:
    group = ChannelGroup(of or layout(n_leads=len(samples)), samples)
    return Chunk(stream_id, sequence, START_NS + round(start_s * SECOND_NS), (group, *others))


def cut(
    samples: np.ndarray, edges: Iterable[int], fs: Fraction = Fraction(250), stream_id: str = "bed", first: int = 0
) -> list[Chunk]:
    """Chunks between the edges, the ends of the signal added; exact start times, numbers from ``first``."""
    bounds = sorted({0, samples.shape[1], *edges})
    of = layout(fs, len(samples))
    return [
        chunk(first + k, float(a / fs), samples[:, a:b], of, stream_id)
        for k, (a, b) in enumerate(zip(bounds, bounds[1:], strict=False))
    ]


class Ear:
    """What intake hands out, put together per segment; checks each block's own promises on the way."""

    def __init__(self):
        self.segments: dict[int, np.ndarray] = {}  # by first hop: int16 (channels, native samples)
        self.hops: list[int] = []

    def hear(self, block: RawBlock, i: int) -> None:
        first_hop, segment = int(block.first_hop[i]), int(block.segment_hop[i])
        assert block.new_segment[i] == (first_hop == segment) == (segment not in self.segments)
        before = self.segments.get(segment, np.empty((block.raw.shape[1], 0), np.int16))
        first = int(block.first_native[i])
        own = block.raw[i][:, block.history + max(0, -first) :]
        assert max(first, 0) == before.shape[1], "blocks follow one another without a hole"
        blank = np.full((len(before), block.history + max(0, -first)), CODE_MISSING, np.int16)
        lead_in = np.concatenate([blank, before], 1)[:, -blank.shape[1] :]
        assert (block.raw[i][:, : blank.shape[1]] == lead_in).all(), "history is what came before"
        self.segments[segment] = np.concatenate([before, own], 1)
        self.hops += range(first_hop, first_hop + block.n_hops)


class Listener:
    """An intake, and an ear for every stream."""

    def __init__(self, max_hops: int = 25, **settings: float):
        self.intake = Intake(IntakeSettings(**settings))
        self.ears: dict[str, Ear] = {}
        self.max_hops = max_hops

    def accept(self, one: Chunk, arrived_ns: int | None = None) -> None:
        """As the pipeline does: after a refusal take everything, and offer once more."""
        arrived_ns = one.start_ns if arrived_ns is None else arrived_ns
        if not self.intake.accept(one, arrived_ns):
            self.take()
            assert self.intake.accept(one, arrived_ns), "accepted after everything has been taken"

    def take(self) -> None:
        while blocks := self.intake.take(self.max_hops):
            for block in blocks:
                assert (np.diff(block.rows) > 0).all() and block.n_hops <= self.max_hops
                for i, row in enumerate(block.rows.tolist()):
                    self.ears.setdefault(self.intake.stream_id(row), Ear()).hear(block, i)

    def play(self, chunks: Iterable[Chunk]) -> Ear:
        for one in chunks:
            self.accept(one)
        self.take()
        return self.ears.get("bed", Ear())


def listen(chunks: Iterable[Chunk], **settings: float) -> Ear:
    return Listener(**settings).play(chunks)


def same(one: Ear, other: Ear) -> bool:
    return (
        one.hops == other.hops
        and one.segments.keys() == other.segments.keys()
        and all(np.array_equal(one.segments[hop], other.segments[hop]) for hop in one.segments)
    )
