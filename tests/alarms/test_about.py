"""What an alert says beside its name, as long as it stands, however often it is told."""

import json

import numpy as np
import pytest

from ecgstream.alarms import keeping
from ecgstream.alarms.about import ARMS_SWAPPED, FLAT_LINE, LEG_SWAPPED, PULSE_BESIDE, about_alerts
from ecgstream.alarms.lifecycle import Alarms
from ecgstream.waveform import AlarmUpdate, Condition

from .timeline import arrays, one_bed

ASYSTOLE, LEADS_OFF = Condition.ASYSTOLE, Condition.LEADS_OFF
SECOND = 10**9


def feed(alarms: Alarms, condition: Condition, line: str, flat: str = "") -> list[AlarmUpdate]:
    """Step a bed: evidence of a condition; ``-`` all leads flat, ``^`` with a pulse beside; ``1``, ``2`` a swap."""
    first_hop = int(alarms.next_hop[0])
    judged, evidence, onset = arrays({condition: line}, first_hop)
    hops = np.array(list(flat.ljust(len(line), ".")))[None]
    swap = np.where(hops == "1", 1, np.where(hops == "2", 2, 0))
    about = about_alerts(hops == "-", hops == "^", swap)
    from_model = np.zeros_like(evidence)
    return alarms.step(np.array([0]), np.array([first_hop]), judged, evidence, onset, from_model, 0, about)


@pytest.mark.parametrize(
    ("condition", "line", "flat", "text"),
    [
        (ASYSTOLE, "..##", "..--", FLAT_LINE),
        (ASYSTOLE, "..##", "....", ""),
        (ASYSTOLE, "..##", "...-", ""),  # the hop in which it begins counts
        (ASYSTOLE, "..##", "..^^", ""),
        (LEADS_OFF, "#" * 12, "^" * 12, PULSE_BESIDE),
        (LEADS_OFF, "#" * 12, "-" * 12, ""),
        (Condition.PAUSE, "..##", "..--", ""),
        (Condition.ELECTRODES_SWAPPED, "..##", "..11", ARMS_SWAPPED),
        (Condition.ELECTRODES_SWAPPED, "..##", "..22", LEG_SWAPPED),
    ],
)
def test_the_text_is_of_the_hop_in_which_the_alert_begins(condition, line, flat, text):
    (told,) = feed(one_bed(), condition, line, flat)
    assert told.text == text


def test_it_is_told_again_with_the_text_standing_repeated_and_with_the_rest_of_the_strip():
    alarms = one_bed()
    (told,) = feed(alarms, ASYSTOLE, "#", "-")
    assert [u.text for u in alarms.standing(0)] == [told.text] == [FLAT_LINE]
    assert alarms.repeats(SECOND) == []
    (again,) = alarms.repeats(61 * SECOND)
    assert again.text == FLAT_LINE and again.escalation == 1
    (complete,) = feed(alarms, ASYSTOLE, "#" * 60)
    assert complete.strip.complete and complete.text == FLAT_LINE


def test_it_outlives_a_restart():
    alarms, after = one_bed(), Alarms(1)
    feed(alarms, ASYSTOLE, "#", "-")
    kept = json.loads(json.dumps(keeping.save(alarms, 0)))
    keeping.restore(after, 0, kept)
    assert after.standing(0) == alarms.standing(0) and after.standing(0)[0].text == FLAT_LINE
    del kept["alarms"]["asystole"]["about"]  # as it was kept before
    keeping.restore(after, 0, kept)
    assert after.standing(0)[0].text == ""


def test_it_ends_with_the_alert_and_the_next_says_its_own():
    alarms = one_bed()
    feed(alarms, ASYSTOLE, "#", "-")
    (latched,) = feed(alarms, ASYSTOLE, "." * 12)
    assert latched.text == "over, not yet acknowledged"
    (again,) = feed(alarms, ASYSTOLE, "#")
    assert again.alert_id == latched.alert_id and again.text == ""
