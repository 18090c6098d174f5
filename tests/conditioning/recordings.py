"""Recordings read as conditioning takes them."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import wfdb

from ecgstream.conditioning import condition_record
from ecgstream.waveform import LEAD_SLOT, N_LEADS, Conditioned

OTHER_NAMES = {"MLII": "II", "AVR": "aVR", "AVL": "aVL", "AVF": "aVF"}


def slots_of(names: list[str]) -> list[int]:
    """Lead slots by name; unknown names take generic slots in order."""
    generic = iter(range(LEAD_SLOT["X1"], N_LEADS))
    known = [OTHER_NAMES.get(name.upper(), name.upper()) for name in names]
    return [LEAD_SLOT[name] if name in LEAD_SLOT else next(generic) for name in known]


def condition_wfdb(path: Path, mains_hz: int, leads: tuple[str, ...] = (), stop_s: int | None = None) -> Conditioned:
    """A WFDB record, or only ``leads`` of it and ``stop_s`` seconds, conditioned."""
    fs_hz = Fraction(wfdb.rdheader(str(path)).fs).limit_denominator(1000)
    record = wfdb.rdrecord(str(path), physical=False, sampto=stop_s and int(stop_s * fs_hz))
    slots = np.array(slots_of(record.sig_name))
    wanted = np.isin(slots, [LEAD_SLOT[lead] for lead in leads]) if leads else np.ones(len(slots), bool)
    adu = np.ascontiguousarray(record.d_signal.T[wanted].astype(np.int16))
    mv_per_adu, baseline = 1 / np.array(record.adc_gain)[wanted], np.array(record.baseline)[wanted]
    return condition_record(adu, fs_hz, slots[wanted], mv_per_adu, baseline, mains_hz)
