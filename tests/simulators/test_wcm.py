"""Chunks as waveform messages, and back by the daemon's own reader: the same samples to the last bit."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hl7apy.parser import parse_message
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgstream.hl7.chunks import CONTENT_TYPE, Numbering, chunks
from ecgstream.hl7.waves import waves
from ecgstream.waveform import Channel, ChannelGroup, Chunk, GroupKind, Layout, SampleRange
from ecgstream.wire.codec import decode_chunk
from ecgstream.wire.leads import LEAD_CODES, assign_slots
from simulators.wcm import waveform_message

from ..hl7.messages import START_NS, read

GAINS = st.one_of(st.sampled_from([200.0, 204.9, 1000.0, 409.6, 1 / 0.00488]), st.floats(1.0, 1e5))


def chunk(
    samples: np.ndarray, gains: list[float], baseline: int = 0, stream_id: str = "ward-3/bed-12", **marks
) -> Chunk:
    names = list(LEAD_CODES)[: len(samples)]
    channels = tuple(
        Channel(LEAD_CODES[name], name, "mV", gain, baseline) for name, gain in zip(names, gains, strict=True)
    )
    layout = Layout(GroupKind.ECG, Fraction(360), channels, assign_slots(channels))
    return Chunk(stream_id, 7, START_NS, (ChannelGroup(layout, samples, **marks),))


def back(sent: Chunk) -> Chunk:
    message = read(waveform_message(sent, "1"))
    (payload,) = chunks(waves(message), message.stream_id, "", Numbering())
    return decode_chunk(payload, CONTENT_TYPE)


@settings(max_examples=40, deadline=None)
@given(st.data(), st.integers(1, 12), st.integers(1, 40), st.integers(-1000, 1000))
def test_samples_gain_rate_and_leads_come_back(data, n_leads: int, n: int, baseline: int):
    flat = data.draw(st.lists(st.integers(-31_000, 31_000), min_size=n_leads * n, max_size=n_leads * n))
    gains = data.draw(st.lists(GAINS, min_size=n_leads, max_size=n_leads))
    sent = chunk(np.array(flat, np.int16).reshape(n_leads, n), gains, baseline)
    got = back(sent)
    assert got.ecg.samples.tolist() == (sent.ecg.samples.astype(int) - baseline).tolist()
    assert (got.stream_id, got.start_ns, got.ecg.layout.fs_hz) == (sent.stream_id, sent.start_ns, 360)
    for before, after in zip(sent.ecg.layout.channels, got.ecg.layout.channels, strict=True):
        assert (before.code, before.name) == (after.code, after.name)
        assert np.float32(1 / before.gain) == np.float32(1 / after.gain)


@pytest.mark.parametrize("stream_id", ["207", "ward/bed", "ward/room/bed", "w/r/b/x", "a^b/c&d|e\\f~g"])
def test_any_stream_id_comes_back(stream_id: str):
    assert back(chunk(np.zeros((1, 4), np.int16), [200.0], stream_id=stream_id)).stream_id == stream_id


def test_what_is_invalid_or_off_comes_back_as_invalid():
    samples = np.array([[1, -32_768, 3, 4], [5, 6, 7, 8]], np.int16)
    got = back(chunk(samples, [200.0, 200.0], lead_off=(SampleRange(2, 4, 1),)))
    assert got.ecg.samples.tolist() == [[1, 32_767, 3, 4], [5, 6, 32_767, 32_767]]
    assert {channel.invalid_value for channel in got.ecg.layout.channels} == {32_767}


def test_a_sample_that_would_read_as_invalid_is_refused():
    with pytest.raises(ValueError, match="32767"):
        waveform_message(chunk(np.array([[32_000]], np.int16), [200.0], baseline=-767), "1")


def test_the_message_is_valid_to_another_library():
    message = parse_message(waveform_message(chunk(np.zeros((3, 25), np.int16), [200.0] * 3), "1").decode())
    assert message.validate()
