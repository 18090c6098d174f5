"""Recordings that end at a monitor's alarm, in the layout of the PhysioNet/CinC Challenge 2015."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import RecordError
from ..recorded import RecordedChannel, RecordedSignal, read_recording
from ..waveform import Channel, ChannelGroup, GroupKind, Layout
from ..wire.leads import assign_slots, resolve_lead

LIST = "ALARMS"
KIND_OF = {
    "asystole": "asystole",
    "bradycardia": "bradycardia",
    "tachycardia": "tachycardia",
    "ventricular_tachycardia": "ventricular_tachycardia",
    "ventricular_flutter_fib": "ventricular_fibrillation",
}
"""The challenge's names of alarms, and ours."""


@dataclass(frozen=True, slots=True)
class AlarmRecord:
    """One recording's alarm."""

    name: str
    kind: str
    is_true: bool


def read_alarms(folder: Path) -> list[AlarmRecord]:
    """Alarms of a folder's recordings, from its list ``ALARMS`` (name, type, 1 for true) or their header comments.

    Raises RecordError when there are none, or one is not understood.
    """
    listed = folder / LIST
    lines = listed.read_text().split() if listed.exists() else _from_headers(folder)
    alarms = [_alarm(line, folder) for line in lines]
    if not alarms:
        raise RecordError(f"{folder} holds no recordings with alarms; name a folder laid out like the challenge's.")
    return alarms


def _alarm(line: str, folder: Path) -> AlarmRecord:
    name, _, rest = line.partition(",")
    kind, _, truth = rest.partition(",")
    if kind.casefold() not in KIND_OF or truth not in ("0", "1"):
        raise RecordError(
            f"An alarm in {folder} reads 'name,type,0 or 1' with a type of {', '.join(KIND_OF)}; found {line[:60]!r}."
        )
    return AlarmRecord(name, KIND_OF[kind.casefold()], truth == "1")


def _from_headers(folder: Path) -> list[str]:
    """Lines as of the list, from comments such as '# Asystole' and '# False alarm'."""
    lines = []
    for path in sorted(folder.glob("*.hea")):
        comments = [line[1:].strip() for line in path.read_text().splitlines() if line.startswith("#")]
        kinds = [comment for comment in comments if comment.casefold() in KIND_OF]
        truths = [comment.casefold() == "true alarm" for comment in comments if comment.casefold().endswith(" alarm")]
        if kinds and truths:
            lines.append(f"{path.stem},{kinds[0]},{int(truths[0])}")
    return lines


def read_groups(path: Path) -> tuple[ChannelGroup, ...]:
    """All channels of a record (path without extension) in their own raw units, the ECG group first.

    Raises RecordError when it cannot be read, or has no ECG lead in volts.
    """
    source = read_recording(path)
    kinds = sorted({channel.kind for channel in source.channels})
    return tuple(ChannelGroup(_layout(source, kind), source.codes()[source.of_kind(kind)]) for kind in kinds)


def _layout(source: RecordedSignal, kind: GroupKind) -> Layout:
    channels = [_channel(source.channels[k], kind) for k in source.of_kind(kind)]
    return Layout(kind, source.fs_hz, tuple(channels), assign_slots(channels) if kind == GroupKind.ECG else ())


def _channel(source: RecordedChannel, kind: GroupKind) -> Channel:
    if kind != GroupKind.ECG:
        return Channel(0, source.name, source.unit, source.gain, source.baseline)
    return Channel(*resolve_lead(0, source.name), "mV", source.per_mv, source.baseline)
