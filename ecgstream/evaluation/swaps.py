"""Recordings as they would be with limb electrodes exchanged, by the textbook sums of the leads."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..electrodes import Swap
from .records import Record

_LEG_MV = 0.003
"""What is left of a lead between two legs."""


def swapped(record: Record, swap: Swap) -> Record:
    """The recording, which holds leads I and II, with electrodes exchanged.

    Arms: I turned over, II and III exchanged, aVR and aVL exchanged, all else as it was. Right arm and leg: II nothing
    but a little noise, I the reverse of III; the chest leads lose a third of II, as their zero moves.
    """
    if swap == Swap.NONE:
        return record
    mv = (record.adu - record.baseline_adu[:, None]) * record.mv_per_adu[:, None].astype(np.float64)
    leads = dict(zip(record.leads, mv, strict=True))
    first, second, chest = -leads["I"], leads["II"] - leads["I"], np.zeros(1)
    if swap == Swap.RIGHT_ARM_AND_LEG:
        first, chest = leads["I"] - leads["II"], -leads["II"] / 3
        second = _LEG_MV * np.random.default_rng(0).standard_normal(mv.shape[1])
    limb = {"I": first, "II": second, "III": second - first, "aVR": -(first + second) / 2}
    limb |= {"aVL": first - second / 2, "aVF": second - first / 2}
    new_mv = np.stack([limb.get(name, wave + chest) for name, wave in leads.items()])
    adu = np.rint(new_mv / record.mv_per_adu[:, None] + record.baseline_adu[:, None])
    return replace(record, adu=np.clip(adu, -32_000, 32_000).astype(np.int16))
