"""What the demo knows of each bed, and how it is drawn."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ..waveform import GRID_HZ
from ..wire import ecgstream_pb2 as pb

PRIORITY_STYLE = {pb.Alert.HIGH: "bold white on red", pb.Alert.MEDIUM: "black on yellow", pb.Alert.LOW: "black on cyan"}
SUPERCLASSES = {"NORM", "MI", "STTC", "CD", "HYP"}
LAST_ALERTS = 10


@dataclass
class Bed:
    """The newest of everything said about one bed."""

    stream_id: str
    leads: str = ""
    vitals: pb.Vitals | None = None
    diagnosis: pb.Diagnosis | None = None
    alerts: dict[str, pb.Alert] = field(default_factory=dict)
    log: list[dict[str, Any]] = field(default_factory=list)

    def take(self, alert: pb.Alert) -> None:
        """Remember one alert message, unless it brings nothing new but the rest of its strip."""
        if alert.update and alert.HasField("strip"):
            return
        if alert.state == pb.Alert.ENDED:
            self.alerts.pop(alert.alert_id, None)
        else:
            self.alerts[alert.alert_id] = alert
        self.log.append(alert_row(alert))


def alert_row(alert: pb.Alert) -> dict[str, Any]:
    """One alert message as the demo's JSON has it; times in seconds from the stream's first sample."""
    return {
        "alert_id": alert.alert_id,
        "update": alert.update,
        "condition": alert.condition,
        "state": pb.Alert.State.Name(alert.state).lower(),
        "priority": pb.Alert.Priority.Name(alert.priority).lower(),
        "lethal": alert.lethal,
        "source": alert.source,
        "onset_s": alert.onset_sample / GRID_HZ,
        "decided_s": alert.decided_sample / GRID_HZ,
        "late_s": round(alert.late_s, 3),
        "text": alert.text,
    }


class Board:
    """All beds, and the last alerts of the ward."""

    def __init__(self, beds: dict[str, str]):
        self.beds = {stream_id: Bed(stream_id, leads) for stream_id, leads in beds.items()}
        self.last: deque[Text] = deque(maxlen=LAST_ALERTS)

    def take(self, message: pb.Alert | pb.Vitals | pb.Diagnosis) -> Text | None:
        """Remember one message; the line to print when it is an alert."""
        bed = self.beds.setdefault(message.stream_id, Bed(message.stream_id))
        if isinstance(message, pb.Vitals):
            bed.vitals = message
        elif isinstance(message, pb.Diagnosis):
            bed.diagnosis = message
        elif isinstance(message, pb.Alert):
            bed.take(message)
            line = alert_line(message)
            self.last.append(line)
            return line
        return None

    def render(self, footer: str) -> Group:
        """The live table, one line a bed, and the last alerts below it."""
        table = Table(title="ecgstream · simulated ward · not a medical device", expand=True, title_style="bold")
        for name, width in (("bed", 7), ("feed", 13), ("rhythm", 24), ("rate", 5), ("quality", 8)):
            table.add_column(name, min_width=width, no_wrap=True)
        table.add_column("top diagnoses", min_width=31, no_wrap=True)
        table.add_column("alarms", ratio=1)
        for bed in self.beds.values():
            table.add_row(*_cells(bed))
        alerts = Group(*self.last) if self.last else Text("none yet", style="dim")
        return Group(table, Panel(alerts, title="alerts", border_style="dim"), Text(footer, style="dim"))


def alert_line(alert: pb.Alert) -> Text:
    """One alert as a line."""
    priority = pb.Alert.Priority.Name(alert.priority)
    line = Text(f"{alert.decided_sample / GRID_HZ:6.1f} s  {alert.stream_id}  ")
    line.append(f" {priority:6} ", style=PRIORITY_STYLE.get(alert.priority, ""))
    state = pb.Alert.State.Name(alert.state).lower()
    line.append(f" {alert.condition.replace('_', ' ')}: {state}")
    if alert.update == 0:
        line.append(f", {alert.delay_s:.1f} s after onset, by {alert.source}", style="dim")
    elif alert.text:
        line.append(f", {alert.text}", style="dim")
    return line


def _cells(bed: Bed) -> tuple[str | Text, ...]:
    vitals = bed.vitals
    if vitals is None:
        return bed.stream_id, bed.leads, Text("waiting", style="dim"), "", "", "", ""
    rhythm = vitals.rhythm.replace("_", " ") or vitals.not_judged.replace("_", " ")
    rate = f"{vitals.heart_rate_bpm:.0f}" if vitals.HasField("heart_rate_bpm") else "–"
    return bed.stream_id, bed.leads, rhythm, rate, _quality(vitals), _diagnoses(bed.diagnosis), _alarms(bed)


def _quality(vitals: pb.Vitals) -> Text:
    best = max((lead.quality for lead in vitals.leads), default=0.0)
    return Text("█" * round(best * 5) + "░" * (5 - round(best * 5)), style="green" if best > 0.5 else "red")


def _diagnoses(diagnosis: pb.Diagnosis | None) -> Text:
    if diagnosis is None or diagnosis.withheld:
        return Text(diagnosis.withheld.replace("_", " ") if diagnosis else "", style="dim")
    scores = [s for s in diagnosis.scores if s.name in SUPERCLASSES]
    best = sorted(scores, key=lambda s: -s.probability)[:3]
    return Text("  ".join(f"{s.name} {s.probability:.2f}" for s in best))


def _alarms(bed: Bed) -> Text:
    cells = Text()
    for alert in sorted(bed.alerts.values(), key=lambda a: -a.priority):
        state = "" if alert.state == pb.Alert.ACTIVE else f" ({pb.Alert.State.Name(alert.state).lower()})"
        cells.append(f" {alert.condition.replace('_', ' ')}{state} ", style=PRIORITY_STYLE.get(alert.priority, ""))
        cells.append(" ")
    return cells
