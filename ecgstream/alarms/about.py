"""What alerts say beside their name, so that who reads them looks at cable and electrodes as well as at the patient."""

from __future__ import annotations

import numpy as np

from ..waveform import N_CONDITIONS, Condition

FLAT_LINE = "flat line on all leads, no lead marked off: look at patient and cable"
PULSE_BESIDE = "flat line on all leads, pulse present in pleth or arterial pressure: look at electrodes and cable"
ARMS_SWAPPED = "lead I looks turned over: look whether the electrodes of both arms are exchanged"
LEG_SWAPPED = "lead II is all but flat: look whether the electrode of the right arm is on a leg"
ABOUT = ("", FLAT_LINE, PULSE_BESIDE, ARMS_SWAPPED, LEG_SWAPPED)
"""By the number that alarms keep."""


def about_alerts(standstill: np.ndarray, pulse_beside: np.ndarray, swap: np.ndarray) -> np.ndarray:
    """uint8 (R, H, N_CONDITIONS), index into ABOUT: what an alert says that begins in a hop.

    standstill, pulse_beside bool (R, H); swap uint8 (R, H): 0 none, 1 both arms, 2 right arm and right leg.
    """
    about = np.zeros((*standstill.shape, N_CONDITIONS), np.uint8)
    about[:, :, Condition.ASYSTOLE] = np.where(standstill, ABOUT.index(FLAT_LINE), 0)
    about[:, :, Condition.LEADS_OFF] = np.where(pulse_beside, ABOUT.index(PULSE_BESIDE), 0)
    about[:, :, Condition.ELECTRODES_SWAPPED] = np.array([0, ABOUT.index(ARMS_SWAPPED), ABOUT.index(LEG_SWAPPED)])[swap]
    return about
