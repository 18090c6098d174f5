"""Conditions of the signal itself, hop by hop."""

from types import SimpleNamespace

import numpy as np
import pytest

from ecgstream.alarms.technical import add_technical
from ecgstream.waveform import N_CONDITIONS, N_LEADS, Condition, Reason

FIRST_HOP, N_HOPS = 10, 3
OK = (Reason.OK,) * N_HOPS


def told(
    lead=OK,
    rhythm=OK,
    pvc=(0, 0, 0),
    beside=(False, False, False),
    swap=(0, 0, 0),
    clock_wrong=False,
    model_missing=False,
):
    """Evidence and onset of one row in which one lead, and no other, is there; at most 10 PVCs a minute are allowed."""
    reason = np.full((1, N_LEADS, N_HOPS), Reason.ABSENT, np.uint8)
    reason[0, 1] = lead
    conditioned = SimpleNamespace(first_hop=np.array([FIRST_HOP]), n_hops=N_HOPS, reason=reason)
    result = SimpleNamespace(
        reason=np.array([rhythm], np.uint8), pvc_per_min=np.array([pvc], np.float32), pulse_beside=np.array([beside])
    )
    evidence = np.ones((1, N_HOPS, N_CONDITIONS), bool)
    onset = np.full(evidence.shape, 7)
    clock = np.array([clock_wrong])
    add_technical(evidence, onset, conditioned, result, np.array([swap]), clock, model_missing, np.array([10.0]))
    return evidence[0], onset[0]


@pytest.mark.parametrize(
    ("condition", "amiss", "holds"),
    [
        (Condition.LEADS_OFF, {"lead": (Reason.OK, Reason.LEAD_OFF, Reason.NOISE)}, [False, True, False]),
        (Condition.LEADS_OFF, {"beside": (False, False, True)}, [False, False, True]),
        (
            Condition.SIGNAL_UNUSABLE,
            {"rhythm": (Reason.SETTLING, Reason.MISSING, Reason.NOISE)},
            [False, True, True],
        ),
        (Condition.CLOCK_WRONG, {"clock_wrong": True}, [True, True, True]),
        (Condition.MODEL_UNAVAILABLE, {"model_missing": True}, [True, True, True]),
        (Condition.ELECTRODES_SWAPPED, {"swap": (0, 1, 2)}, [False, True, True]),
        (Condition.FREQUENT_PVC, {"pvc": (10, 11, np.nan)}, [False, True, False]),
    ],
)
def test_what_is_amiss_is_told_of_its_hops_and_nothing_else_is(condition, amiss, holds):
    evidence, onset = told(**amiss)
    assert evidence[:, condition].tolist() == holds
    start = (FIRST_HOP + np.arange(N_HOPS)) * 50
    assert onset[:, condition].tolist() == np.where(holds, start, -1).tolist()
    others = {
        Condition.LEADS_OFF,
        Condition.SIGNAL_UNUSABLE,
        Condition.CLOCK_WRONG,
        Condition.MODEL_UNAVAILABLE,
        Condition.FREQUENT_PVC,
        Condition.ELECTRODES_SWAPPED,
    } - {condition}
    assert not evidence[:, list(others)].any() and (onset[:, list(others)] == -1).all()


def test_evidence_of_rhythms_is_left_alone():
    evidence, onset = told()
    assert evidence[:, Condition.ASYSTOLE].all() and (onset[:, Condition.ASYSTOLE] == 7).all()
