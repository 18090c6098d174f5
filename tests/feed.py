"""A made-up patient whose rhythm is known, cut into messages as a test wants them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ecgstream.sources.message import Message
from ecgstream.waveform import Channel, ChannelGroup, Chunk, GroupKind, Layout
from ecgstream.wire.codec import encode, encode_chunk
from ecgstream.wire.leads import assign_slots

START_NS = 1_700_000_000_000_000_000
SECONDS = 24


def signal(fs: int, leads: int, seed: int) -> np.ndarray:
    """A made-up rhythm that changes its rate, stops for 6 s, and fibrillates at the end; int16 (leads, samples)."""
    rng = np.random.default_rng(seed)
    t = np.arange(SECONDS * fs) / fs
    beats = np.concatenate([np.arange(0.4, 7, 0.75), np.arange(13.2, 18, 0.5)])
    qrs = sum(np.exp(-(((t - b) / 0.012) ** 2)) + 0.25 * np.exp(-(((t - b - 0.25) / 0.05) ** 2)) for b in beats)
    fibrillation = 0.4 * np.sin(2 * np.pi * 4.7 * t + np.sin(2 * np.pi * 0.6 * t)) * (t > 18)
    gains = rng.uniform(0.6, 1.4, (leads, 1))
    mv = gains * (qrs + fibrillation) + 0.01 * rng.standard_normal((leads, len(t)))
    return np.round(200 * mv).astype(np.int16)


@dataclass
class Bed:
    """One stream: its samples and where they are cut."""

    stream_id: str
    fs: int = 250
    names: tuple[str, ...] = ("I", "II", "V1")
    seed: int = 0
    cuts: tuple[int, ...] = ()
    missing: tuple[tuple[int, int], ...] = ()  # [start, stop) samples that never arrive; cut there, too

    def messages(self) -> list[tuple[float, Message]]:
        samples = signal(self.fs, len(self.names), self.seed)
        channels = tuple(Channel(0, name, "mV", 200.0, 0) for name in self.names)
        layout = Layout(GroupKind.ECG, Fraction(self.fs), channels, assign_slots(channels))
        edges = sorted({0, samples.shape[1], *self.cuts, *(edge for gap in self.missing for edge in gap)})
        out = []
        for sequence, (start, stop) in enumerate(zip(edges, edges[1:], strict=False)):
            if any(a <= start < b for a, b in self.missing):
                continue
            group = ChannelGroup(layout, samples[:, start:stop])
            chunk = Chunk(self.stream_id, sequence, START_NS + round(start * 1e9 / self.fs), (group,))
            content_type, payload = encode(encode_chunk(chunk))
            out.append((stop / self.fs, Message(payload, content_type, START_NS, None)))
        return out
