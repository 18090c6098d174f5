"""Samples depend on the script alone; artefacts are where they are said to be."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgstream.waveform import SampleRange
from simulators.patient import Patient
from simulators.script import episode

from .signals import lead_mv, patient, playing, share_of_power

SCENES = (
    episode("sinus", 0, 9),
    episode("ventricular_fibrillation", 9, 15),
    episode("paced", 15, 24),
    episode("motion", 3, 7),
    episode("muscle", 10, 18),
    episode("lead_off", 19, 21),
)
N = 24 * 250
WHOLE = patient(*SCENES).read(0, N)[0]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(1, N - 1), unique=True, max_size=12), st.randoms())
def test_how_and_in_what_order_it_is_read_changes_nothing(cuts, order):
    edges = [0, *sorted(cuts), N]
    pieces = list(zip(edges, edges[1:], strict=False))
    order.shuffle(pieces)
    one = patient(*SCENES)
    off, pacer = set(), set()
    for start, stop in pieces:
        (group,) = one.read(start, stop)
        np.testing.assert_array_equal(group.samples, WHOLE.samples[:, start:stop])
        off |= {start + i for mark in group.lead_off for i in range(mark.start, mark.stop)}
        pacer |= {start + mark.start for mark in group.pacer}
    assert off == set(range(19 * 250, 21 * 250))
    assert pacer == {mark.start for mark in WHOLE.pacer} != set()


def test_the_same_seed_is_the_same_patient_and_another_is_not():
    first, again, other = (playing("sinus", seed=seed).read(0, 2500)[0].samples for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_lead_off_is_marked_and_shows_nothing():
    (group,) = patient(*SCENES).read(18 * 250, 20 * 250)
    assert group.lead_off == (SampleRange(250, 500),)
    assert not group.samples[:, 250:].any()
    assert group.samples[:, :250].any()


def test_artefacts_are_where_the_script_says_and_nowhere_else():
    quiet = patient(episode("sinus", 0, 20))
    for name, band_hz in (("mains", (49, 51)), ("motion", (0.25, 9.5)), ("baseline_wander", (0, 0.75))):
        noisy = patient(episode("sinus", 0, 20), episode(name, 8, 16))
        added = lead_mv(noisy, "V2", 0, 20) - lead_mv(quiet, "V2", 0, 20)
        assert not added[: 8 * 250].any() and not added[16 * 250 :].any()
        assert share_of_power(added[9 * 250 : 15 * 250], 250, *band_hz) > 0.9


def test_noise_does_not_repeat_itself():
    mv = lead_mv(playing("asystole"), "II", 0, 60)
    rough = np.diff(mv, 2)  # no breathing
    rough = rough[5:] - rough[:-5]  # no hum, which does repeat: 5 samples are a cycle of 50 Hz
    likeness = np.corrcoef(rough[:14_000].reshape(14, 1000))  # as long as the blocks it is made in
    # Independent noise stays below about 0.2 by chance; the same noise is above 0.9.
    assert np.abs(likeness[np.triu_indices(14, 1)]).max() < 0.5


def test_muscle_noise_is_broad():
    quiet, noisy = playing("asystole"), patient(episode("asystole", 0, 60), episode("muscle", 0, 60))
    added = lead_mv(noisy, "II", 1, 59) - lead_mv(quiet, "II", 1, 59)
    assert share_of_power(added, 250, 20, 125) > 0.8
    assert 0.03 < added.std() < 0.3


def test_rhythms_follow_on_one_another_without_colliding():
    """No two beats closer than 200 ms, nowhere a beat in a rhythm that has none."""
    names = ("sinus", "ventricular_tachycardia", "atrial_fibrillation", "asystole", "bigeminy", "extreme_tachycardia")
    for seed in range(20):
        scenes = [episode(name, 7.3 * i, 7.3 * (i + 1)) for i, name in enumerate(names)]
        beats = patient(*scenes, seed=seed).beats
        assert np.diff(beats.time_s).min() > 0.2
        assert not np.any((beats.time_s >= 3 * 7.3) & (beats.time_s < 4 * 7.3))


def test_codes_can_be_read_back_as_millivolts():
    one = Patient(playing("sinus", leads=("I", "II", "V")).script)
    (group,) = one.read(0, 5000)
    assert [c.name for c in group.layout.channels] == ["I", "II", "V"]
    assert group.layout.slots == (0, 1, 12)
    assert group.samples.dtype == np.int16
