"""The demo end to end: its own processes and sockets, its summary, its exit code."""

import json
import re
import subprocess
import sys
from pathlib import Path


def test_the_demo_ends_by_itself_and_says_what_it_saw(tmp_path: Path):
    file = tmp_path / "demo.json"
    command = [sys.executable, "-m", "ecgstream", "demo", "--seconds", "36", "--beds", "8", "--json", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=150)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"Ward page: http://127\.0\.0\.1:\d+/ward/#token=\S{20,}", done.stdout)
    summary = json.loads(file.read_text())
    assert summary["missed_lethal"] == 0
    assert len(summary["beds"]) == 8
    played = [episode for bed in summary["beds"] for episode in bed["played"]]
    told = {e["condition"] for e in played if e["lethal"] and e["outcome"] == "alerted"}
    assert {"ventricular_fibrillation", "ventricular_tachycardia", "asystole"} <= told
    assert all(e["delay_s"] <= 10 for e in played if e["lethal"] and e["delay_s"] is not None)
    assert {"alert_id", "update", "condition", "state", "priority", "onset_s", "decided_s"} <= set(
        next(alert for bed in summary["beds"] for alert in bed["alerts"])
    )
