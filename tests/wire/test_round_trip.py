"""Any chunk a producer can hold comes back as it was, in both formats."""

from fractions import Fraction

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from ecgstream.waveform import (
    STANDARD_LEADS,
    Channel,
    ChannelGroup,
    Chunk,
    GroupKind,
    Layout,
    MonitorAlarm,
    SampleRange,
)
from ecgstream.wire.codec import decode_chunk, encode, encode_chunk
from ecgstream.wire.leads import LEAD_CODES, assign_slots

RATES_HZ = st.sampled_from([Fraction(125, 2), Fraction(250), Fraction(4993, 10), Fraction(500)])
TEXT = st.text("ab éΩ-/", max_size=8)
GAINS = st.floats(0.01, 1e6)
BASELINES = st.integers(-(2**31), 2**31 - 1)


@st.composite
def _ecg_layouts(draw) -> Layout:
    names = draw(st.lists(st.sampled_from(STANDARD_LEADS), min_size=1, max_size=12, unique=True))
    names += draw(st.lists(st.sampled_from(["V", "MCL", "MCL1", "ECG", "CM5"]), max_size=4))
    channels = tuple(
        Channel(LEAD_CODES.get(name, 131328), name, "mV", draw(GAINS), draw(BASELINES), draw(BASELINES))
        for name in draw(st.permutations(names))
    )
    return Layout(GroupKind.ECG, draw(RATES_HZ), channels, assign_slots(channels))


@st.composite
def _other_layouts(draw, fs_hz: Fraction) -> Layout:
    kind = draw(st.sampled_from([kind for kind in GroupKind if kind != GroupKind.ECG]))
    channel = st.builds(Channel, st.integers(0, 2**32 - 1), TEXT, TEXT, GAINS, BASELINES)
    return Layout(kind, fs_hz, tuple(draw(st.lists(channel, min_size=1, max_size=3))))


@st.composite
def _groups(draw, layout: Layout, n_samples: int) -> ChannelGroup:
    n_channels = len(layout.channels)
    seed = draw(st.integers(0, 2**32 - 1))
    samples = np.random.default_rng(seed).integers(-32768, 32768, (n_channels, n_samples)).astype(np.int16)
    starts = st.integers(0, n_samples - 1)
    ranges = starts.flatmap(
        lambda start: st.builds(
            SampleRange, st.just(start), st.integers(start + 1, n_samples), st.integers(-1, n_channels - 1)
        )
    )
    marks = st.lists(ranges, max_size=3).map(tuple)
    return ChannelGroup(layout, samples, draw(marks), draw(marks))


@st.composite
def chunks(draw) -> Chunk:
    ecg = draw(_ecg_layouts())
    n_samples = draw(st.integers(1, 300))
    others = draw(st.lists(_other_layouts(ecg.fs_hz), max_size=2))
    times = st.integers(0, 2**63 - 1)
    alarms = st.builds(MonitorAlarm, st.integers(0, 2**32 - 1), TEXT, times, st.booleans(), TEXT)
    return Chunk(
        draw(TEXT.filter(bool)),
        draw(times),
        draw(times),
        tuple(draw(_groups(layout, n_samples)) for layout in (ecg, *others)),
        draw(TEXT.filter(bool) | st.none()),
        tuple(draw(st.lists(alarms, max_size=2))),
    )


@pytest.mark.parametrize("fmt", ["protobuf", "json"])
@settings(max_examples=60, deadline=None)
@given(chunk=chunks())
def test_a_chunk_comes_back(fmt, chunk):
    content_type, payload = encode(encode_chunk(chunk), fmt)
    back = decode_chunk(payload, content_type)
    for name in ("stream_id", "sequence", "start_ns", "patient", "monitor_alarms"):
        assert getattr(back, name) == getattr(chunk, name)
    assert len(back.groups) == len(chunk.groups)
    for came, went in zip(back.groups, chunk.groups, strict=True):
        assert (came.layout, came.lead_off, came.pacer) == (went.layout, went.lead_off, went.pacer)
        np.testing.assert_array_equal(came.samples, went.samples)
