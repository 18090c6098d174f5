"""What is measured of a beat: right on beats made here, and the same however the hops come."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgstream.beats import FEATURES, BeatMeasures, MeasuredBeats, p_reader, shapes, waves
from ecgstream.beats.state import KEPT, P_START
from ecgstream.conditioning.recent import RECENT
from ecgstream.cutting import cut
from ecgstream.rhythm import Rhythm
from ecgstream.rhythm.detector import LOOK_AHEAD
from ecgstream.rhythm.energy import ENERGY_DELAY
from ecgstream.waveform import HOP_SAMPLES, Beats, Conditioned, Reason

from ..rhythm.signals import beat_train, bump, conditioned, noise, spoil, stack
from ..rhythm.test_invariants import ward_bed

EARLY, LATE_WIDE = 30, 45


def of(name: str) -> int:
    return FEATURES.index(name)


def rules(block: Conditioned) -> Beats:
    return Rhythm(int(block.rows.max()) + 1).step(block).beats


@pytest.fixture(scope="module")
def told() -> dict[int, np.ndarray]:
    """60 beats at 75 a minute, one of them 240 ms early without a P wave, one broad and early; features by beat."""
    times = 0.6 + 0.8 * np.arange(60)
    times[[EARLY, LATE_WIDE]] -= 0.24
    signal = beat_train(times, 52, wide=(LATE_WIDE,))
    signal -= bump(len(signal), times[EARLY] * 250 - 40, 0.02, 0.12)
    noisy = {"II": signal + noise(len(signal), 1, 0.003), "V1": -0.5 * signal + noise(len(signal), 2, 0.003)}
    block = conditioned(noisy)
    measured = BeatMeasures(1).step(rules(block), block)
    place = np.abs(measured.sample[:, None] / 250 - times).argmin(1)
    assert len(set(place.tolist())) == len(place) >= 57
    return dict(zip(place.tolist(), measured.features, strict=True))


def test_names_are_told_once():
    assert len(set(FEATURES)) == len(FEATURES)


def test_an_early_beat_is_early_at_every_horizon_and_a_pause_follows(told):
    beat = told[EARLY]
    for name in ("rr_to_median8", "rr_to_median32", "rr_to_before"):
        assert beat[of(name)] == pytest.approx(0.7, abs=0.02)
    assert beat[of("rank32")] == 0
    assert beat[of("next_to_median32")] == pytest.approx(1.3, abs=0.02)
    assert beat[of("pair_to_median32")] == pytest.approx(1.0, abs=0.02)


def test_a_missing_p_wave_shows_in_the_p_wave_alone(told):
    beat, usual = told[EARLY], told[EARLY - 3]
    assert usual[of("p_like")] > 0.9 and beat[of("p_like")] < 0.2
    assert beat[of("p_residual")] > 5 * usual[of("p_residual")]
    assert beat[of("like_usual")] > 0.97 and beat[of("own_is_usual")] == 1


def test_a_broad_beat_is_unlike_and_wider_than_the_usual(told):
    beat, usual = told[LATE_WIDE], told[LATE_WIDE - 3]
    assert beat[of("like_usual")] < 0.5 and beat[of("own_share")] == 0
    assert beat[of("width_to_usual")] > 1.5 and usual[of("width_to_usual")] == pytest.approx(1, abs=0.1)
    assert beat[of("polarity_1")] < 0 < usual[of("polarity_1")]
    assert told[LATE_WIDE + 1][of("before_width")] == beat[of("width_to_usual")]
    assert told[LATE_WIDE - 1][of("after_like")] == beat[of("like_usual")]


def test_where_early_beats_are_usual_they_are_early_against_the_mean_and_unlike_late_ones():
    """Runs of nine beats at 0.6 s without a P wave, each followed by one after 1.2 s with one."""
    rr = np.tile([*[0.6] * 9, 1.2], 12)
    times = 0.6 + np.cumsum(rr)
    signal = beat_train(times, int(times[-1]) + 3)
    for time_s in times[rr < 1]:
        signal -= bump(len(signal), time_s * 250 - 40, 0.02, 0.12)
    block = conditioned(
        {"II": signal + noise(len(signal), 1, 0.003), "V1": -0.5 * signal + noise(len(signal), 2, 0.003)}
    )
    measured = BeatMeasures(1).step(rules(block), block)
    place = np.abs(measured.sample[:, None] / 250 - times).argmin(1)
    late = measured.features[(place > 80) & (rr[place] > 1)]
    early = measured.features[(place > 80) & (rr[place] < 1)]
    assert np.median(early[:, of("rr_to_median32")]) == pytest.approx(1, abs=0.02)
    assert (early[:, of("rr_to_mean32")] < 0.95).all() and (early[:, of("rr_to_steady")] < 0.55).all()
    assert (late[:, of("rr_to_steady")] > 0.95).all() and (late[:, of("since_pause")] == 9).all()
    assert late[:, of("late_like")].min() > early[:, of("late_like")].max() + 0.2
    assert (late[:, of("p_peak_1")] > 0.05).all() and (early[:, of("p_peak_1")] < 0).all()


def test_a_run_is_early_against_the_rhythm_before_it_to_its_last_beat():
    """30 beats at 75 a minute, 60 at 120 that begin at once, 30 at 75 again."""
    features, place = regular(np.repeat([0.8, 0.5, 0.8], [30, 60, 30]))
    last, behind = features[place == 88][0], features[place == 92][0]
    assert last[of("rr_to_median32")] == pytest.approx(1, abs=0.02)
    assert last[of("rr_to_run_from")] == pytest.approx(0.625, abs=0.02) and last[of("run_beats")] == 58
    assert last[of("next_to_run_from")] == pytest.approx(0.625, abs=0.02)
    assert behind[of("run_beats")] == 0


def test_a_rhythm_that_quickens_by_and_by_is_no_run():
    features, _ = regular(np.linspace(0.9, 0.5, 120))
    assert (features[5:, of("run_beats")] == 0).all() and features[5:, of("rr_to_run_from")].min() > 0.95


def regular(rr: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(features of the beats told, which beat each is) of one lead with beats at these intervals, s."""
    times = 0.6 + np.cumsum(rr)
    signal = beat_train(times, int(times[-1]) + 3)
    block = conditioned({"II": signal + noise(len(signal), 1, 0.003)})
    measured = BeatMeasures(1).step(rules(block), block)
    return measured.features, np.abs(measured.sample[:, None] / 250 - times).argmin(1)


def test_in_bigeminy_the_broad_beat_is_held_against_the_narrow_one():
    times = 0.6 + 0.8 * np.arange(60)
    signal = beat_train(times, 52, wide=tuple(range(1, 60, 2)))
    block = conditioned({"II": signal + noise(len(signal), 1, 0.003)})
    measured = BeatMeasures(1).step(rules(block), block)
    place = np.abs(measured.sample[:, None] / 250 - times).argmin(1)
    wide, narrow = (measured.features[(place > 20) & (place % 2 == odd)] for odd in (1, 0))
    assert wide[:, of("width_to_narrow")].min() > 1.3 and wide[:, of("like_narrow")].max() < 0.8
    assert narrow[:, of("width_to_narrow")].max() < 1.1 and narrow[:, of("like_narrow")].min() > 0.95


def test_what_hides_in_the_t_wave_before_shows_there():
    times = 0.6 + 0.8 * np.arange(40)
    signal = beat_train(times, 35)
    signal += bump(len(signal), times[29] * 250 + 80, 0.02, 0.12)
    block = conditioned({"II": signal + noise(len(signal), 1, 0.003)})
    measured = BeatMeasures(1).step(rules(block), block)
    place = np.abs(measured.sample[:, None] / 250 - times).argmin(1)
    hidden, usual = (measured.features[place == beat][0, of("before_t_like")] for beat in (30, 25))
    assert hidden < usual - 0.05


def test_noise_is_rough_and_remembered():
    signal = beat_train(0.6 + 0.8 * np.arange(40), 33)
    added = noise(len(signal), 1, 0.003)
    added[16 * 250 :] += noise(len(signal), 2, 0.1)[16 * 250 :]
    block = conditioned({"II": signal + added})
    features = BeatMeasures(1).step(rules(block), block).features
    for name in ("rough", "lately_rough"):
        assert np.median(features[-8:, of(name)]) > 3 * np.median(features[5:15, of(name)])


def test_what_a_second_lead_would_say_is_unknown_without_one():
    signal = beat_train(0.6 + 0.8 * np.arange(20), 18)
    block = conditioned({"V5": signal + noise(len(signal), 1)})
    last = BeatMeasures(1).step(rules(block), block).features[-3]
    assert np.isnan(last[of("like_usual_2")]) and last[of("like_usual_1")] > 0.9 and last[of("leads")] == 1


def test_an_interval_over_a_gap_is_unknown():
    signal = beat_train(0.6 + 0.8 * np.arange(24), 20)
    block = conditioned({"II": signal + noise(len(signal), 1)})
    spoil(block, 50, 55, Reason.MISSING)
    measured = BeatMeasures(1).step(rules(block), block)
    behind = np.flatnonzero(measured.sample > 55 * 50)[0]
    assert np.isnan(measured.features[behind, of("rr_s")]) and np.isnan(measured.features[behind - 1, of("next_s")])
    assert np.isfinite(measured.features[behind + 1, of("rr_s")])


def test_a_beat_that_none_follows_is_told_in_time():
    signal = beat_train(0.6 + 0.8 * np.arange(10), 20)
    block = conditioned({"II": signal + noise(len(signal), 1)})
    beats, measures = rules(block), BeatMeasures(1)
    last = int(beats.sample[-1])
    for hop in range(block.n_hops):
        now = beats.confirmed_hop == hop
        part = Beats(beats.row[now], beats.sample[now], beats.ventricular[now], beats.confirmed_hop[now])
        measured = measures.step(part, cut(block, hop, hop + 1))
        if last in measured.sample:
            assert measured.features[0, of("next_none")] == 1 and measured.features[0, of("next_s")] == 2
            assert (hop + 1) * 50 - last <= 3 * 250
            return
    pytest.fail("the last beat was never told")


def play(block: Conditioned, edges: list[int], measures: BeatMeasures, row: int = 0) -> MeasuredBeats:
    rhythm, parts = Rhythm(row + 1), []
    for start, stop in zip(edges, edges[1:], strict=False):
        piece = cut(block, start, stop)
        parts.append(measures.step(rhythm.step(piece).beats, piece))
    return joined(parts)


def joined(parts: list[MeasuredBeats]) -> MeasuredBeats:
    names = ("row", "sample", "features")
    return MeasuredBeats(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def assert_same(a: MeasuredBeats, b: MeasuredBeats):
    np.testing.assert_array_equal(a.sample, b.sample)
    np.testing.assert_array_equal(a.features, b.features)


@given(st.integers(0, 50), st.sets(st.integers(1, 299), max_size=40))
@settings(deadline=None, max_examples=25)
def test_cutting_the_hops_differently_changes_nothing(seed, cuts):
    block = ward_bed(seed)
    whole = play(block, [0, 300], BeatMeasures(1))
    assert len(whole.sample) > 30
    assert_same(whole, play(block, [0, *sorted(cuts), 300], BeatMeasures(1)))


def test_a_row_does_not_feel_its_neighbours():
    beds = [ward_bed(seed, first_hop=7 * seed) for seed in range(3)]
    rows = np.array([1, 4, 5])
    block = stack(beds, rows)
    measures = BeatMeasures(2)
    measures.grow(6)
    shared = measures.step(rules(block), block)
    for row, bed in zip(rows, beds, strict=True):
        alone, mine = play(bed, [0, 300], BeatMeasures(1)), shared.row == row
        assert_same(alone, MeasuredBeats(shared.row[mine], shared.sample[mine], shared.features[mine]))


@given(st.integers(0, 50), st.integers(60, 290))
@settings(deadline=None, max_examples=15)
def test_a_saved_row_goes_on_as_if_nothing_had_happened(seed, at):
    block = ward_bed(seed)
    rhythm, first, other = Rhythm(1), BeatMeasures(1), BeatMeasures(3)
    before, overlap, after = cut(block, 0, at), cut(block, at - 12, at), cut(block, at, 300)
    first.step(rhythm.step(before).beats, before)
    nothing = np.empty(0, np.int64)
    overlap.rows, after.rows = np.array([2]), np.array([2])
    other.step(Beats(nothing, nothing, np.empty(0, bool), nothing), overlap)
    other.restore(2, first.save(0))
    after_there = cut(block, at, 300)
    beats = rhythm.step(after_there).beats
    here = first.step(beats, after_there)
    there = other.step(Beats(beats.row + 2, beats.sample, beats.ventricular, beats.confirmed_hop), after)
    assert_same(here, there)


def test_what_is_saved_is_small_and_of_one_form():
    assert len(BeatMeasures(1).save(0)) == KEPT.itemsize < 8_000
    with pytest.raises(ValueError):
        BeatMeasures(1).restore(0, b"another form")


def test_a_row_that_is_reset_knows_nothing():
    block, measures = ward_bed(3), BeatMeasures(1)
    measures.step(rules(block), block)
    measures.reset(np.array([0]))
    assert measures.save(0) == BeatMeasures(1).save(0)


def test_the_ring_reaches_from_the_last_hop_back_to_before_a_beats_p_wave():
    confirmed = HOP_SAMPLES + LOOK_AHEAD + int(ENERGY_DELAY + 1)  # the latest end of its hop, from the QRS
    earliest = min(P_START - waves._SHIFTS, p_reader.START) - (shapes._LAGS + 2)
    assert confirmed - earliest <= RECENT and RECENT % HOP_SAMPLES == 0


def test_beats_that_are_left_out_are_followed_by_those_of_a_new_segment():
    block, rhythm, (gone, back) = ward_bed(3), Rhythm(1), (100, 160)
    before, without, after = cut(block, 0, gone), cut(block, gone, back), cut(block, back, 300)
    measures = BeatMeasures(1)
    measures.step(rhythm.step(before).beats, before)
    rhythm.step(without)
    measures.leave_out(without)
    beats = rhythm.step(after).beats
    anew = measures.step(beats, after)
    after.new_segment = np.array([True])
    assert_same(anew, BeatMeasures(1).step(beats, after))
    assert len(anew.sample) > 5
