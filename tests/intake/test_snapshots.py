"""A stream taken up from a snapshot gets, from the same chunks, the same places as if nothing had happened."""

from __future__ import annotations

import json
from fractions import Fraction
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgstream.errors import StateError
from ecgstream.intake import Intake
from ecgstream.settings import IntakeSettings
from ecgstream.waveform import CODE_MISSING, Chunk, RawBlock

from .monitor import RATES, chunk, layout, signal

SECONDS = 20
NEVER = 1 << 40
PROPERTY = settings(max_examples=40, deadline=None)


class Taker:
    """An intake of one bed, and its hops as they were handed out."""

    def __init__(self, intake: Intake | None = None):
        self.intake = intake or Intake(IntakeSettings())
        self.hops: dict[int, tuple] = {}
        self.cold: list[int] = []

    def play(self, chunks: list[Chunk]) -> None:
        for one in chunks:
            if not self.intake.accept(one, one.start_ns):
                self.take()
                assert self.intake.accept(one, one.start_ns)
        self.take()

    def take(self) -> None:
        while blocks := self.intake.take(1):
            for block in blocks:
                self._keep(block)

    def _keep(self, block: RawBlock) -> None:
        hop = int(block.first_hop[0])
        assert hop not in self.hops
        self.cold += [hop] * bool(block.new_segment[0])
        self.hops[hop] = (int(block.segment_hop[0]), int(block.first_native[0]), block.raw[0].tobytes())


def as_sent(rng: Random, fs: Fraction) -> list[Chunk]:
    """Chunks with jitter, some lost, doubled or late; maybe another layout, and numbers that begin anew."""
    samples = signal(int(SECONDS * fs))
    bounds = sorted({0, samples.shape[1], *rng.sample(range(1, samples.shape[1]), rng.randint(10, 60))})
    turn, anew = rng.randint(5, 2 * len(bounds)), rng.random() < 0.5
    chunks = []
    for k, (a, b) in enumerate(zip(bounds, bounds[1:], strict=False)):
        of = layout(fs, 2) if k < turn else layout(fs, 1)
        number = k - turn if anew and k >= turn else k + 1000
        start_s = float(a / fs) + rng.uniform(-0.05, 0.05)
        chunks.append(chunk(number, start_s, samples[: len(of.channels), a:b], of))
    kept = chunks[:2] + [c for c in chunks[2:] if rng.random() < 0.9]
    for _ in range(rng.randint(0, 6)):
        at = rng.randrange(len(kept))
        kept.insert(at + 1, kept[at])
    for _ in range(rng.randint(0, 6)):
        at = rng.randrange(len(kept) - 1)
        kept[at], kept[at + 1] = kept[at + 1], kept[at]
    return kept


@pytest.mark.parametrize("fs", [*RATES[:3], RATES[5]])
@PROPERTY
@given(rng=st.randoms(use_true_random=True))
def test_whoever_takes_a_stream_up_places_what_follows_as_before(fs: Fraction, rng: Random):
    chunks = as_sent(rng, fs)
    at, more = (rng.randint(0, len(chunks)) for _ in range(2))
    whole = Taker()
    whole.play(chunks[:at])
    if at == 0:
        snapshot: dict | None = {}
    else:
        snapshot = whole.intake.snapshot(0)
        if snapshot is None:
            assert whole.intake._table.by_row[0].timeline.held
            return
    first = int(whole.intake.next_hop[0])
    whole.play(chunks[at : at + more])
    until = int(whole.intake.next_hop[0])
    whole.play(chunks[at + more :])

    after = Taker()
    row = after.intake.resume("bed", json.loads(json.dumps(snapshot)), until)
    after.play(chunks[at : at + more])
    assert after.intake.next_hop[row] == until
    for one in chunks[at + more : at + more + 1]:
        after.intake.accept(one, one.start_ns)
    after.take()
    assert set(after.hops) == {hop for hop in whole.hops if first <= hop < until}, "held at the hop it was told"
    after.intake.release_hold(row)
    after.take()
    after.play(chunks[at + more + 1 :])

    assert set(after.hops) == {hop for hop in whole.hops if hop >= first}
    for hop, (segment, native, raw) in after.hops.items():
        assert (segment, native) == whole.hops[hop][:2]
        mine, theirs = (np.frombuffer(one, np.int16) for one in (raw, whole.hops[hop][2]))
        assert ((mine == theirs) | (mine == CODE_MISSING)).all()
        if snapshot and segment == snapshot["segment_hop"] and native < snapshot["frontier"] + fs:
            continue  # near the frontier what came before reads as missing
        assert raw == whole.hops[hop][2]
    assert not after.hops or min(after.hops) in after.cold
    assert after.intake.snapshot(row) == whole.intake.snapshot(0)


def test_what_came_before_reads_as_missing_and_nothing_else_does():
    fs = Fraction(360)
    samples = signal(3600)
    chunks = [chunk(k, k, samples[:, 360 * k : 360 * k + 360], layout(fs)) for k in range(10)]
    before = Taker()
    before.play(chunks[:4])
    after = Taker()
    after.intake.resume("bed", before.intake.snapshot(0), NEVER)
    after.play(chunks[4:])
    assert list(after.hops) == list(range(20, 50)) and after.cold == [20]
    _, native, raw = after.hops[20]
    raw = np.frombuffer(raw, np.int16).reshape(2, -1)
    history = raw.shape[1] - 72
    assert native == 1439 and (raw[:, : history + 1] == CODE_MISSING).all()
    assert (raw[:, history + 1 :] == samples[:, 1440 : 1440 + 71]).all()


def test_there_is_no_snapshot_while_chunks_wait():
    samples = signal(250)
    intake = Intake(IntakeSettings())
    intake.accept(chunk(0, 0, samples), 0)
    assert intake.snapshot(0)["frontier"] == 250
    intake.accept(chunk(2, 2, samples), 0)
    assert intake.snapshot(0) is None
    intake.accept(chunk(1, 1, samples), 0)
    assert intake.snapshot(0)["frontier"] == 750


@pytest.mark.parametrize("spoilt", [{"starts": [1]}, {"layout": [0, 250]}, {"frontier": "x"}, {"fs_hz": [1, 0]}])
def test_a_snapshot_nobody_can_read_leaves_the_row_free(spoilt: dict):
    intake = Intake(IntakeSettings())
    intake.accept(chunk(0, 0, signal(250)), 0)
    taken = intake.snapshot(0)
    other = Intake(IntakeSettings())
    with pytest.raises(StateError, match="'bed'"):
        other.resume("bed", taken | spoilt, 0)
    assert other.row_of == {} and other.resume("bed", taken, NEVER) == 0
    with pytest.raises(StateError, match="running"):
        other.resume("bed", taken, NEVER)


def test_a_row_let_go_of_holds_nothing_back_from_the_next_stream():
    intake = Intake(IntakeSettings())
    row = intake.resume("gone", {}, 0)
    intake.forget(row)
    intake.accept(chunk(0, 0, signal(250)), 0)
    assert intake.row_of == {"bed": row} and [block.n_hops for block in intake.take(25)] == [5]
