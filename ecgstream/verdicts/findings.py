"""What is seen in the stretch before an alarm: beats, all leads together and lead by lead, and pulses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..conditioning import Conditioner
from ..conditioning.record import record_block
from ..pulse import Pulses, find_pulses
from ..rhythm import Rhythm
from ..waveform import CODE_LIMIT, CODE_MISSING, GRID_HZ, HOP_SAMPLES, Conditioned, GroupKind, Layout, Reason

STRETCH_S = 25.0
"""What a verdict looks back over: the 10 s in which the cause began, and what is usual of the patient before."""
_TAIL_S = 1.0
_LEAST_HEIGHT = 0.25

Groups = Mapping[GroupKind, tuple[Layout, np.ndarray]]
"""Layout and int16 (channels, samples) of what was received, by kind; all end at the alarm."""


@dataclass(frozen=True, slots=True)
class Lead:
    """One ECG lead. Times are seconds from the alarm, so negative."""

    name: str
    beat_s: np.ndarray  # float64 (B,), tall beats found in this lead alone
    mv: np.ndarray  # float32 (N,), filtered, the last sample at the alarm
    valid: np.ndarray  # bool (N,)
    quality: np.ndarray  # float32 (hops,), 0 to 1
    flat: np.ndarray  # bool (hops,), flat, off or missing

    def seconds_valid(self, of_last_s: float) -> float:
        """How much of the last seconds was received."""
        return float(self.valid[-round(of_last_s * GRID_HZ) :].sum()) / GRID_HZ


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything a verdict is made of."""

    seconds: float  # length of the stretch
    beat_s: np.ndarray  # float64 (B,), beats found in all leads together
    ventricular: np.ndarray  # bool (B,)
    tall: np.ndarray  # bool (B,), not far lower than the lead's other beats, in one lead at least
    leads: tuple[Lead, ...]  # best first
    pulses: dict[GroupKind, Pulses]  # times from the alarm, too


def find(groups: Groups, lead_names: tuple[str, ...], mains_hz: int) -> Findings:
    """Beats by the daemon's own conditioning and rules, pulses by ``pulse``; ``lead_names`` by slot."""
    layout, raw = groups[GroupKind.ECG]
    seconds = float(raw.shape[1] / layout.fs_hz)
    tail = np.full((len(raw), round(_TAIL_S * layout.fs_hz)), CODE_MISSING, np.int16)  # so that the last are decided
    scale = [1 / channel.gain for channel in layout.channels], [channel.baseline for channel in layout.channels]
    block = record_block(np.concatenate([raw, tail], 1), layout.fs_hz, layout.slots, *scale)
    ecg = Conditioner(mains_hz, 1).step(block)
    beats = Rhythm(1 + len(layout.slots)).step(_lead_by_lead(ecg, layout.slots))
    beats = beats.beats
    time_s = beats.sample / GRID_HZ - seconds
    inside = (time_s < 0) & (time_s >= -seconds)
    leads = [
        _lead(lead_names[slot], time_s[inside & (beats.row == 1 + i)], ecg, slot, seconds)
        for i, slot in enumerate(layout.slots)
    ]
    leads.sort(key=lambda lead: -float(lead.quality[-50:].mean()))
    fused = inside & (beats.row == 0)
    tall = np.any([_is_tall(lead.mv, time_s[fused]) for lead in leads], axis=0)
    return Findings(seconds, time_s[fused], beats.ventricular[fused], tall, tuple(leads), _pulses(groups))


def _lead_by_lead(ecg: Conditioned, slots: tuple[int, ...]) -> Conditioned:
    """The one row of ``ecg``, then for every slot a row that has this lead only."""
    rows = 1 + len(slots)

    def repeated(array: np.ndarray) -> np.ndarray:
        return np.repeat(array, rows, axis=0)

    reason, valid, quality = repeated(ecg.reason), repeated(ecg.valid), repeated(ecg.quality)
    for row, slot in enumerate(slots, 1):
        others = np.arange(reason.shape[1]) != slot
        reason[row, others], valid[row, others], quality[row, others] = Reason.ABSENT, False, 0
    return replace(
        ecg,
        rows=np.arange(rows),
        first_hop=repeated(ecg.first_hop),
        segment_hop=repeated(ecg.segment_hop),
        new_segment=repeated(ecg.new_segment),
        delay_samples=repeated(ecg.delay_samples),
        ecg_mv=repeated(ecg.ecg_mv),
        valid=valid,
        reason=reason,
        quality=quality,
        pace=repeated(ecg.pace),
    )


def _lead(name: str, beat_s: np.ndarray, ecg: Conditioned, slot: int, seconds: float) -> Lead:
    """The lead's wave without conditioning's delay, cut at the alarm."""
    delay, n, hops = round(float(ecg.delay_samples[0])), int(seconds * GRID_HZ), int(seconds * GRID_HZ) // HOP_SAMPLES
    reason, mv = ecg.reason[0, slot, :hops], ecg.ecg_mv[0, slot, delay : delay + n]
    return Lead(
        name,
        beat_s[_is_tall(mv, beat_s)],
        mv,
        ecg.valid[0, slot, delay : delay + n],
        ecg.quality[0, slot, :hops],
        np.isin(reason, (Reason.FLAT, Reason.LEAD_OFF, Reason.MISSING)),
    )


def _is_tall(mv: np.ndarray, beat_s: np.ndarray) -> np.ndarray:
    """bool (B,): whether the wave at each beat is at least a quarter as high as at most beats. What the rules find in a
    trace that has gone flat is not."""
    if not len(beat_s):
        return np.zeros(0, bool)
    places = np.rint(len(mv) + beat_s * GRID_HZ).astype(np.int64)[:, None] + np.arange(-15, 26)
    height = np.ptp(mv[np.clip(places, 0, len(mv) - 1)], axis=1)
    return height >= _LEAST_HEIGHT * np.median(height)


def _pulses(groups: Groups) -> dict[GroupKind, Pulses]:
    found = {}
    for kind in (GroupKind.PLETH, GroupKind.ABP):
        if kind in groups:
            layout, raw = groups[kind]
            channel, fs_hz = layout.channels[0], float(layout.fs_hz)
            wave = (raw[0] - float(channel.baseline)) / channel.gain
            pulses = find_pulses(wave, raw[0] >= CODE_LIMIT, fs_hz, kind == GroupKind.ABP)
            found[kind] = replace(pulses, time_s=pulses.time_s - raw.shape[1] / fs_hz)
    return found
