"""What a bed's other channels say where its ECG is a flat line: is there a pulse in pleth or arterial pressure?

No state: the answer is made of samples in the arena, from before the hop's end alone, so it is the same however they
came, and after a move. Asked once a second, and only of beds whose leads are all flat.
"""

from __future__ import annotations

import numpy as np

from .intake import Intake
from .pulse import find_pulses, shows_pulse
from .waveform import CODE_LIMIT, GRID_HZ, HOP_S, HOP_SAMPLES, Conditioned, GroupKind, Reason

STRETCH_S = 10.0
BEHIND_S = 0.3
"""Other groups may lag behind the ECG by this much within a message."""
_EVERY_HOPS = round(1 / HOP_S)
_KINDS = (GroupKind.PLETH, GroupKind.ABP)
_LEAST_VALID = 0.5


def pulses_beside(intake: Intake, signal: Conditioned) -> np.ndarray | None:
    """int8 (R, n_hops), as ``Rhythm.step`` takes it; None where no bed's line is flat.

    A pulse is there where every channel that is sent shows it: pressure that has fallen is not outvoted by pleth.
    """
    flat = (signal.reason == Reason.FLAT).any(1) & ~(signal.reason == Reason.OK).any(1)
    if not flat.any():
        return None
    hop = signal.first_hop[:, None] + np.arange(signal.n_hops)
    pulse = np.where(flat, -1, 0).astype(np.int8)
    for place, k in np.argwhere(flat & ((hop + 1) % _EVERY_HOPS == 0)).tolist():
        pulse[place, k] = _is_beating(intake, int(signal.rows[place]), int(hop[place, k] + 1) * HOP_SAMPLES)
    return pulse


def _is_beating(intake: Intake, row: int, stop: int) -> bool:
    stop -= round(BEHIND_S * GRID_HZ)
    shown = []
    for kind in _KINDS:
        found = intake.window(row, kind, stop - round(STRETCH_S * GRID_HZ), stop)
        if found is not None:
            layout, raw = found
            valid = raw[0] >= CODE_LIMIT
            if valid.mean() >= _LEAST_VALID:
                wave = (raw[0] - float(layout.channels[0].baseline)) / layout.channels[0].gain
                is_pressure = kind == GroupKind.ABP
                shown.append(shows_pulse(find_pulses(wave, valid, float(layout.fs_hz), is_pressure), is_pressure))
    return bool(shown) and all(shown)
