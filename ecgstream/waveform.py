"""Value types every room shares: leads, units, chunks, blocks of samples, alarm conditions. No behaviour, no I/O.

Three sample counts appear, and names keep them apart:

* native sample: counted at the monitor's own declared rate, from the first sample of a segment;
* grid sample: counted at ``GRID_HZ`` from the stream's first sample; beats, onsets and alarms are told in it;
* hop: ``HOP_SAMPLES`` grid samples; hop ``h`` covers grid samples ``[h * HOP_SAMPLES, (h + 1) * HOP_SAMPLES)``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import IntEnum
from fractions import Fraction

import numpy as np

GRID_HZ = 250
HOP_SAMPLES = 50
HOP_S = HOP_SAMPLES / GRID_HZ
STRIP_S = (10.0, 10.0)
"""Before and after the onset: what a strip shows of an alert."""


def history_samples(fs_hz: Fraction) -> int:
    """Native samples before a block that resampling may read: 64 ms of them, and two."""
    return math.ceil(fs_hz * 64 / 1000) + 2


STANDARD_LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
GENERIC_SLOTS = ("X1", "X2", "X3", "X4")
LEADS = STANDARD_LEADS + GENERIC_SLOTS
"""Lead slots of every conditioned array, in order. A lead that is none of the twelve takes the next generic slot."""
N_LEADS = len(LEADS)
LEAD_SLOT = {name: slot for slot, name in enumerate(LEADS)}

# Codes written over int16 samples in the arena; measured values are clamped to CODE_LIMIT and above.
CODE_MISSING = np.int16(-32768)
"""No sample was received here (a gap), or the monitor sent its ``invalid_value``."""
CODE_LEAD_OFF = np.int16(-32767)
"""The monitor marked the electrode as off."""
CODE_LIMIT = np.int16(-32766)
"""The smallest int16 that is a measurement."""


class GroupKind(IntEnum):
    """What a channel group carries."""

    ECG = 0
    PLETH = 1
    ABP = 2
    RESP = 3
    OTHER = 4


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel of a group: ``value [unit] = (raw - baseline) / gain``."""

    code: int
    name: str
    unit: str
    gain: float
    baseline: int
    invalid_value: int = -32768


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Layout:
    """The unchanging part of a channel group. Equal layouts are one shared object, so ``is`` compares them cheaply."""

    kind: GroupKind
    fs_hz: Fraction
    channels: tuple[Channel, ...]
    slots: tuple[int, ...] = ()
    """Lead slot of each channel (ECG groups only)."""


@dataclass(frozen=True, slots=True)
class SampleRange:
    """Samples ``[start, stop)`` of the chunk, of one channel or (``channel == -1``) of all."""

    start: int
    stop: int
    channel: int = -1


@dataclass(frozen=True, slots=True)
class ChannelGroup:
    """Samples of one group in one chunk."""

    layout: Layout
    samples: np.ndarray  # int16 (channels, samples), a read-only view of the message's bytes
    lead_off: tuple[SampleRange, ...] = ()
    pacer: tuple[SampleRange, ...] = ()


@dataclass(frozen=True, slots=True)
class MonitorAlarm:
    """An alarm the monitor itself raised."""

    code: int
    name: str
    start_ns: int
    active: bool = True
    priority: str = ""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Contiguous samples of one message: exactly one ECG group, any number of others."""

    stream_id: str
    sequence: int
    start_ns: int
    groups: tuple[ChannelGroup, ...]
    patient: str | None = None
    monitor_alarms: tuple[MonitorAlarm, ...] = ()

    @property
    def ecg(self) -> ChannelGroup:
        """The ECG group (the wire codec puts it first)."""
        return self.groups[0]


class Reason(IntEnum):
    """Why samples of a lead, or a hop, were not judged. ``OK`` means they were."""

    OK = 0
    ABSENT = 1  # the lead is neither measured nor derivable
    MISSING = 2  # gap, or the monitor's invalid value
    LEAD_OFF = 3
    FLAT = 4
    SATURATED = 5
    NOISE = 6
    SETTLING = 7  # a filter, a detector or the encoder is still filling its memory
    MODEL_UNAVAILABLE = 8
    CALIBRATION = 9  # the monitor's test pulses in place of the patient
    CATCHING_UP = 10  # the encoder waits until a backlog has been read
    OVERLOAD = 11  # the bed goes without the encoder in its turn, as there is more than compute can do
    MOTION = 12  # noise, and what it is of: electrodes or patient move, the baseline steps or wanders far
    MAINS = 13  # noise, most of it at 50 or 60 Hz


class Priority(IntEnum):
    """Alarm priority, IEC 60601-1-8."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3


class Condition(IntEnum):
    """Alarm conditions; the value is the column in evidence and alarm arrays. The rest: ``alarms.conditions``."""

    ASYSTOLE = 0
    EXTREME_BRADYCARDIA = 1
    EXTREME_TACHYCARDIA = 2
    VENTRICULAR_TACHYCARDIA = 3
    VENTRICULAR_FIBRILLATION = 4
    PAUSE = 5
    BRADYCARDIA = 6
    TACHYCARDIA = 7
    PVC_RUN = 8
    ATRIAL_FIBRILLATION = 9
    LEADS_OFF = 10
    SIGNAL_UNUSABLE = 11
    STREAM_STALE = 12
    CLOCK_WRONG = 13
    MODEL_UNAVAILABLE = 14
    FREQUENT_PVC = 15
    ELECTRODES_SWAPPED = 16
    IRREGULAR_RR = 17


N_CONDITIONS = len(Condition)
LETHAL = (
    Condition.ASYSTOLE,
    Condition.EXTREME_BRADYCARDIA,
    Condition.EXTREME_TACHYCARDIA,
    Condition.VENTRICULAR_TACHYCARDIA,
    Condition.VENTRICULAR_FIBRILLATION,
)
TECHNICAL = (
    Condition.LEADS_OFF,
    Condition.SIGNAL_UNUSABLE,
    Condition.STREAM_STALE,
    Condition.CLOCK_WRONG,
    Condition.MODEL_UNAVAILABLE,
    Condition.ELECTRODES_SWAPPED,
)


@dataclass(slots=True)
class RawBlock:
    """Hops of several rows that share one native rate and channel count, cut out of the arena.

    R rows, C channels, M native samples: ``history`` samples before the block, then the block's own. Native sample
    ``first_native - history + m`` of the row's segment lies at ``raw[:, :, m]``; where the segment has no such sample
    (before its start, or in a gap) it is ``CODE_MISSING``.
    """

    rows: np.ndarray  # int64 (R,), rising, each once
    n_hops: int
    first_hop: np.ndarray  # int64 (R,), stream hop number of the block's first hop
    segment_hop: np.ndarray  # int64 (R,), hop number at which the row's segment began (<= first_hop)
    new_segment: np.ndarray  # bool (R,), the block's first hop is the segment's first: forget all signal memory
    fs_hz: Fraction
    history: int
    first_native: np.ndarray  # int64 (R,), native sample number of raw[:, :, history]
    raw: np.ndarray  # int16 (R, C, M)
    slots: np.ndarray  # int64 (R, C), lead slot of each channel
    mv_per_adu: np.ndarray  # float32 (R, C)
    baseline_adu: np.ndarray  # float32 (R, C)
    pacer: np.ndarray | None = None  # bool (R, M), the monitor marked a pace pulse; None where it marked none


@dataclass(slots=True)
class Conditioned:
    """The same hops on the grid. T = n_hops * HOP_SAMPLES; sample t is grid sample first_hop * HOP_SAMPLES + t."""

    rows: np.ndarray  # int64 (R,)
    n_hops: int
    first_hop: np.ndarray  # int64 (R,)
    segment_hop: np.ndarray  # int64 (R,)
    new_segment: np.ndarray  # bool (R,)
    delay_samples: np.ndarray  # float32 (R,), what shows at grid sample g happened delay_samples earlier
    ecg_mv: np.ndarray  # float32 (R, N_LEADS, T); 0 where not valid
    valid: np.ndarray  # bool (R, N_LEADS, T)
    reason: np.ndarray  # uint8 (R, N_LEADS, n_hops), Reason per lead and hop
    quality: np.ndarray  # float32 (R, N_LEADS, n_hops), 0 (useless) to 1
    pace: np.ndarray  # bool (R, T), a pace pulse, marked or found, was 8 ms ago (delay_samples not in it)


@dataclass(slots=True)
class Beats:
    """Beats confirmed by a step, in order of row, then sample. K beats; empty arrays when none."""

    row: np.ndarray  # int64 (K,)
    sample: np.ndarray  # int64 (K,), grid sample of the QRS, all declared delays already taken off
    ventricular: np.ndarray  # bool (K,)
    confirmed_hop: np.ndarray  # int64 (K,), hop in which the beat became known


@dataclass(slots=True)
class RhythmResult:
    """What rules say of the hops of a block."""

    beats: Beats
    evidence: np.ndarray  # bool (R, n_hops, N_CONDITIONS); columns rules do not know stay False
    onset: np.ndarray  # int64 (R, n_hops, N_CONDITIONS), grid sample where the condition began; -1 without evidence
    reason: np.ndarray  # uint8 (R, n_hops), why the hop was not judged
    hr_bpm: np.ndarray  # float32 (R, n_hops), NaN when unknown
    pvc_per_min: np.ndarray  # float32 (R, n_hops), NaN when unknown
    standstill: np.ndarray  # bool (R, n_hops), judged although every lead is flat
    pulse_beside: np.ndarray  # bool (R, n_hops), every lead is flat, while pleth or pressure shows a pulse
    waves: np.ndarray  # float32 (R, n_hops, main leads, rhythm.waves.FEATURES), NaN where not measured
    judged_bpm: np.ndarray  # float32 (R, n_hops, N_CONDITIONS), the rate by which a condition holds; 0 for none
    beats_in_noise: Beats  # found where no lead could be judged: no rule, rate or head hears of them


@dataclass(slots=True)
class Scores:
    """What the encoder says of the hops of a block. S scores, named by the model's manifest."""

    names: tuple[str, ...]
    values: np.ndarray  # float32 (R, n_hops, S), probabilities; NaN where withheld
    reason: np.ndarray  # uint8 (R, n_hops), why withheld


@dataclass(frozen=True, slots=True)
class Strip:
    """Which samples go with an alarm update: grid samples ``[start, stop)``."""

    start: int
    stop: int
    begun: int  # where the alert was decided; the samples are those of the segment in which that was
    complete: bool  # no update will bring more


@dataclass(frozen=True, slots=True)
class AlarmUpdate:
    """One change of one alarm, before it becomes a message."""

    row: int
    condition: Condition
    alert_id: str
    update: int
    state: str  # "active", "latched", "acknowledged", "ended"
    priority: Priority
    onset: int  # grid sample
    decided: int  # grid sample at which the change was decided
    source: str  # "rules", "model" or "technical"
    text: str = field(default="")
    escalation: int = 0  # above 0: this repeats the update, which nobody has acknowledged
    strip: Strip | None = None
    measured_per_min: float = 0.0  # the rate with which a condition of rates began; 0: none was measured
    limit_per_min: float = 0.0  # and the limit it lay beyond
