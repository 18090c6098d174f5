"""Shape of beats, and how leads hang together."""

import numpy as np
import pytest

from ecgstream.waveform import STANDARD_LEADS

from .signals import lead_mv, patient, playing


@pytest.mark.parametrize("name", ["sinus", "ventricular_fibrillation", "paced", "atrial_flutter"])
def test_limb_leads_obey_einthoven_and_goldberger(name):
    (group,) = playing(name).read(1000, 5000)
    lead = dict(zip(STANDARD_LEADS, group.samples.astype(float), strict=True))
    # Each lead is rounded on its own: the sums may be off by the halves.
    assert np.abs(lead["II"] - lead["I"] - lead["III"]).max() <= 1.5
    assert np.abs(lead["aVR"] + (lead["I"] + lead["II"]) / 2).max() <= 1.01
    assert np.abs(lead["aVL"] - lead["I"] + lead["II"] / 2).max() <= 1.26
    assert np.abs(lead["aVF"] - lead["II"] + lead["I"] / 2).max() <= 1.26


@pytest.mark.parametrize("seed", range(8))
def test_sinus_beats_look_as_in_textbooks(seed):
    """II and V5 point up, V1 and aVR down, and R grows from V1 to V4; in whoever the seed makes."""
    one = playing("sinus", bpm=60, seed=seed)
    mv = {name: lead_mv(one, name, 4, 14) for name in STANDARD_LEADS}
    height = {name: trace.max() - np.median(trace) for name, trace in mv.items()}
    depth = {name: np.median(trace) - trace.min() for name, trace in mv.items()}
    assert height["II"] > depth["II"] and height["V5"] > depth["V5"]
    assert depth["V1"] > height["V1"] and depth["aVR"] > height["aVR"]
    assert height["V1"] < height["V3"] < height["V4"]
    assert 0.4 < height["II"] < 2.0


def test_ventricular_beats_are_wide_and_sinus_beats_narrow():
    def width_s(name: str) -> float:
        """How long the QRS is beyond a fifth of its height, in lead II, at a rate that keeps beats apart."""
        one = playing(name, bpm=60, fs=1000)
        beat_s = one.beats.time_s[5]
        mv = lead_mv(one, "II", beat_s - 0.1, beat_s + 0.12)
        mv = np.abs(mv - mv[0])
        return float(np.count_nonzero(mv > 0.2 * mv.max()) / 1000)

    assert width_s("sinus") < 0.1
    assert width_s("ventricular_tachycardia") > 0.12


def test_atrial_fibrillation_has_no_p_wave():
    def before_qrs(name: str) -> np.ndarray:
        one = playing(name, bpm=60, fs=250)
        starts = np.rint((one.beats.time_s[3:40] - 0.25) * 250).astype(int)
        (group,) = one.read(0, 60 * 250)
        return np.mean([group.samples[1, at : at + 50] / 400 for at in starts], axis=0)

    assert np.ptp(before_qrs("sinus")) > 2 * np.ptp(before_qrs("atrial_fibrillation"))


def test_two_patients_differ():
    first, second = (patient(*playing("sinus").script.episodes, seed=seed) for seed in (1, 2))
    assert np.corrcoef(lead_mv(first, "II", 2, 10), lead_mv(second, "II", 2, 10))[0, 1] < 0.9
