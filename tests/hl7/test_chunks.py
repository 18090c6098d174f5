"""Waveforms to chunks, and the numbers they get."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgstream.errors import Hl7Error
from ecgstream.hl7.chunks import CONTENT_TYPE, Numbering, chunks
from ecgstream.hl7.waves import waves
from ecgstream.waveform import GroupKind
from ecgstream.wire.codec import decode_chunk

from .messages import START_NS, array, attributes, joined, msh, obr, pid, pv1, ramp, read, wcm

S = 1_000_000_000


def chunked(block: bytes) -> list:
    message = read(block)
    ready = chunks(waves(message), message.stream_id, "p-1", Numbering())
    return [decode_chunk(payload, CONTENT_TYPE) for payload in ready]


def test_a_message_is_a_chunk_of_the_wire():
    (chunk,) = chunked(wcm({"II": ramp(), "V1": ramp()}))
    assert (chunk.stream_id, chunk.start_ns, chunk.patient) == ("ward-3/bed-12", START_NS, "p-1")
    assert [channel.name for channel in chunk.ecg.layout.channels] == ["II", "V1"]
    assert chunk.ecg.samples.tolist() == [ramp(), ramp()]


def test_blocks_of_several_times_are_several_chunks_in_order():
    second, first = (
        [obr(start), array("I", ramp()), *attributes("I")]
        for start in ("20260101120001.000+0000", "20260101120000.000+0000")
    )
    one, two = chunked(joined(msh(), pid(), pv1(), *second, *first))
    assert (one.start_ns, two.start_ns, two.sequence - one.sequence) == (START_NS, START_NS + S, 1)


def test_signals_of_another_rate_are_a_group_of_their_own_and_alone_they_are_nothing():
    pleth = [
        "OBX|9|NA|150452^MDC_PULS_OXIM_PLETH^MDC|1.8|" + "^".join(["7"] * 125),
        "OBX||NM|0^MDC_ATTR_SAMP_RATE^MDC|1.8.1|125|264640^MDC_DIM_HZ^MDC",
    ]
    (chunk,) = chunked(joined(msh(), pid(), pv1(), obr(), *pleth, array("I", ramp()), *attributes("I")))
    assert [group.layout.kind for group in chunk.groups] == [GroupKind.ECG, GroupKind.PLETH]
    assert chunked(joined(msh(), pid(), pv1(), obr(), *pleth)) == []


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([array("I", ramp(250)), *attributes("I"), array("II", ramp(249)), *attributes("II")], "as many of each"),
        ([array("I", ramp(250)), *attributes("I"), array("II", ramp(250)), *attributes("II", "500")], "exactly one"),
        ([array("I", ramp(2)), *attributes("I"), array("I", ramp(2)), *attributes("I")], "lead once"),
        ([array("II", ramp(2)).replace("POTL_II", "POTL_V1"), *attributes("II")], "131330 is lead II"),
    ],
)
def test_what_the_wire_refuses_is_refused_here_and_costs_no_number(rows: list[str], says: str):
    numbering = Numbering()
    message = read(joined(msh(), pid(), pv1(), obr(), *rows))
    with pytest.raises(Hl7Error, match=says):
        chunks(waves(message), message.stream_id, "", numbering)
    assert not numbering._placed


# -------------------------------------------------------------------------------------------------------- numbers


def numbered(starts_s: list[float]) -> list[int]:
    """Numbers of blocks of a second, told from the first one's."""
    numbering = Numbering()
    found = [numbering.number("bed", round((1_000_000 + start) * S), S) for start in starts_s]
    return [number - found[0] for number in found]


@pytest.mark.parametrize(
    ("starts_s", "numbers"),
    [
        ([0, 1, 2, 3], [0, 1, 2, 3]),
        ([0, 1.0014, 2.0028, 3.0042], [0, 1, 2, 3]),  # 499.3 samples a second declared as 500
        ([0, 1, 4, 5], [0, 1, 4, 5]),  # two lost
        ([0, 1, 1, 2], [0, 1, 1, 2]),  # sent again, as its answer was lost
        ([0, 1, 0, 2], [0, 1, 0, 2]),
        ([0, 1, -0.4, 0.6], [0, 1, 2, 3]),  # the clock was set back
        ([0, 1, 2.4, 3.4], [0, 1, 2, 3]),  # set forward by less than half a block
    ],
)
def test_numbers_follow_time(starts_s: list[float], numbers: list[int]):
    assert numbered(starts_s) == numbers


@given(st.lists(st.floats(-0.2, 0.2), min_size=2, max_size=50))
def test_jitter_loses_and_doubles_nothing(jitter_s: list[float]):
    assert numbered([n + off for n, off in enumerate(jitter_s)]) == list(range(len(jitter_s)))


def test_after_a_restart_numbers_go_on_where_they_were():
    before, after = Numbering(), Numbering()
    last = [before.number("bed", START_NS + n * S, S) for n in range(3)][-1]
    assert after.number("bed", START_NS + 3 * S, S) == last + 1
