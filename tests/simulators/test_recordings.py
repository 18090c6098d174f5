"""A replay is the record: its samples, leads, units and rates."""

import math
from fractions import Fraction

import numpy as np
import pytest
import wfdb

from ecgstream.errors import RecordError
from ecgstream.waveform import GroupKind
from simulators.feed import Bed, chunks
from simulators.recordings import Recording, replay_parts


@pytest.fixture
def record(tmp_path):
    """Writes a small record: 7 s at 125 Hz of counting samples, and gives its path."""

    def write(names=("MLII", "V5"), units=("mV", "mV"), gain=(200.0, 200.0), fmt=("16", "16"), n=875, step=1):
        samples = np.stack([np.arange(n) * step + 100 * i for i in range(len(names))], axis=1)
        wfdb.wrsamp(
            "small",
            fs=125,
            units=list(units),
            sig_name=list(names),
            d_signal=samples.astype(np.int64),
            fmt=list(fmt),
            adc_gain=list(gain),
            baseline=[7] * len(names),
            write_dir=str(tmp_path),
        )
        return tmp_path / "small"

    return write


def replayed(part, chunk_s=1.0):
    due = list(chunks(Bed("bed", part.feed, 0), part.seconds, chunk_s))
    return np.concatenate([d.content.ecg.samples for d in due], axis=1)


@pytest.mark.recordings
@pytest.mark.parametrize("name", ["mitdb/100", "mitdb/207", "vfdb/418", "cinc2015/v115l"])
def test_chunks_give_back_the_millivolts_wfdb_reads(recordings, name):
    (part,) = replay_parts([recordings / name], 1, 30, False)
    source = wfdb.rdrecord(str(recordings / name), sampto=30 * int(part.feed.fs_hz))
    due = list(chunks(Bed("bed", part.feed, 0), 30, 0.7))
    for position in range(len(due[0].content.groups)):
        groups = [d.content.groups[position] for d in due]
        raw = np.concatenate([g.samples for g in groups], axis=1)
        for channel, samples in zip(groups[0].layout.channels, raw, strict=True):
            told = (samples - channel.baseline) / channel.gain
            np.testing.assert_allclose(told, source.p_signal[:, source.sig_name.index(channel.name)], atol=1e-9)


@pytest.mark.recordings
def test_what_is_not_ecg_travels_in_its_own_group(recordings):
    groups = Recording(recordings / "cinc2015" / "v115l").read(0, 250)
    names = {g.layout.kind: [c.name for c in g.layout.channels] for g in groups}
    assert names == {GroupKind.ECG: ["II", "V"], GroupKind.PLETH: ["PLETH"], GroupKind.ABP: ["ABP"]}
    assert groups[0].layout.kind == GroupKind.ECG
    assert [c.unit for g in groups for c in g.layout.channels] == ["mV", "mV", "NU", "mmHg"]


@pytest.mark.recordings
def test_leads_keep_their_names_and_take_the_right_slots(recordings):
    modified, generic = Recording(recordings / "mitdb" / "100"), Recording(recordings / "vfdb" / "418")
    (group,) = modified.read(0, 10)
    assert modified.leads == ("MLII", "V5")
    assert [c.code for c in group.layout.channels] == [131330, 131335] and group.layout.slots == (1, 10)
    (group,) = generic.read(0, 10)
    assert [c.code for c in group.layout.channels] == [131328, 131328] and group.layout.slots == (12, 13)


@pytest.mark.parametrize(("unit", "gain"), [("mV", 200.0), ("uV", 0.2), ("V", 200_000.0)])
def test_units_other_than_millivolts_are_the_same_signal(record, unit, gain):
    (group,) = Recording(record(units=(unit, unit), gain=(gain, gain))).read(0, 10)
    assert [c.unit for c in group.layout.channels] == ["mV", "mV"]
    assert [c.gain for c in group.layout.channels] == pytest.approx([200.0, 200.0])


def test_a_loop_goes_on_in_number_and_time_and_repeats_the_samples(record):
    (part,) = replay_parts([record()], 1, 20, True)
    due = list(chunks(Bed("bed", part.feed, 0), part.seconds, 1.0))
    assert [d.content.sequence for d in due] == list(range(20))
    assert [d.content.start_ns for d in due] == [i * 10**9 for i in range(20)]
    # Chunks of 80 samples: some straddle the end of the record's 875.
    np.testing.assert_array_equal(replayed(part, 0.64)[0], np.arange(20 * 125) % 875)


def test_without_a_loop_a_record_is_played_once(record):
    path = record()
    assert [p.seconds for p in replay_parts([path], 1, None, False)] == [7.0]
    assert [p.seconds for p in replay_parts([path], 1, 100, False)] == [7.0]
    assert [p.seconds for p in replay_parts([path], 1, None, True)] == [math.inf]


def test_beds_of_one_record_start_at_different_places(record):
    parts = replay_parts([record()], 7, None, False)
    assert [p.stream_id for p in parts] == [f"small-{i:02}" for i in range(1, 8)]
    assert [p.truth["offset_s"] for p in parts] == pytest.approx(list(range(7)))
    for i, part in enumerate(parts):
        np.testing.assert_array_equal(replayed(part)[0], (np.arange(875) + 125 * i) % 875)


def test_the_mark_of_an_invalid_sample_is_that_of_the_format(record):
    for fmt, mark in (("16", -32768), ("212", -2048)):
        (group,) = Recording(record(fmt=(fmt, fmt))).read(0, 1)
        assert [c.invalid_value for c in group.layout.channels] == [mark, mark]


def test_the_rate_is_exact(record):
    assert Recording(record()).fs_hz == Fraction(125)


def test_a_record_that_cannot_be_played_is_refused_in_a_sentence(record, tmp_path):
    with pytest.raises(RecordError, match="cannot be read"):
        Recording(tmp_path / "nothing")
    with pytest.raises(RecordError, match="holds no ECG"):
        Recording(record(names=("PLETH", "ABP"), units=("NU", "mmHg")))
    with pytest.raises(RecordError, match="16 bits cannot hold"):
        Recording(record(fmt=("32", "32"), step=1000))
