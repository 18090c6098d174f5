"""Whether a peak that stands out like a beat is an artefact rather: a step, a spike, a burst of motion. Compiled.

A beat looks like one of the last few, or rests between its neighbours and leaves the baseline where it was; a peak that
does neither is likelier none. How much each weighs is a logistic regression, fitted to the beats and extra detections
of half of the MIT-BIH Arrhythmia Database by ``benchmarks/qrs_artefacts.py``.

What beats look like is learnt from refused peaks, too: a new rhythm is strange once only.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from .shape import BEFORE, correlation, tells
from .state import N_MAIN_LEADS, RECENT, SHAPE, SHAPE_STEP

_FARTHEST, _LAG_STEP = 8, 2
"""Samples by which a beat may lie otherwise than the recent one, and in what steps that is tried."""
_LEAST_RECENT = 4
"""Beats to be held against before any peak is refused."""
_EDGE = 5
"""Samples on either side of a QRS shape's ends that the baseline is told from."""
_REST_BEFORE, _REST_AFTER = (-70, -30), (30, 110)
"""Samples from a peak between which its neighbourhood should rest."""
_RANGE = (0.02, 2.0)

_UNREST = -4.0
"""Of both sides together; where a peak rests more than that, it is a beat, and nothing else is asked."""

_LIKENESS, _BEFORE, _AFTER, _STEP, _CONSTANT = -5.48, 2.89, 2.38, 4.73, 5.38
"""Log odds of an artefact against a beat: for each trait, and for none."""
REFUSED_FROM = np.log(3.0)
"""A peak is refused where it is three times likelier none: a beat missed is worse than one too many."""


@njit(cache=True, nogil=True)
def is_artefact(s, lead_ecg, fused, peak, sample):
    """Whether the peak at index ``peak`` of ``fused`` and of ``lead_ecg`` (N_LEADS, samples) is likelier no beat.

    Its shape is kept for the next ones; its traits, and its grid sample ``sample``, for fitting.
    """
    start = peak - BEFORE
    before, after = _unrest(fused, peak, _REST_BEFORE), _unrest(fused, peak, _REST_AFTER)
    step = likeness = np.nan
    refused = False
    if before + after > _UNREST and s.n_recent >= _LEAST_RECENT:
        step, likeness = _step(s, lead_ecg, start), _likeness(s, lead_ecg, start)
        odds = _LIKENESS * likeness + _BEFORE * before + _AFTER * after + _STEP * step + _CONSTANT
        refused = odds > REFUSED_FROM
    place = s.n_recent % RECENT
    s.recent_sample[place] = sample
    s.recent_traits[place, 0], s.recent_traits[place, 1] = likeness, before
    s.recent_traits[place, 2], s.recent_traits[place, 3] = after, step
    _keep(s, lead_ecg, start, place)
    return refused


@njit(cache=True, nogil=True)
def _unrest(fused, peak, span):
    """Logarithm of the mean energy of a neighbourhood against the peak's."""
    share = fused[peak + span[0] : peak + span[1]].mean() / fused[peak]
    return np.log(min(max(share, _RANGE[0]), _RANGE[1]))


@njit(cache=True, nogil=True)
def _step(s, lead_ecg, start):
    """How far the baseline moves from before the QRS to behind it, against the height of it all: 0 to 1."""
    greatest = 0.0
    for main in range(N_MAIN_LEADS):
        if tells(s, main):
            ecg = lead_ecg[s.main_lead[main], start - _EDGE : start + SHAPE + _EDGE]
            moved = abs(ecg[: 2 * _EDGE].mean() - ecg[-2 * _EDGE :].mean())
            greatest = max(greatest, moved / max(ecg.max() - ecg.min(), 1e-9))
    return min(greatest, 1.0)


@njit(cache=True, nogil=True)
def _likeness(s, lead_ecg, start):
    """Correlation with the recent beat it is most like, in the main leads together, weighed by height; 0 to 1, which it
    is where no main lead can tell."""
    best, told, heights = 0.0, False, np.zeros(N_MAIN_LEADS)
    for k in range(min(s.n_recent, RECENT)):
        for main in range(N_MAIN_LEADS):
            heights[main] = np.abs(s.recent[k, main]).max()
        for lag in range(-_FARTHEST, _FARTHEST + 1, _LAG_STEP):
            first = start + lag
            total = weight = 0.0
            for main in range(N_MAIN_LEADS):
                if tells(s, main):
                    ecg = lead_ecg[s.main_lead[main], first : first + SHAPE : SHAPE_STEP]
                    total += heights[main] * correlation(ecg, s.recent[k, main])
                    weight += heights[main]
            best = max(best, total / max(weight, 1e-9))
            told = told or weight > 0.0
    return best if told else 1.0


@njit(cache=True, nogil=True)
def _keep(s, lead_ecg, start, place):
    for main in range(N_MAIN_LEADS):
        s.recent[place, main] = 0.0
        if tells(s, main):
            ecg = lead_ecg[s.main_lead[main], start : start + SHAPE : SHAPE_STEP]
            s.recent[place, main] = ecg - ecg.mean()
    s.n_recent += 1
