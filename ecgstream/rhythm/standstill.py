"""A flat line on all leads: the heart at standstill, or the cable out of its socket? Compiled.

A monitor that sends a constant while nothing is measured looks like a heart that does nothing. The safe reading is
asystole; what makes it the cable is named here. See docs/decisions/flat-line.md.
"""

from __future__ import annotations

from numba import njit

from ..waveform import N_LEADS, Reason

HEARD_HOPS = 25
"""Judged hops (5 s) that must have come right before the flat line: a cable that is pulled makes noise, or rails."""
OLD_HOPS = 300
"""A lead that has been off, railing or noisy for this long (60 s) has no say."""
NO_LINE, STANDSTILL, PULSE_BESIDE = range(3)

_OK, _ABSENT, _FLAT, _SETTLING = int(Reason.OK), int(Reason.ABSENT), int(Reason.FLAT), int(Reason.SETTLING)


@njit(cache=True, nogil=True)
def judge_flat_line(s, reason, why, pulse):
    """Whether a hop is signal in which nothing beats (STANDSTILL), the leads' own fault (PULSE_BESIDE), or neither.

    One call a hop. ``reason`` (N_LEADS,) of the leads, ``why`` the row's; ``pulse``: 1 where blood pressure or pleth
    shows the heart at work, 0 where not, -1 where that was not asked: what was found last on this line then stands.
    """
    flat = trouble = False
    for lead in range(N_LEADS):
        if reason[lead] == _FLAT or reason[lead] == _OK:
            s.troubled[lead] = 0
            flat = flat or reason[lead] == _FLAT
        elif reason[lead] != _ABSENT:
            s.troubled[lead] += 1
            trouble = trouble or s.troubled[lead] < OLD_HOPS
    is_line = flat and not trouble and why != _OK and why != _SETTLING
    s.pulse = (s.pulse if pulse < 0 else pulse) if is_line else 0
    if why == _OK:
        s.heard += 1
    elif not is_line and why != _SETTLING:
        s.heard = 0
    if not is_line or s.heard < HEARD_HOPS:
        return NO_LINE
    return PULSE_BESIDE if s.pulse else STANDSTILL
