"""Recordings side by side as rows of one pipeline: rules in one thread, the encoder in another, one block behind; as
many such groups at a time as there are processors, as neither thread keeps one of these busy throughout.

The arena takes chunks of many seconds, and what it hands out is joined into longer blocks: as no cut of the same hops
changes anything (tests/test_invariants.py), what is found is what the daemon finds.
"""

from __future__ import annotations

import math
import os
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event

import numpy as np

from ..clock import ManualClock
from ..diagnosis import Model
from ..metrics import Metrics
from ..observed import Observed
from ..pipeline import MAX_HOPS, Pipeline
from ..settings import Settings
from ..waveform import HOP_S, RawBlock, Reason, Scores
from .feed import Feed
from .findings import Findings, Gatherer

MOST_ROWS = 24
"""Recordings side by side: what a block of them takes stays in the processor's cache."""
MOST_BYTES = 2**30
"""Of recordings side by side, as they lie in memory."""
MOST_BLOCK_HOPS = 75
"""Of a block when few recordings run: as much as leaves rules their look back within what the arena keeps."""
FEW_ROWS = 8
"""Up to here a block's own cost outweighs the cache's."""


def analyse(
    feeds: Sequence[Feed], settings: Settings, model: Model | None, on_progress: Callable[[float], None]
) -> Iterator[Findings]:
    """What is found in each recording; ``on_progress`` hears of signal done with (s), in whichever thread that was. As
    many recordings at a time as ``MOST_ROWS`` and ``MOST_BYTES`` allow for each processor."""
    stopped, at_once = Event(), len(os.sched_getaffinity(0))
    groups = ThreadPoolExecutor(at_once, "group")
    try:
        found = [
            groups.submit(_Group(group, settings, model, on_progress).run, stopped) for group in _groups(feeds, at_once)
        ]
        for group in found:
            yield from group.result()
    finally:
        stopped.set()
        groups.shutdown(cancel_futures=True)


def _groups(feeds: Sequence[Feed], at_once: int) -> Iterator[list[Feed]]:
    """Those of like length together, so that all end at about the same time; a group for each processor, at least."""
    group: list[Feed] = []
    most = min(MOST_ROWS, math.ceil(len(feeds) / at_once))
    for feed in sorted(feeds, key=lambda feed: -feed.duration_s):
        size = sum(each.recording.samples.nbytes for each in (*group, feed))
        if group and (len(group) == most or size > MOST_BYTES):
            yield group
            group = []
        group.append(feed)
    if group:
        yield group


class _Group:
    """One pipeline and the recordings that are its rows."""

    def __init__(
        self, feeds: list[Feed], settings: Settings, model: Model | None, on_progress: Callable[[float], None]
    ):
        few = len(feeds) <= FEW_ROWS
        self._block_hops = MOST_BLOCK_HOPS if few else MAX_HOPS
        self._chunk_s = self._block_hops * HOP_S
        intake = settings.intake.model_copy(update={"ring_s": self._chunk_s + 1, "max_streams": len(feeds)})
        self._clock = ManualClock()
        self._pipeline = Pipeline(settings.model_copy(update={"intake": intake}), model, Metrics(), self._clock)
        self._pipeline.models.served.encoder.take_long_runs()
        self._feeds, self._on_progress = feeds, on_progress
        self._gathered: dict[int, Gatherer] = defaultdict(Gatherer)  # by row
        self._row_of: dict[str, int] = {}
        self._model = model.version if model else ""
        self._waiting: deque[tuple[Observed, Future[Scores]]] = deque()

    def run(self, stopped: Event) -> list[Findings]:
        """Findings in the order of the feeds; up to where it was ``stopped``."""
        playing = {feed.stream_id: feed.chunks(self._chunk_s) for feed in self._feeds}
        with ThreadPoolExecutor(1, "encoder") as encoder:
            while playing and not stopped.is_set():
                for stream_id in list(playing):
                    if (chunk := next(playing[stream_id], None)) is None:
                        del playing[stream_id]
                    else:
                        self._pipeline.intake.accept(chunk, chunk.start_ns)
                        self._row_of[stream_id] = self._pipeline.admit(stream_id)
                for block in self._blocks():
                    seen = self._pipeline.observe(block)
                    served = self._pipeline.models.served.encoder
                    everyone = np.full(len(block.rows), Reason.OK, np.uint8)
                    self._waiting.append((seen, encoder.submit(served.step, seen.conditioned, everyone)))
                    self._conclude(keep=1)
            self._conclude(keep=0)
        return [
            self._gathered[self._row_of[feed.stream_id]].findings(feed.stream_id, feed.recording, self._model)
            for feed in self._feeds
        ]

    def _blocks(self) -> Iterator[RawBlock]:
        """Everything that is complete, in as long blocks as may be."""
        runs: list[list[RawBlock]] = []
        while taken := self._pipeline.intake.take(MAX_HOPS):
            for block in taken:
                before = next((run for run in reversed(runs) if np.isin(run[0].rows, block.rows).any()), None)
                if before and _is_followed_by(before[0], block):
                    before.append(block)
                else:
                    runs.append([block])
        return map(joined, runs)

    def _conclude(self, keep: int) -> None:
        """Alarms, in order, of all blocks but the last ``keep``, as soon as the encoder has done its part."""
        while len(self._waiting) > keep:
            seen, scores = self._waiting.popleft()
            step = self._pipeline.conclude(seen, scores.result())
            for place, row in enumerate(seen.conditioned.rows.tolist()):
                self._gathered[row].take(step, place)
            for update in step.updates:
                self._gathered[update.row].updates.append(update)
            self._on_progress(len(seen.conditioned.rows) * seen.conditioned.n_hops * HOP_S)


def _is_followed_by(first: RawBlock, block: RawBlock) -> bool:
    """Whether later hops of the same rows go on where those of ``first`` and what follows it end."""
    return np.array_equal(first.rows, block.rows) and not block.new_segment.any()


def joined(blocks: Sequence[RawBlock]) -> RawBlock:
    """Blocks of the same rows whose hops follow each other, as one."""
    first = blocks[0]
    if len(blocks) == 1:
        return first
    raw = np.concatenate([first.raw, *(block.raw[:, :, block.history :] for block in blocks[1:])], 2)
    marks = [np.zeros((len(b.rows), b.raw.shape[2]), bool) if b.pacer is None else b.pacer for b in blocks]
    return RawBlock(
        rows=first.rows,
        n_hops=sum(block.n_hops for block in blocks),
        first_hop=first.first_hop,
        segment_hop=first.segment_hop,
        new_segment=first.new_segment,
        fs_hz=first.fs_hz,
        history=first.history,
        first_native=first.first_native,
        raw=raw,
        slots=first.slots,
        mv_per_adu=first.mv_per_adu,
        baseline_adu=first.baseline_adu,
        pacer=np.concatenate([marks[0], *(mark[:, first.history :] for mark in marks[1:])], 1),
    )
