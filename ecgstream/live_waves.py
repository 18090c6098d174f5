"""What the ward page draws: the conditioned signal, as the rules and the encoder see it, in whole microvolts."""

from __future__ import annotations

import numpy as np

from .intake import Intake
from .waveform import HOP_SAMPLES, Conditioned, Reason
from .web.waves import MISSING, MOST_UV, Wave


def waves_of(conditioned: Conditioned, intake: Intake) -> list[Wave]:
    """A wave for every row with a lead, measured or derived; ``MISSING`` wherever the signal is not valid."""
    uv = np.clip(np.rint(conditioned.ecg_mv * 1000), -MOST_UV, MOST_UV).astype(np.int16)
    uv[~conditioned.valid] = MISSING
    present = (conditioned.reason != Reason.ABSENT).any(axis=2)
    waves = []
    for i, row in enumerate(conditioned.rows.tolist()):
        slots = np.flatnonzero(present[i])
        if len(slots):
            names = intake.lead_names(row)
            leads = tuple(names[slot] for slot in slots.tolist())
            waves.append(Wave(intake.stream_id(row), int(conditioned.first_hop[i]) * HOP_SAMPLES, leads, uv[i, slots]))
    return waves
