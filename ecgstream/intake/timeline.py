"""Which place on its stream a chunk has, from sequence numbers and start times. No samples are touched here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from ..settings import IntakeSettings
from ..waveform import GRID_HZ, HOP_SAMPLES, Layout
from .clock_fit import ClockFit
from .placement import Item, Placement
from .rate import Rate
from .tracks import FRONTIER, HZ, LAST_N, NEXT_SEQUENCE, SEEN, Tracks

_GIVEN_UP, UNKNOWN = -1, -2
"""In place of a start time: its place was given up; the number may have come before the stream was taken up."""


def _count(column: int) -> property:
    """A number of the row's track, as an attribute."""
    return property(lambda of: of._counts[column], lambda of, value: of._counts.__setitem__(column, value))


class Timeline:
    """The order of one stream's chunks.

    Chunks leave strictly by sequence number, so what is placed is the same in whatever order they came. One that is
    ahead of a missing number waits until the missing one comes, or until ``lateness_s`` of samples wait: then the place
    is given up and becomes a gap, as long as the clock says. (Waiting costs no time: the hops after a hole cannot go
    before the hole itself, which must stay open that long.)

        sequence      7  8  _ 10 11 12          9 missing; 10 and 11 wait;
        placed        7  8                      with 12 two seconds wait: a gap of 9's length, then 10, 11, 12

    Next in sequence is next in place, whatever the clock says within ``clock_step_s``. A clock that jumped further
    makes the chunk wait for the next one. If that one agrees, a jump forward is a gap and a jump back only re-bases the
    fit (samples are never laid over one another); if not, the first was a glitch and nothing happened:

        start (s)     0  1  2  7  8             7 agrees with 8: 4 s of gap before it
        start (s)     0  1  2 -3 -2             -3 agrees with -2: contiguous, the fit is 6 s earlier from here
        start (s)     0  1  2  7  4             7 does not agree with 4: contiguous, 7 is not believed

    A number below the next one is a duplicate or late if its start time is as old as its number; else the monitor began
    anew: what waits is placed, then a new segment begins.
    """

    __slots__ = (
        "_settings", "counts", "_rate", "layout", "segment_hop", "trusted", "fit", "held", "starts", "_counts", "_fits",
    )  # fmt: skip

    frontier, next_sequence, last_n = _count(FRONTIER), _count(NEXT_SEQUENCE), _count(LAST_N)

    def __init__(self, settings: IntakeSettings, counts: Counter[str], track: Tracks):
        self._settings = settings
        self.counts = counts
        self._counts, self._fits = memoryview(track.counts), memoryview(track.fits)
        self._rate: Rate | None = None
        self.layout: Layout | None = None  # None: whatever comes next begins a segment
        self.segment_hop = 0
        self.trusted = True
        self.held: dict[int, Item] = {}
        self.frontier = self.next_sequence = self.last_n = 0
        self.fit = ClockFit(track)
        self.fit.restart(0.0, 0)
        self.starts = track.starts
        self.starts[:] = _GIVEN_UP

    def offer(self, item: Item) -> list[Placement]:
        """Everything that has a place now that ``item`` is here."""
        sequence = item.chunk.sequence
        if item.trusted and self.follow(sequence, item.chunk.start_ns, item.chunk.groups[0].layout, item.n):
            return [Placement(item, 0, -1)]
        if self.rate is None:
            self.next_sequence = sequence
        elif sequence < self.next_sequence:
            return self._begin_anew(item) if self._is_restart(item) else []
        elif (waiting := self.held.get(sequence)) is not None:
            if waiting.chunk.start_ns == item.chunk.start_ns:
                self.counts["duplicate"] += 1
                return []
            self.counts["late"] += 1  # a leftover of a run before; the newer one has the number
        if self.held:
            self._slot_in(item)
        self.held[sequence] = item
        return self._settle()

    @property
    def rate(self) -> Rate | None:
        """Of the running segment, or the one before; None until the first chunk."""
        return self._rate

    @rate.setter
    def rate(self, rate: Rate) -> None:
        self._rate, self._fits[HZ] = rate, rate.hz

    def follow(self, sequence: int, start_ns: int, layout: Layout, n: int) -> bool:
        """Place a chunk about which there is nothing to decide, as nearly always: next, and its clock believed.

        Otherwise False, and nothing is changed.
        """
        if sequence != self.next_sequence or self.held or layout is not self.layout or not self.trusted:
            return False
        x_s = self.frontier / self.rate.hz
        step_s = self.fit.ahead_s(x_s, start_ns) / (1.0 + self.fit.drift)
        if not abs(step_s * self.rate.hz) <= self._tolerance:
            return False
        self.fit.observe(x_s, start_ns)
        self.frontier += n
        self.next_sequence, self.last_n = sequence + 1, n
        self.starts[sequence % SEEN] = start_ns
        return True

    @property
    def newest_grid(self) -> int:
        """Grid samples of the stream whose native samples have a place."""
        return self.segment_hop * HOP_SAMPLES + self.rate.grid_stop(self.frontier)

    def time_ns(self, grid_sample: int) -> int:
        """UTC of a grid sample by the clock fit, nanoseconds since 1970."""
        return self.fit.time_ns((grid_sample - self.segment_hop * HOP_SAMPLES) / GRID_HZ)

    def grid_at(self, time_ns: int) -> int:
        """The grid sample nearest to a time by the clock fit."""
        return self.segment_hop * HOP_SAMPLES + round(self.fit.x_s(time_ns) * GRID_HZ)

    # ------------------------------------------------------------------------------------------------------- one by one

    def _slot_in(self, item: Item) -> None:
        overtaken = [other for sequence, other in self.held.items() if sequence > item.chunk.sequence]
        for other in overtaken:
            other.passed += item.n
        self.counts["reordered"] += bool(overtaken)

    def _settle(self, final: bool = False) -> list[Placement]:
        placements = []
        while self.held:
            item = self.held[min(self.held)]
            gap = self._gap(item, final)
            if gap is None:
                break
            del self.held[item.chunk.sequence]
            placements.append(self._place(item, gap))
        return placements

    def _gap(self, item: Item, final: bool) -> int | None:
        """Missing samples before ``item``; None while its place is open or its clock in doubt."""
        missing = item.chunk.sequence - self.next_sequence
        guess = missing * self.last_n
        believed = item.trusted and self.trusted
        if self.layout is None:
            return max(0, round(self._step(item))) if believed and self.rate else guess
        if missing and not final and not self._waited(self.held.values()):
            self._drop_stray(item)
            return None
        if not believed:
            return guess
        step = self._step(item)
        if abs(step - guess) <= self._tolerance:
            return max(missing, round(step)) if missing else 0
        return self._disputed_gap(item, step, guess, final)

    def _disputed_gap(self, item: Item, step: float, guess: int, final: bool) -> int | None:
        """The gap before an ``item`` whose clock is ``step`` samples ahead where ``guess`` were expected."""
        witness = self._witness(item, final)
        if witness is None and not final:
            return None
        if witness is None or not self._agree(item, witness):
            self.counts["clock_glitch"] += 1
            item.doubtful = True
            return guess
        missing = item.chunk.sequence - self.next_sequence
        if missing and step >= -self._tolerance:
            return max(missing, round(step))
        self.counts["clock_step"] += 1
        if step > 0:
            return round(step)
        self.counts["overlap"] += 1
        self.fit.shift((step - guess) / self.rate.hz)
        return guess

    def _witness(self, item: Item, final: bool) -> Item | None:
        """The chunk by which the clock of ``item`` is judged: the very next, or another once that has had its time."""
        later = [sequence for sequence in self.held if sequence > item.chunk.sequence]
        if not later:
            return None
        first = min(later)
        if first == item.chunk.sequence + 1 or final or self._waited(self.held[sequence] for sequence in later):
            return self.held[first]
        return None

    def _agree(self, item: Item, witness: Item) -> bool:
        """Whether the next chunk's start follows from this one's (with chunks missing between: could follow)."""
        after_s = (witness.start_ns - item.start_ns) * 1e-9 - item.n / float(item.layout.fs_hz)
        between = witness.chunk.sequence - item.chunk.sequence - 1
        latest_s = self._settings.longest_gap_s if between else self._settings.clock_step_s
        return -self._settings.clock_step_s <= after_s <= latest_s

    def _waited(self, items: Iterable[Item]) -> bool:
        return sum(item.n / float(item.layout.fs_hz) for item in items) >= self._settings.lateness_s

    def _drop_stray(self, item: Item) -> None:
        """A number so far ahead that others have long gone on below it was never the next of this run."""
        # The first that came late may have been long, and ended just before this one began.
        if item.passed > (self._settings.lateness_s + self._settings.ring_s) * self.rate.hz + self.last_n:
            del self.held[item.chunk.sequence]
            self.counts["late"] += 1

    @property
    def _tolerance(self) -> float:
        """Native samples by which a clock may be off."""
        return self._settings.clock_step_s * self.rate.hz

    def _step(self, item: Item) -> float:
        """Native samples by which ``item`` starts later than the samples placed so far end, by its clock."""
        ahead_s = self.fit.ahead_s(self.frontier / self.rate.hz, item.start_ns)
        return ahead_s * self.rate.hz / (1.0 + self.fit.drift)

    # ------------------------------------------------------------------------------------------------------- its place

    def _place(self, item: Item, gap: int) -> Placement:
        if self.rate is not None:
            self._remember_gap(item.chunk.sequence - self.next_sequence, gap)
        segment_hop = -1
        if self._ends_segment(item, gap):
            segment_hop, gap = self._begin_segment(item, gap), 0
        self.frontier += gap
        x_s = self.frontier / self.rate.hz
        if item.trusted != self.trusted:
            self.fit.restart(x_s, item.start_ns)
            self.trusted = item.trusted
        if not item.doubtful:
            self.fit.observe(x_s, item.start_ns)
        self.frontier += item.n
        self.next_sequence = item.chunk.sequence + 1
        self.last_n = item.n
        self.starts[item.chunk.sequence % SEEN] = item.chunk.start_ns
        return Placement(item, gap, segment_hop)

    def _ends_segment(self, item: Item, gap: int) -> bool:
        layout = item.layout
        if self.layout is layout or self.layout == layout:
            self.layout = layout  # the shared object, which compares at once, in place of one read from a snapshot
            return gap > self._settings.longest_gap_s * self.rate.hz
        if self.layout is not None:
            self.counts["layout_change"] += 1
        return True

    def _begin_segment(self, item: Item, gap: int) -> int:
        """The hop where ``item`` begins a segment: nearest in time, and after every hop of the segment before."""
        hop = 0
        if self.rate is not None:
            used = -(-self.rate.grid_stop(self.frontier) // HOP_SAMPLES)
            hop = self.segment_hop + max(used, self.rate.nearest_hop(self.frontier + gap))
        self.counts["segment"] += 1
        self.layout, self.rate = item.layout, Rate(item.layout.fs_hz)
        self.segment_hop, self.frontier = hop, 0
        self.trusted = item.trusted
        self.fit.restart(0.0, item.start_ns)
        return hop

    def _remember_gap(self, missing: int, gap: int) -> None:
        for sequence in range(self.next_sequence, self.next_sequence + min(missing, SEEN)):
            self.starts[sequence % SEEN] = _GIVEN_UP
        if missing or gap:
            self.counts["gap"] += 1
            self.counts["gap_samples"] += gap

    # ---------------------------------------------------------------------------------------------- numbers that fell

    def _is_restart(self, item: Item) -> bool:
        behind = self.next_sequence - item.chunk.sequence
        known = self.starts[item.chunk.sequence % SEEN] if behind <= SEEN else UNKNOWN
        if known >= 0:
            restart, otherwise = known != item.chunk.start_ns, "duplicate"
        elif known == _GIVEN_UP:
            restart, otherwise = item.trusted and self.trusted and self._step(item) > 0, "late"
        else:
            restart, otherwise = not self._as_old_as(item, behind), "duplicate"
        self.counts["restart" if restart else otherwise] += 1
        return restart

    def _as_old_as(self, item: Item, behind: int) -> bool:
        """Whether ``item`` starts about where the chunk ``behind`` numbers ago must have."""
        expected = behind * self.last_n
        return item.trusted and self.trusted and 0.5 * expected <= -self._step(item) <= 2.0 * expected

    def _begin_anew(self, item: Item) -> list[Placement]:
        placements = self._settle(final=True)
        self.layout = None
        self.next_sequence = item.chunk.sequence
        self.starts[:] = _GIVEN_UP
        self.held[item.chunk.sequence] = item
        return placements + self._settle()

    def break_off(self) -> None:
        """Drop what waits; whatever comes next begins a segment."""
        self.held.clear()
        self.layout = None
        self.starts[:] = UNKNOWN
