"""Strips: which stretch of signal goes with an alert, and which alerts still wait for the rest of theirs.

    onset - 10 s            onset       decided        onset + 10 s
      ├───────────────────────┼────────────┤                 │        first update
      ├───────────────────────┼────────────┴─────────────────┤        one more update, complete

Where the decision came more than 10 s after the onset, the strip is the 20 s up to it, complete at once. An alert may
end, and another of its condition begin, while its strip is open; so open strips stand beside the alarms. The update
that completes one is decided by samples alone: at the end of the hop that brings the last of them.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from ..waveform import GRID_HZ, STRIP_S, Strip

SLOTS = 16
"""Most open strips of a row; a further one has the oldest completed with what there is."""
NO_STRIP = -1

_AFTER = round(STRIP_S[1] * GRID_HZ)
_LENGTH = round(sum(STRIP_S) * GRID_HZ)

STRIP_DTYPE = np.dtype(
    [
        ("condition", "i8"),  # NO_STRIP: the slot is free
        ("onset", "i8"),
        ("begun", "i8"),  # grid sample at which the alert's first update was decided
        ("update", "i8"),  # the alert's newest update
        ("state", "i1"),  # and the state it told
        ("about", "u1"),  # what is said of it: index into about.ABOUT
        ("from_model", "?"),
        ("measured_per_min", "f4"),  # as in ALARM_DTYPE
        ("limit_per_min", "f4"),
    ],
    align=True,
)


def no_strips(n_rows: int) -> np.ndarray:
    """Free slots: STRIP_DTYPE (n_rows, SLOTS)."""
    strips = np.zeros((n_rows, SLOTS), dtype=STRIP_DTYPE)
    strips["condition"] = NO_STRIP
    return strips


def strip_of(onset: int, begun: int, decided: int, last: bool) -> Strip:
    """The samples that an update decided at grid sample ``decided`` brings; ``last``: no update will bring more."""
    stop = max(onset + _AFTER, begun)
    return Strip(max(stop - _LENGTH, 0), min(stop, decided), begun, last or stop <= decided)


@njit(cache=True, nogil=True)
def _stop(strip: np.void) -> int:
    return max(strip.onset + _AFTER, strip.begun)


@njit(cache=True, nogil=True)
def next_slot(strips: np.ndarray) -> int:
    """A free slot, else that of the oldest strip."""
    oldest = 0
    for k in range(strips.size):
        if strips[k].condition == NO_STRIP:
            return k
        if strips[k].begun < strips[oldest].begun:
            oldest = k
    return oldest


@njit(cache=True, nogil=True)
def begin_strip(strip: np.void, condition: int, alarm: np.void, end: int) -> None:
    """Open the strip of an alert that was just told for the first time, unless it is complete already."""
    strip.onset = alarm.onset
    strip.begun = end
    strip.condition = condition if _stop(strip) > end else NO_STRIP
    strip.update = alarm.update
    strip.state = alarm.state
    strip.about = alarm.about
    strip.from_model = alarm.from_model
    strip.measured_per_min = alarm.measured_per_min
    strip.limit_per_min = alarm.limit_per_min


@njit(cache=True, nogil=True)
def follow_strip(strips: np.ndarray, condition: int, alarm: np.void) -> None:
    """Note the newest update of an alert at its open strip, if it has one."""
    for k in range(strips.size):
        strip = strips[k]
        if strip.condition == condition and strip.onset == alarm.onset:
            strip.update = alarm.update
            strip.state = alarm.state
            strip.about = alarm.about
            strip.measured_per_min = alarm.measured_per_min
            strip.limit_per_min = alarm.limit_per_min


@njit(cache=True, nogil=True)
def due_slot(strips: np.ndarray, end: int) -> int:
    """The first slot whose strip is complete at grid sample ``end``, or NO_STRIP."""
    for k in range(strips.size):
        if strips[k].condition != NO_STRIP and _stop(strips[k]) <= end:
            return k
    return NO_STRIP
