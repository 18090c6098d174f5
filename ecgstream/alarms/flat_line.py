"""What an asystole alert says of a flat line, so that who reads it looks at the cable as well as at the patient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..waveform import HOP_SAMPLES, AlarmUpdate, Condition

FLAT_LINE = "flat line on all leads, no lead marked off: look at patient and cable"


def name_flat_line(
    updates: Sequence[AlarmUpdate], rows: np.ndarray, first_hop: np.ndarray, standstill: np.ndarray
) -> list[AlarmUpdate]:
    """The updates, those of asystole that hops of ``standstill`` (bool (R, H)) began with a text that says so.

    rows, first_hop int64 (R,) of the step that gave the updates.
    """
    if not standstill.any():
        return list(updates)
    place = {int(row): k for k, row in enumerate(rows)}

    def named(update: AlarmUpdate) -> AlarmUpdate:
        if update.condition != Condition.ASYSTOLE or update.state != "active":
            return update
        k = place[update.row]
        hop = update.decided // HOP_SAMPLES - 1 - int(first_hop[k])
        return replace(update, text=FLAT_LINE) if standstill[k, hop] else update

    return [named(update) for update in updates]
