"""HL7 times: zones, missing zones, fractions, summer time, and there and back."""

from __future__ import annotations

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgstream.errors import Hl7Error
from ecgstream.hl7.times import dtm, time_ns

from .messages import START_NS, joined, msh, read

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    "text",
    [
        "20260101120000+0000",
        "20260101120000.0000",
        "202601011200+0000",
        "20260101130000.000+0100",
        "20260101063000-0530",
    ],
)
def test_one_moment_in_many_spellings(text: str):
    assert time_ns(text, UTC, "") == START_NS


def test_fractions_are_exact():
    assert time_ns("20260101120000.1234+0000", UTC, "") == START_NS + 123_400_000


def test_a_time_without_a_zone_is_in_the_one_that_is_set_and_summer_time_is_kept():
    assert time_ns("20260701140000", BERLIN, "") == time_ns("20260701120000+0000", UTC, "")
    assert time_ns("20261025023000", BERLIN, "") == time_ns("20261025003000+0000", UTC, ""), "first of the two"


def test_the_zone_of_msh_7_holds_for_the_whole_message():
    message = read(joined(msh().replace("20260101120000.000+0000", "20260101130000+0100")))
    assert message.time_ns("20260101130000", "") == START_NS


@given(st.integers(0, 4 * 10**18))
def test_there_and_back_to_a_tenth_of_a_millisecond(ns: int):
    assert abs(time_ns(dtm(ns), UTC, "") - ns) <= 50_000


@pytest.mark.parametrize(
    "text", ["", "2026", "20261301120000", "20260101250000", "yesterday", "19690101120000", "٢٠٢٦"]
)
def test_what_is_no_time_is_refused(text: str):
    with pytest.raises(Hl7Error) as caught:
        time_ns(text, UTC, "OBR-7")
    assert (caught.value.reason, caught.value.where) == ("bad_time", "OBR-7")
