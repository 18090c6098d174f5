"""Every rule of place, as a table: chunks of one second, and the second of the stream where each begins.

Above each case what the monitor sent, a column a second; ``.`` is a missing second in what was placed, ``|`` begins a
segment.
"""

from __future__ import annotations

from collections import Counter

import pytest

from ecgstream.intake.placement import Item
from ecgstream.intake.timeline import Timeline
from ecgstream.intake.tracks import no_tracks
from ecgstream.settings import IntakeSettings

from .monitor import START_NS, chunk, signal

SECOND = signal(250)


def offer(timeline: Timeline, sequence: int, start_s: float, trusted: bool = True) -> list[tuple[int, float, bool]]:
    """Sequence number, second of the stream, whether it begins a segment: of each chunk that got its place."""
    one = chunk(sequence, start_s, SECOND)
    at = timeline.segment_hop * 0.2 + timeline.frontier / 250
    placed = []
    for placement in timeline.offer(Item(one, one.start_ns, trusted, 250)):
        begins = placement.segment_hop >= 0
        at = placement.segment_hop * 0.2 if begins else at + placement.gap / 250
        placed.append((placement.item.chunk.sequence, round(at, 6), begins))
        at += 1.0
    return placed


def run(sent: list[tuple], **settings: float) -> tuple[dict[int, float], dict[str, int], Timeline]:
    """Where each chunk was placed, what was counted, and the timeline; the first chunk's segment is not counted."""
    counts: Counter[str] = Counter()
    timeline = Timeline(IntakeSettings(**settings), counts, no_tracks(1).of(0))
    places = {}
    for one in sent:
        places |= {sequence: at for sequence, at, _ in offer(timeline, *one)}
    counts["segment"] -= 1
    return places, {kind: n for kind, n in counts.items() if n}, timeline


CASES = {
    # start     0    1.2  1.8  3.1     whatever the clock says within 0.5 s
    # placed    0    1    2    3
    "jitter": ([(0, 0), (1, 1.2), (2, 1.8), (3, 3.1)], {0: 0, 1: 1, 2: 2, 3: 3}, {}),
    # sequence  0   1       3   4
    # placed    0   1   .   3   4
    "a missing number is a gap as long as the clock says": (
        [(0, 0), (1, 1), (3, 3), (4, 4)],
        {0: 0, 1: 1, 3: 3, 4: 4},
        {"gap": 1, "gap_samples": 250},
    ),
    # sequence  0   1           3   4   one number, but two seconds and a bit
    # placed    0   1   .   .   3   4
    "a missing chunk may have been longer": (
        [(0, 0), (1, 1), (3, 4.2), (4, 5.2)],
        {0: 0, 1: 1, 3: 4.2, 4: 5.2},
        {"gap": 1, "gap_samples": 550},
    ),
    # sequence  0   1   3   2   4
    # placed    0   1   2   3   4
    "a late chunk slots in": ([(0, 0), (1, 1), (3, 3), (2, 2), (4, 4)], {k: k for k in range(5)}, {"reordered": 1}),
    # sequence  0   1   3   4   5   2   2 is more than two seconds behind
    # placed    0   1   .   3   4   5
    "too late": (
        [(0, 0), (1, 1), (3, 3), (4, 4), (5, 5), (2, 2)],
        {0: 0, 1: 1, 3: 3, 4: 4, 5: 5},
        {"gap": 1, "gap_samples": 250, "late": 1},
    ),
    # sequence  5   4   6               sample 0 is the first chunk's, whatever comes
    # placed    5   6
    "nothing goes before the first chunk": ([(5, 5), (4, 4), (6, 6)], {5: 0, 6: 1}, {"late": 1}),
    # sequence  0   1   1   3   3   2
    # placed    0   1   2   3
    "duplicates, of placed and of waiting chunks": (
        [(0, 0), (1, 1), (1, 1), (3, 3), (3, 3), (2, 2)],
        {k: k for k in range(4)},
        {"duplicate": 2, "reordered": 1},
    ),
    # start     0   1           4   5
    # placed    0   1   .   .   2   3
    "a confirmed step forward is a gap": (
        [(0, 0), (1, 1), (2, 4), (3, 5)],
        {0: 0, 1: 1, 2: 4, 3: 5},
        {"clock_step": 1, "gap": 1, "gap_samples": 500},
    ),
    # start     0   1   7   3   4       one chunk's clock only
    # placed    0   1   2   3   4
    "a step that is not confirmed is none": (
        [(0, 0), (1, 1), (2, 7), (3, 3), (4, 4)],
        {k: k for k in range(5)},
        {"clock_glitch": 1},
    ),
    # start     0   1   2  -7  -6  -5
    # placed    0   1   2   3   4   5
    "a confirmed step back lays no sample over another": (
        [(0, 0), (1, 1), (2, 2), (3, -7), (4, -6), (5, -5)],
        {k: k for k in range(6)},
        {"clock_step": 1, "overlap": 1},
    ),
    # start     0   1   2  -7   4   5
    # placed    0   1   2   3   4   5
    "a step back that is not confirmed is none": (
        [(0, 0), (1, 1), (2, 2), (3, -7), (4, 4), (5, 5)],
        {k: k for k in range(6)},
        {"clock_glitch": 1},
    ),
    # sequence  0   1       3   4   5   2 missing, and the clock went back 100 s meanwhile
    # placed    0   1   .   3   4   5
    "where the clock went back, a gap is as long as the missing chunks were": (
        [(0, 0), (1, 1), (3, -97), (4, -96), (5, -95)],
        {0: 0, 1: 1, 3: 3, 4: 4, 5: 5},
        {"clock_step": 1, "overlap": 1, "gap": 1, "gap_samples": 250},
    ),
    # sequence  0   1       3   4   5   by a wild clock (stamped by arrival, which jitters)
    # placed    0   1   .   3   4   5
    "a wild clock counts by numbers alone": (
        [(0, 0, False), (1, 1.9, False), (3, 7, False), (4, 7.1, False), (5, 9, False)],
        {0: 0, 1: 1, 3: 3, 4: 4, 5: 5},
        {"gap": 1, "gap_samples": 250},
    ),
    # a clock that turns wild, and well again: contiguous, without a step
    "a clock that turns wild and back": (
        [(0, 0), (1, 1), (2, 900, False), (3, 901, False), (4, 4), (5, 5)],
        {k: k for k in range(6)},
        {},
    ),
    # start     0   1  |42  43          40 s are more than longest_gap_s
    # placed    0   1  |42  43
    "a long gap ends the segment, and the count of hops stays in step with time": (
        [(0, 0), (1, 1), (2, 42), (3, 43)],
        {0: 0, 1: 1, 2: 42, 3: 43},
        {"clock_step": 1, "gap": 1, "gap_samples": 10_000, "segment": 1},
    ),
    # sequence  7   8  |0   1           the monitor was off for half a minute
    # start     0   1  |31  32
    "numbers that fall with a later start are a restart": (
        [(7, 0), (8, 1), (0, 31), (1, 32)],
        {7: 0, 8: 1, 0: 31, 1: 32},
        {"restart": 1, "gap": 1, "gap_samples": 7250, "segment": 1},
    ),
    # sequence  7   8      10  |0   1   10 waits for 9 no longer
    "what waits is placed before a restart": (
        [(7, 0), (8, 1), (10, 3), (0, 10), (1, 11)],
        {7: 0, 8: 1, 10: 3, 0: 10, 1: 11},
        {"restart": 1, "gap": 2, "gap_samples": 250 + 6 * 250, "segment": 1},
    ),
    # sequence  90 ... 99  |0   1       the clock was lost, too
    # start     0 ...  9  |-5000
    "a restart whose clock went back is one all the same": (
        [*((90 + k, k) for k in range(10)), (0, -5000), (1, -4999)],
        {**{90 + k: k for k in range(10)}, 0: 10, 1: 11},
        {"restart": 1, "segment": 1},
    ),
    # sequence  0   1  |0   1           restarted so soon that the numbers are remembered
    "numbers seen lately with another start are a restart": (
        [(0, 0), (1, 1), (0, 5), (1, 6)],
        {0: 5, 1: 6},
        {"restart": 1, "gap": 1, "gap_samples": 750, "segment": 1},
    ),
    # a broken number far ahead comes once; the others go on below it, and after 22 s it is dropped
    "a stray number is dropped": (
        [(0, 0), (1, 1), (10**9, 2), *((k, k) for k in range(2, 26))],
        {k: k for k in range(26)},
        {"reordered": 8, "late": 1},
    ),
    # sequence  8   9  |0   3   1   2   3   4      the first 3 is of the run before
    # start     8   9  |20  3   21  22  23  24
    "a leftover of the run before a restart gives way": (
        [(8, 8), (9, 9), (0, 20), (3, 3), (1, 21), (2, 22), (3, 23), (4, 24)],
        {8: 0, 9: 1, 0: 12, 1: 13, 2: 14, 3: 15, 4: 16},
        {"restart": 1, "gap": 1, "gap_samples": 2500, "segment": 1, "reordered": 2, "late": 1},
    ),
}


@pytest.mark.parametrize(("sent", "placed", "counted"), CASES.values(), ids=CASES.keys())
def test_place(sent, placed, counted):
    places, counts, _ = run(sent)
    assert (places, counts) == (placed, counted)


def test_a_message_log_read_again_is_duplicates_however_old():
    sent = [(k, k) for k in range(300)]
    places, counts, _ = run([*sent, *sent[50:], (300, 300)])
    assert places == {k: k for k in range(301)}
    assert counts == {"duplicate": 250}


@pytest.mark.parametrize("lost", [1, 20, 100])
def test_a_chunk_whose_place_was_given_up_is_late_however_many_were_lost(lost):
    sent = [*((k, k) for k in range(100)), *((k, k) for k in range(100 + lost, 103 + lost))]
    _, counts, timeline = run([*sent, (99 + lost, 99 + lost), (103 + lost, 103 + lost)], longest_gap_s=1000)
    assert counts == {"gap": 1, "gap_samples": 250 * lost, "late": 1}
    assert timeline.next_sequence == 104 + lost


def test_without_lateness_a_gap_is_given_up_at_once():
    places, counts, _ = run([(0, 0), (2, 2), (1, 1)], lateness_s=0)
    assert places == {0: 0, 2: 2}
    assert counts == {"gap": 1, "gap_samples": 250, "late": 1}


def test_a_chunk_whose_clock_jumped_waits_for_its_witness_even_if_that_is_lost():
    """Start 7 at number 2; 3 is lost, 4 and 5 agree with the jump."""
    sent = [(0, 0), (1, 1), (2, 7), (4, 9)]
    assert run(sent)[0] == {0: 0, 1: 1}
    places, counts, _ = run([*sent, (5, 10), (6, 11)])
    assert places == {0: 0, 1: 1, 2: 7, 4: 9, 5: 10, 6: 11}
    assert counts == {"clock_step": 1, "gap": 2, "gap_samples": 5 * 250 + 250}


def test_time_follows_a_step_back_and_sample_counts_do_not():
    _, _, timeline = run([(0, 0), (1, 1), (2, 2), (3, -7), (4, -6)])
    assert timeline.time_ns(4 * 250) == pytest.approx(START_NS - 6 * 10**9, abs=10**6)


def test_restart_forgets_the_numbers_of_the_run_before():
    places, counts, timeline = run([(0, 0), (1, 1), (0, 5), (1, 6), (0, 5)])
    assert timeline.next_sequence == 2
    assert counts["duplicate"] == 1 and counts["restart"] == 1
    assert places == {0: 5, 1: 6}
