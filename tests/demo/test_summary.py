"""The demo's summary: what was played against what was alerted."""

import io
import json

import pytest
from rich.console import Console

from ecgstream.demo.board import Board
from ecgstream.demo.summary import summarise, table
from ecgstream.wire import ecgstream_pb2 as pb

VF = {
    "name": "ventricular_fibrillation", "start_s": 20.0, "stop_s": 40.0, "lethal": True,
    "condition": "ventricular_fibrillation",
}  # fmt: skip


def board_with(*alerts: tuple[str, float, int]) -> Board:
    board = Board({"bed-01": "12 × 250 Hz"})
    for condition, decided_s, state in alerts:
        sample = round(decided_s * 250)
        board.take(
            pb.Alert(alert_id=f"{condition}{sample}", stream_id="bed-01", condition=condition, state=state,
                     priority=pb.Alert.HIGH, lethal=True, onset_sample=sample, decided_sample=sample)
        )  # fmt: skip
    return board


def truth(*episodes: dict) -> list[dict]:
    return [{"stream_id": "bed-01", "leads": 12, "fs_hz": 250, "episodes": list(episodes)}]


@pytest.mark.parametrize(
    ("condition", "decided_s", "outcome", "missed"),
    [
        ("ventricular_fibrillation", 25.0, "alerted", 0),
        ("ventricular_tachycardia", 25.0, "alerted", 0),  # any lethal ventricular alarm counts
        ("asystole", 25.0, "missed", 1),
        ("ventricular_fibrillation", 19.0, "missed", 1),  # before the episode
        ("ventricular_fibrillation", 51.0, "missed", 1),  # long after it
    ],
)
def test_a_lethal_episode_needs_an_alert_of_its_kind_in_time(condition, decided_s, outcome, missed):
    result = summarise(truth(VF), board_with((condition, decided_s, pb.Alert.ACTIVE)), played_s=60)
    assert result["beds"][0]["played"][0]["outcome"] == outcome
    assert result["missed_lethal"] == missed


def test_the_delay_is_from_onset_to_the_first_alert():
    board = board_with(
        ("ventricular_fibrillation", 26.5, pb.Alert.ACTIVE), ("ventricular_fibrillation", 24.5, pb.Alert.ACTIVE)
    )
    assert summarise(truth(VF), board, 60)["beds"][0]["played"][0]["delay_s"] == 4.5


@pytest.mark.parametrize(("played_s", "outcome"), [(29.0, "unfinished"), (30.0, "missed")])
def test_an_episode_within_its_budget_is_not_missed_yet(played_s: float, outcome: str):
    assert summarise(truth(VF), board_with(), played_s)["beds"][0]["played"][0]["outcome"] == outcome


@pytest.mark.parametrize(("played_s", "outcome"), [(59.0, "unfinished"), (60.0, "missed")])
def test_what_is_not_lethal_may_take_a_minute(played_s: float, outcome: str):
    fibrillation = {"name": "af", "start_s": 0.0, "stop_s": 90.0, "lethal": False, "condition": "atrial_fibrillation"}
    assert summarise(truth(fibrillation), board_with(), played_s)["beds"][0]["played"][0]["outcome"] == outcome


def test_the_summary_is_json_and_can_be_drawn():
    summary = summarise(truth(VF), board_with(("asystole", 25.0, pb.Alert.ACTIVE)), 60)
    assert json.loads(json.dumps(summary)) == summary
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(table(summary))
    drawn = console.export_text()
    assert "missed" in drawn and "…" not in drawn


def test_ended_alerts_leave_the_board_but_stay_in_the_log():
    board = board_with(("asystole", 25.0, pb.Alert.ACTIVE), ("asystole", 25.0, pb.Alert.ENDED))
    assert not board.beds["bed-01"].alerts
    assert [row["state"] for row in board.beds["bed-01"].log] == ["active", "ended"]
