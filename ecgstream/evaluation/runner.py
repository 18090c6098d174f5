"""A recording through the daemon's own conditioning and rhythm rooms."""

from __future__ import annotations

import numpy as np

from ..conditioning import condition_record
from ..diagnosis.waves import WaveRhythms
from ..heads import Head
from ..rhythm import Rhythm
from ..settings import ConditioningSettings
from ..waveform import CODE_MISSING, Conditioned, RhythmResult
from .records import Record

TAIL_S = 1.2
"""Missing signal added behind the end, so that the last beats are decided on."""


def condition(record: Record, mains_hz: int = ConditioningSettings().mains_hz, tail_s: float = TAIL_S) -> Conditioned:
    """The record on the grid, as one row, with ``tail_s`` of missing signal behind it."""
    tail = np.full((len(record.leads), round(tail_s * record.fs_hz)), CODE_MISSING, np.int16)
    adu = np.concatenate([record.adu, tail], axis=1)
    return condition_record(adu, record.fs_hz, record.slots, record.mv_per_adu, record.baseline_adu, mains_hz)


def run_rules(record: Record) -> RhythmResult:
    """Beats and rule evidence of a whole record."""
    return Rhythm(1).step(condition(record))


def run_fused(record: Record, head: Head) -> RhythmResult:
    """As ``run_rules``, with what the fibrillation head adds to the rules' evidence."""
    signal = condition(record)
    result = Rhythm(1).step(signal)
    from_model = np.zeros_like(result.evidence)
    WaveRhythms(head, 1).step(signal, result).add_to(result.evidence, result.onset, from_model)
    return result
