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

_OK, _ABSENT, _FLAT, _SETTLING = int(Reason.OK), int(Reason.ABSENT), int(Reason.FLAT), int(Reason.SETTLING)


@njit(cache=True, nogil=True)
def is_standstill(s, reason, why, pulse):
    """Whether a hop counts as signal in which nothing beats; one call a hop.

    ``reason`` (N_LEADS,) of the leads, ``why`` the row's; ``pulse``: blood pressure or pleth shows the heart at work.
    """
    flat = trouble = False
    for lead in range(N_LEADS):
        if reason[lead] == _FLAT or reason[lead] == _OK:
            s.troubled[lead] = 0
            flat = flat or reason[lead] == _FLAT
        elif reason[lead] != _ABSENT:
            s.troubled[lead] += 1
            trouble = trouble or s.troubled[lead] < OLD_HOPS
    if why == _OK:
        s.heard += 1
        return False
    if why == _SETTLING:
        return False
    if not flat or trouble:
        s.heard = 0
        return False
    return s.heard >= HEARD_HOPS and not pulse
