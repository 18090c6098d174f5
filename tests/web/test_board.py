"""What the page knows of the ward, from the messages that leave for it."""

import json

import numpy as np
import pytest

from ecgstream.alert_strips.recent import RecentStrips
from ecgstream.errors import WireError
from ecgstream.web.bed import MOST_HISTORY
from ecgstream.web.board import FORGET_S, Board
from ecgstream.web.waves import Wave
from ecgstream.wire import ecgstream_pb2 as pb
from ecgstream.wire.codec import encode

from .messages import STRIP, alert, diagnosis, vitals


def news(board: Board, seen: int = 0, shown: dict[int, int] | None = None) -> dict:
    return json.loads(board.news(seen, shown or {}))


def test_an_alert_stands_until_it_has_ended_and_is_history_then():
    board = Board()
    board.take(*alert())
    (bed,) = news(board)["beds"]
    assert [(a["condition"], a["state"], a["priority"]) for a in bed["alerts"]] == [
        ("ventricular_fibrillation", "active", 3)
    ]
    seen = board.revision
    assert board.news(seen, {}) is None
    board.take(*alert(update=1, state=pb.Alert.ENDED))
    (bed,) = news(board, seen)["beds"]
    assert (bed["alerts"], bed["past"]) == ([], 1)
    (past,) = board.beds["bed-1"].history.values()
    assert past["endedMs"] is not None


def test_later_updates_keep_when_the_alarm_began_and_what_it_said():
    board = Board()
    board.take(*alert(text="flat line on all leads", published_time_ns=5_000_000_000, delay_s=2.0, late_s=0.5))
    board.take(*alert(update=1, state=pb.Alert.ACKNOWLEDGED, published_time_ns=60_000_000_000, delay_s=57.0))
    (shown,) = board.beds["bed-1"].standing.values()
    assert (shown["sinceMs"], shown["state"], shown["text"]) == (2500, "acknowledged", "flat line on all leads")


def test_graver_alarms_come_first():
    board = Board()
    board.take(*alert(alert_id="a1", condition="frequent_pvc", priority=pb.Alert.LOW))
    board.take(*alert(alert_id="a2", condition="asystole", priority=pb.Alert.HIGH))
    (bed,) = news(board)["beds"]
    assert [a["id"] for a in bed["alerts"]] == ["a2", "a1"]


def test_strips_are_kept_for_drawing():
    board = Board()
    board.take(*alert(strip=STRIP))
    assert pb.Alert.FromString(board.strips.find("a1")).strip.onset == 1
    assert board.beds["bed-1"].standing["a1"]["strip"]


def test_strips_that_somebody_else_keeps_too_are_not_kept_twice():
    strips = RecentStrips()
    Board(strips).take(*alert(strip=STRIP))
    assert strips.find("a1")


def test_a_page_gets_vitals_of_the_beds_it_shows_alone():
    board = Board()
    board.take(*vitals("bed-1", heart_rate_bpm=71.5, preset="icu", limits=pb.Limits(pause_s=2)))
    board.take(*vitals("bed-2"))
    number = board.beds["bed-1"].number
    (shown,) = news(board, 0, {number: 0})["vitals"]
    assert (shown["n"], shown["hr"], shown["preset"], shown["limits"]) == (number, 71.5, "icu", {"pause_s": 2.0})
    assert board.news(board.revision, {number: board.revision}) is None


def test_scores_of_illness_say_where_they_are_heading():
    board = Board()
    others = {"phenotype.age_per_100": 0.7, "SR": 0.99, "beat.V": 0.6}
    for p in (0.3, 0.3, 0.9):
        board.take(*diagnosis(LVH=p, MI=1.2 - p, AFIB=0.5, CD=0.05, **others))
    assert board.beds["bed-1"].vitals()["scores"] == [["LVH", 0.9, 1], ["AFIB", 0.5, 0], ["MI", 0.3, -1]]


def test_a_verdict_told_twice_counts_once():
    board = Board()
    told = pb.Verdict(version=1, stream_id="bed-1", verdict_id="v1", opinion=pb.Verdict.FALSE_ALARM, evidence="beats")
    for _ in range(2):
        board.take(*encode(told))
    (verdict,) = board.beds["bed-1"].verdicts
    assert (verdict["opinion"], verdict["probability"], verdict["evidence"]) == ("false_alarm", None, "beats")


@pytest.mark.parametrize("patient", ["another", ""])
def test_with_another_patient_nothing_of_the_last_ones_past_is_shown(patient):
    board = Board()
    board.take(*alert(state=pb.Alert.ENDED))
    board.take(*alert(alert_id="a2", condition="leads_off"))
    board.take(*vitals(second=60, heart_rate_bpm=70))
    seen = board.revision
    board.take(*encode(pb.Control(stream_id="bed-1", acknowledge=pb.Acknowledge())))
    assert board.news(seen, {}) is None
    board.take(*encode(pb.Control(stream_id="bed-1", association=pb.Association(patient_reference=patient))))
    (bed,) = news(board, seen)["beds"]
    assert (bed["past"], [a["id"] for a in bed["alerts"]]) == (0, ["a2"])
    for late in ("a1", "a2"):  # one that got its strip, one that ended
        board.take(*alert(alert_id=late, update=9, state=pb.Alert.ENDED))
    (bed,) = news(board, seen)["beds"]
    assert (bed["past"], bed["alerts"]) == (0, [])
    assert not any(board.beds["bed-1"].trends.document()["mean"])


def test_what_is_kept_of_a_bed_is_bounded():
    board = Board()
    for number in range(MOST_HISTORY + 20):
        board.take(*alert(alert_id=f"a{number}", state=pb.Alert.ENDED))
    assert len(board.beds["bed-1"].history) == MOST_HISTORY


def test_beds_leave_when_they_go_elsewhere_or_are_silent_for_long():
    now_s = [0.0]
    board = Board(monotonic=lambda: now_s[0])
    for bed in ("bed-1", "bed-2", "bed-3"):
        board.take(*vitals(bed))
    board.take(*alert("bed-3"))
    board.keep_only(["bed-2", "bed-3"])
    assert news(board)["gone"] == [1]
    now_s[0] = FORGET_S + 1
    board.forget_silent()
    assert set(board.beds) == {"bed-3"}  # it has an alarm


def test_other_leads_are_told_and_begin_with_empty_paper():
    board = Board()
    board.take_waves([Wave("bed-1", 0, ("I", "V5"), np.ones((2, 50), np.int16))])
    assert (news(board)["beds"][0]["leads"], news(board)["beds"][0]["tile"]) == (["I", "V5"], "I")
    board.take_waves([Wave("bed-1", 50, ("II",), np.ones((1, 50), np.int16))])
    assert news(board)["beds"][0]["tile"] == "II"
    assert board.beds["bed-1"].waves.read(0, False, 0)[1].tolist() == [-32768] * 50 + [1] * 50


def test_what_cannot_be_read_is_refused():
    with pytest.raises(WireError):
        Board().take("application/vnd.ecgstream.vitals.v1+protobuf", b"\xff")


def test_a_day_of_minutes_keeps_extremes_and_forgets_the_day_before():
    board = Board()
    for second, rate in ((0, 60), (30, 80), (60, 100)):
        board.take(*vitals(second=second, heart_rate_bpm=rate))
    trend = board.beds["bed-1"].trends.document()
    assert (trend["low"][-2:], trend["mean"][-2:], trend["high"][-2:]) == ([60, 100], [70, 100], [80, 100])
    assert (trend["lastMinute"], trend["pvc"][-1], len(trend["mean"])) == (1, None, 24 * 60)
    board.take(*vitals(second=60 * (24 * 60 + 1), heart_rate_bpm=50))
    trend = board.beds["bed-1"].trends.document()
    assert [value for value in trend["mean"] if value is not None] == [50]


def test_vitals_of_before_fill_minutes_that_are_not_known_of_beds_that_are():
    board = Board()
    board.take_past(*vitals("bed-1", 60, heart_rate_bpm=50))
    assert not board.beds
    for second in (600, 660):
        board.take(*vitals("bed-1", second, heart_rate_bpm=70))
    for second in (540, 605, 660, 720):
        board.take_past(*vitals("bed-1", second, heart_rate_bpm=50))
    trends = board.beds["bed-1"].trends.document()
    assert trends["lastMinute"] == 11 and trends["mean"][-4:] == [None, 50, 70, 70]
    assert (trends["low"][-3], trends["high"][-3]) == (50, 50)
    assert board.beds["bed-1"].vitals()["hr"] == 70
