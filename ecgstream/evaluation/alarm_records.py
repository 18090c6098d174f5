"""Recordings that end at a monitor's alarm, in the layout of the PhysioNet/CinC Challenge 2015."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import wfdb

from ..errors import RecordError
from ..waveform import CODE_LIMIT, CODE_MISSING, Channel, ChannelGroup, GroupKind, Layout
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
_PER_MV = {"mv": 1.0, "uv": 1e3, "µv": 1e3, "v": 1e-3}
_KINDS = {"pleth": GroupKind.PLETH, "abp": GroupKind.ABP, "art": GroupKind.ABP, "resp": GroupKind.RESP}


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
    try:
        source = wfdb.rdrecord(str(path))
    except (OSError, ValueError) as error:
        raise RecordError(f"The WFDB record {path} cannot be read ({error}); check the path and its files.") from error
    kinds = [_kind(name, unit) for name, unit in zip(source.sig_name, source.units, strict=True)]
    if GroupKind.ECG not in kinds:
        raise RecordError(f"The WFDB record {path} has no ECG lead in volts among {source.sig_name}.")
    codes = np.rint(source.p_signal.T * np.array(source.adc_gain)[:, None] + np.array(source.baseline)[:, None])
    codes = np.where(np.isnan(codes), CODE_MISSING, np.clip(codes, CODE_LIMIT, 32_767))
    samples = codes.astype(np.int16)
    fs_hz = Fraction(source.fs).limit_denominator(1_000_000)
    return tuple(
        ChannelGroup(_layout(source, kind, kinds, fs_hz), samples[[one == kind for one in kinds]])
        for kind in sorted(set(kinds))
    )


def _kind(name: str, unit: str) -> GroupKind:
    known = _KINDS.get(name.casefold())
    if known is None:
        known = GroupKind.ECG if unit.casefold() in _PER_MV else GroupKind.OTHER
    return known


def _layout(source: wfdb.Record, kind: GroupKind, kinds: list[GroupKind], fs_hz: Fraction) -> Layout:
    channels = [_channel(source, i, kind) for i, of in enumerate(kinds) if of == kind]
    return Layout(kind, fs_hz, tuple(channels), assign_slots(channels) if kind == GroupKind.ECG else ())


def _channel(source: wfdb.Record, i: int, kind: GroupKind) -> Channel:
    name, unit, gain = source.sig_name[i], source.units[i], float(source.adc_gain[i])
    code = 0
    if kind == GroupKind.ECG:
        code, name = resolve_lead(0, name)
        gain, unit = gain * _PER_MV[unit.casefold()], "mV"
    return Channel(code, name, unit, gain, int(source.baseline[i]))
