"""What alerts say that stand on a flat line, so that who reads them looks at the cable as well as at the patient."""

from __future__ import annotations

import numpy as np

from ..waveform import N_CONDITIONS, Condition

FLAT_LINE = "flat line on all leads, no lead marked off: look at patient and cable"
PULSE_BESIDE = "flat line on all leads, pulse present in pleth or arterial pressure: look at electrodes and cable"
ABOUT = ("", FLAT_LINE, PULSE_BESIDE)
"""By the number that alarms keep."""


def about_flat_lines(standstill: np.ndarray, pulse_beside: np.ndarray) -> np.ndarray:
    """uint8 (R, H, N_CONDITIONS), index into ABOUT: what an alert says that begins in a hop. Both bool (R, H)."""
    about = np.zeros((*standstill.shape, N_CONDITIONS), np.uint8)
    about[:, :, Condition.ASYSTOLE] = np.where(standstill, ABOUT.index(FLAT_LINE), 0)
    about[:, :, Condition.LEADS_OFF] = np.where(pulse_beside, ABOUT.index(PULSE_BESIDE), 0)
    return about
