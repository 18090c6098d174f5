"""Patients for tests, and plain measurements of what they send."""

import numpy as np
from scipy.signal import find_peaks, welch

from ecgstream.waveform import STANDARD_LEADS
from simulators.patient import ADU_PER_MV, Patient
from simulators.script import BedScript, Episode, episode


def patient(*episodes: Episode, leads=STANDARD_LEADS, fs=250, seed=5) -> Patient:
    return Patient(BedScript("bed", leads, fs, seed, episodes))


def playing(name: str, seconds: float = 60, bpm: float | None = None, **how) -> Patient:
    return patient(episode(name, 0, seconds, bpm), **how)


def lead_mv(one: Patient, lead: str, start_s: float, stop_s: float) -> np.ndarray:
    fs = one.script.fs_hz
    (group,) = one.read(round(start_s * fs), round(stop_s * fs))
    return group.samples[one.script.leads.index(lead)] / ADU_PER_MV


def peak_times_s(mv: np.ndarray, fs: int) -> np.ndarray:
    """Upward peaks that stand out by more than half the range."""
    peaks, _ = find_peaks(mv, prominence=0.5 * np.ptp(mv), distance=round(0.2 * fs))
    return peaks / fs


def share_of_power(mv: np.ndarray, fs: int, low_hz: float, high_hz: float) -> float:
    frequency_hz, density = welch(mv - mv.mean(), fs, nperseg=4 * fs)
    inside = (frequency_hz >= low_hz) & (frequency_hz <= high_hz)
    return float(density[inside].sum() / density.sum())
