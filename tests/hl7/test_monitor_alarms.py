"""The monitor's own alarms, whatever codes its maker gives the parts."""

from __future__ import annotations

import pytest
from hl7apy.parser import parse_message

from ecgstream.hl7.monitor_alarms import Alarms

from .messages import START_NS, joined, msh, pv1, r40, read


def test_the_message_we_test_with_is_parsed_by_another_library():
    assert parse_message(r40().decode(), find_groups=False).msh.msh_9.to_er7() == "ORU^R40^ORU_R40"


@pytest.mark.parametrize(
    ("code", "name", "mdc"),
    [
        ("199684^MDC_ECG_ASYSTOLE^MDC", "asystole", 199684),
        ("199694^x^MDC", "bradycardia", 199694),
        ("199730^x^MDC", "tachycardia", 199730),
        ("199832^x^MDC", "ventricular_tachycardia", 199832),
        ("0^V-FIB^L^71908006^Ventricular fibrillation^SCT", "ventricular_fibrillation", 0),
        ("77777^x^L", "ventricular_fibrillation", 77777),  # alarms.code_vf
    ],
)
def test_events_with_an_opinion(code: str, name: str, mdc: int):
    raised = Alarms(code_vf=77777).raised(read(r40(code)))
    assert (raised.alarm.name, raised.alarm.code, raised.alarm.start_ns) == (name, mdc, START_NS)
    assert (raised.alarm.priority, raised.alarm.active) == ("high", True)


def test_an_alarm_is_raised_once_however_often_it_is_told():
    alarms = Alarms(0)
    raised = alarms.raised(read(r40()))
    assert alarms.raised(read(r40(phase="continue"))), "not handed on yet"
    alarms.begun(raised)
    assert alarms.raised(read(r40(phase="continue"))) is None
    assert alarms.raised(read(r40(phase="start", alert_id="78")))
    assert alarms.raised(read(r40(phase="end", alert_id="79"))) is None


def test_other_events_and_other_vendors_codes():
    assert Alarms(0).raised(read(r40("150456^MDC_PULS_OXIM_SAT_O2^MDC"))) is None
    dräger = (
        r40().replace(b"68481^MDC_ATTR_EVENT_PHASE", b"68165^X").replace(b"68484^MDC_ATTR_ALARM_PRIORITY", b"68167^Y")
    )
    assert Alarms(0).raised(read(dräger)).alarm.priority == "high"
    assert Alarms(0).raised(read(joined(msh("ORU^R40"), pv1(), "OBR|1||77||||20260101120000+0000"))) is None
