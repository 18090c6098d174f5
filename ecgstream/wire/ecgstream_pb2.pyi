from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Chunk(_message.Message):
    __slots__ = ("version", "stream_id", "sequence", "start_time_ns", "groups", "patient_reference", "monitor_alarms")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    STREAM_ID_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    START_TIME_NS_FIELD_NUMBER: _ClassVar[int]
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    PATIENT_REFERENCE_FIELD_NUMBER: _ClassVar[int]
    MONITOR_ALARMS_FIELD_NUMBER: _ClassVar[int]
    version: int
    stream_id: str
    sequence: int
    start_time_ns: int
    groups: _containers.RepeatedCompositeFieldContainer[ChannelGroup]
    patient_reference: str
    monitor_alarms: _containers.RepeatedCompositeFieldContainer[MonitorAlarm]
    def __init__(self, version: _Optional[int] = ..., stream_id: _Optional[str] = ..., sequence: _Optional[int] = ..., start_time_ns: _Optional[int] = ..., groups: _Optional[_Iterable[_Union[ChannelGroup, _Mapping]]] = ..., patient_reference: _Optional[str] = ..., monitor_alarms: _Optional[_Iterable[_Union[MonitorAlarm, _Mapping]]] = ...) -> None: ...

class ChannelGroup(_message.Message):
    __slots__ = ("layout", "samples", "lead_off", "pacer")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        ECG: _ClassVar[ChannelGroup.Kind]
        PLETH: _ClassVar[ChannelGroup.Kind]
        ABP: _ClassVar[ChannelGroup.Kind]
        RESP: _ClassVar[ChannelGroup.Kind]
        OTHER: _ClassVar[ChannelGroup.Kind]
    ECG: ChannelGroup.Kind
    PLETH: ChannelGroup.Kind
    ABP: ChannelGroup.Kind
    RESP: ChannelGroup.Kind
    OTHER: ChannelGroup.Kind
    LAYOUT_FIELD_NUMBER: _ClassVar[int]
    SAMPLES_FIELD_NUMBER: _ClassVar[int]
    LEAD_OFF_FIELD_NUMBER: _ClassVar[int]
    PACER_FIELD_NUMBER: _ClassVar[int]
    layout: GroupLayout
    samples: bytes
    lead_off: _containers.RepeatedCompositeFieldContainer[SampleRange]
    pacer: _containers.RepeatedCompositeFieldContainer[SampleRange]
    def __init__(self, layout: _Optional[_Union[GroupLayout, _Mapping]] = ..., samples: _Optional[bytes] = ..., lead_off: _Optional[_Iterable[_Union[SampleRange, _Mapping]]] = ..., pacer: _Optional[_Iterable[_Union[SampleRange, _Mapping]]] = ...) -> None: ...

class GroupLayout(_message.Message):
    __slots__ = ("kind", "fs_numerator", "fs_denominator", "channels")
    KIND_FIELD_NUMBER: _ClassVar[int]
    FS_NUMERATOR_FIELD_NUMBER: _ClassVar[int]
    FS_DENOMINATOR_FIELD_NUMBER: _ClassVar[int]
    CHANNELS_FIELD_NUMBER: _ClassVar[int]
    kind: ChannelGroup.Kind
    fs_numerator: int
    fs_denominator: int
    channels: _containers.RepeatedCompositeFieldContainer[Channel]
    def __init__(self, kind: _Optional[_Union[ChannelGroup.Kind, str]] = ..., fs_numerator: _Optional[int] = ..., fs_denominator: _Optional[int] = ..., channels: _Optional[_Iterable[_Union[Channel, _Mapping]]] = ...) -> None: ...

class Channel(_message.Message):
    __slots__ = ("mdc_code", "name", "unit", "gain", "baseline", "invalid_value")
    MDC_CODE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    GAIN_FIELD_NUMBER: _ClassVar[int]
    BASELINE_FIELD_NUMBER: _ClassVar[int]
    INVALID_VALUE_FIELD_NUMBER: _ClassVar[int]
    mdc_code: int
    name: str
    unit: str
    gain: float
    baseline: int
    invalid_value: int
    def __init__(self, mdc_code: _Optional[int] = ..., name: _Optional[str] = ..., unit: _Optional[str] = ..., gain: _Optional[float] = ..., baseline: _Optional[int] = ..., invalid_value: _Optional[int] = ...) -> None: ...

class SampleRange(_message.Message):
    __slots__ = ("start", "stop", "channel")
    START_FIELD_NUMBER: _ClassVar[int]
    STOP_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    start: int
    stop: int
    channel: int
    def __init__(self, start: _Optional[int] = ..., stop: _Optional[int] = ..., channel: _Optional[int] = ...) -> None: ...

class MonitorAlarm(_message.Message):
    __slots__ = ("mdc_code", "name", "start_time_ns", "ended", "priority")
    MDC_CODE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    START_TIME_NS_FIELD_NUMBER: _ClassVar[int]
    ENDED_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    mdc_code: int
    name: str
    start_time_ns: int
    ended: bool
    priority: str
    def __init__(self, mdc_code: _Optional[int] = ..., name: _Optional[str] = ..., start_time_ns: _Optional[int] = ..., ended: _Optional[bool] = ..., priority: _Optional[str] = ...) -> None: ...

class Control(_message.Message):
    __slots__ = ("version", "request_id", "stream_id", "actor", "acknowledge", "pause", "limits", "association", "alarm_switch", "preset", "monitor_alarm", "reason")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    STREAM_ID_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGE_FIELD_NUMBER: _ClassVar[int]
    PAUSE_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    ASSOCIATION_FIELD_NUMBER: _ClassVar[int]
    ALARM_SWITCH_FIELD_NUMBER: _ClassVar[int]
    PRESET_FIELD_NUMBER: _ClassVar[int]
    MONITOR_ALARM_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    version: int
    request_id: str
    stream_id: str
    actor: str
    acknowledge: Acknowledge
    pause: Pause
    limits: Limits
    association: Association
    alarm_switch: AlarmSwitch
    preset: Preset
    monitor_alarm: MonitorAlarm
    reason: str
    def __init__(self, version: _Optional[int] = ..., request_id: _Optional[str] = ..., stream_id: _Optional[str] = ..., actor: _Optional[str] = ..., acknowledge: _Optional[_Union[Acknowledge, _Mapping]] = ..., pause: _Optional[_Union[Pause, _Mapping]] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., association: _Optional[_Union[Association, _Mapping]] = ..., alarm_switch: _Optional[_Union[AlarmSwitch, _Mapping]] = ..., preset: _Optional[_Union[Preset, _Mapping]] = ..., monitor_alarm: _Optional[_Union[MonitorAlarm, _Mapping]] = ..., reason: _Optional[str] = ...) -> None: ...

class Acknowledge(_message.Message):
    __slots__ = ("alert_id",)
    ALERT_ID_FIELD_NUMBER: _ClassVar[int]
    alert_id: str
    def __init__(self, alert_id: _Optional[str] = ...) -> None: ...

class Pause(_message.Message):
    __slots__ = ("condition", "duration_s")
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    DURATION_S_FIELD_NUMBER: _ClassVar[int]
    condition: str
    duration_s: float
    def __init__(self, condition: _Optional[str] = ..., duration_s: _Optional[float] = ...) -> None: ...

class AlarmSwitch(_message.Message):
    __slots__ = ("condition", "off")
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    OFF_FIELD_NUMBER: _ClassVar[int]
    condition: str
    off: bool
    def __init__(self, condition: _Optional[str] = ..., off: _Optional[bool] = ...) -> None: ...

class Limits(_message.Message):
    __slots__ = ("bradycardia_bpm", "tachycardia_bpm", "pause_s", "extreme_bradycardia_bpm", "extreme_tachycardia_bpm", "ventricular_tachycardia_bpm", "asystole_s", "pvc_per_min")
    BRADYCARDIA_BPM_FIELD_NUMBER: _ClassVar[int]
    TACHYCARDIA_BPM_FIELD_NUMBER: _ClassVar[int]
    PAUSE_S_FIELD_NUMBER: _ClassVar[int]
    EXTREME_BRADYCARDIA_BPM_FIELD_NUMBER: _ClassVar[int]
    EXTREME_TACHYCARDIA_BPM_FIELD_NUMBER: _ClassVar[int]
    VENTRICULAR_TACHYCARDIA_BPM_FIELD_NUMBER: _ClassVar[int]
    ASYSTOLE_S_FIELD_NUMBER: _ClassVar[int]
    PVC_PER_MIN_FIELD_NUMBER: _ClassVar[int]
    bradycardia_bpm: float
    tachycardia_bpm: float
    pause_s: float
    extreme_bradycardia_bpm: float
    extreme_tachycardia_bpm: float
    ventricular_tachycardia_bpm: float
    asystole_s: float
    pvc_per_min: float
    def __init__(self, bradycardia_bpm: _Optional[float] = ..., tachycardia_bpm: _Optional[float] = ..., pause_s: _Optional[float] = ..., extreme_bradycardia_bpm: _Optional[float] = ..., extreme_tachycardia_bpm: _Optional[float] = ..., ventricular_tachycardia_bpm: _Optional[float] = ..., asystole_s: _Optional[float] = ..., pvc_per_min: _Optional[float] = ...) -> None: ...

class Preset(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class Association(_message.Message):
    __slots__ = ("patient_reference",)
    PATIENT_REFERENCE_FIELD_NUMBER: _ClassVar[int]
    patient_reference: str
    def __init__(self, patient_reference: _Optional[str] = ...) -> None: ...

class ControlReply(_message.Message):
    __slots__ = ("version", "request_id", "accepted", "text", "effective_sample", "passed_on")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    EFFECTIVE_SAMPLE_FIELD_NUMBER: _ClassVar[int]
    PASSED_ON_FIELD_NUMBER: _ClassVar[int]
    version: int
    request_id: str
    accepted: bool
    text: str
    effective_sample: int
    passed_on: bool
    def __init__(self, version: _Optional[int] = ..., request_id: _Optional[str] = ..., accepted: _Optional[bool] = ..., text: _Optional[str] = ..., effective_sample: _Optional[int] = ..., passed_on: _Optional[bool] = ...) -> None: ...

class Alert(_message.Message):
    __slots__ = ("version", "alert_id", "update", "stream_id", "condition", "mdc_code", "snomed_code", "state", "priority", "lethal", "technical", "source", "onset_sample", "onset_time_ns", "decided_sample", "delay_s", "late_s", "text", "published_time_ns", "escalation", "strip", "measured")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[Alert.State]
        ACTIVE: _ClassVar[Alert.State]
        LATCHED: _ClassVar[Alert.State]
        ACKNOWLEDGED: _ClassVar[Alert.State]
        ENDED: _ClassVar[Alert.State]
    STATE_UNSPECIFIED: Alert.State
    ACTIVE: Alert.State
    LATCHED: Alert.State
    ACKNOWLEDGED: Alert.State
    ENDED: Alert.State
    class Priority(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        PRIORITY_UNSPECIFIED: _ClassVar[Alert.Priority]
        LOW: _ClassVar[Alert.Priority]
        MEDIUM: _ClassVar[Alert.Priority]
        HIGH: _ClassVar[Alert.Priority]
    PRIORITY_UNSPECIFIED: Alert.Priority
    LOW: Alert.Priority
    MEDIUM: Alert.Priority
    HIGH: Alert.Priority
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ALERT_ID_FIELD_NUMBER: _ClassVar[int]
    UPDATE_FIELD_NUMBER: _ClassVar[int]
    STREAM_ID_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    MDC_CODE_FIELD_NUMBER: _ClassVar[int]
    SNOMED_CODE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    LETHAL_FIELD_NUMBER: _ClassVar[int]
    TECHNICAL_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    ONSET_SAMPLE_FIELD_NUMBER: _ClassVar[int]
    ONSET_TIME_NS_FIELD_NUMBER: _ClassVar[int]
    DECIDED_SAMPLE_FIELD_NUMBER: _ClassVar[int]
    DELAY_S_FIELD_NUMBER: _ClassVar[int]
    LATE_S_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    PUBLISHED_TIME_NS_FIELD_NUMBER: _ClassVar[int]
    ESCALATION_FIELD_NUMBER: _ClassVar[int]
    STRIP_FIELD_NUMBER: _ClassVar[int]
    MEASURED_FIELD_NUMBER: _ClassVar[int]
    version: int
    alert_id: str
    update: int
    stream_id: str
    condition: str
    mdc_code: int
    snomed_code: str
    state: Alert.State
    priority: Alert.Priority
    lethal: bool
    technical: bool
    source: str
    onset_sample: int
    onset_time_ns: int
    decided_sample: int
    delay_s: float
    late_s: float
    text: str
    published_time_ns: int
    escalation: int
    strip: Strip
    measured: Measured
    def __init__(self, version: _Optional[int] = ..., alert_id: _Optional[str] = ..., update: _Optional[int] = ..., stream_id: _Optional[str] = ..., condition: _Optional[str] = ..., mdc_code: _Optional[int] = ..., snomed_code: _Optional[str] = ..., state: _Optional[_Union[Alert.State, str]] = ..., priority: _Optional[_Union[Alert.Priority, str]] = ..., lethal: _Optional[bool] = ..., technical: _Optional[bool] = ..., source: _Optional[str] = ..., onset_sample: _Optional[int] = ..., onset_time_ns: _Optional[int] = ..., decided_sample: _Optional[int] = ..., delay_s: _Optional[float] = ..., late_s: _Optional[float] = ..., text: _Optional[str] = ..., published_time_ns: _Optional[int] = ..., escalation: _Optional[int] = ..., strip: _Optional[_Union[Strip, _Mapping]] = ..., measured: _Optional[_Union[Measured, _Mapping]] = ...) -> None: ...

class Measured(_message.Message):
    __slots__ = ("mdc_code", "unit", "value", "low_limit", "high_limit")
    MDC_CODE_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    LOW_LIMIT_FIELD_NUMBER: _ClassVar[int]
    HIGH_LIMIT_FIELD_NUMBER: _ClassVar[int]
    mdc_code: int
    unit: str
    value: float
    low_limit: float
    high_limit: float
    def __init__(self, mdc_code: _Optional[int] = ..., unit: _Optional[str] = ..., value: _Optional[float] = ..., low_limit: _Optional[float] = ..., high_limit: _Optional[float] = ...) -> None: ...

class Strip(_message.Message):
    __slots__ = ("start_sample", "start_time_ns", "layout", "samples", "onset", "complete")
    START_SAMPLE_FIELD_NUMBER: _ClassVar[int]
    START_TIME_NS_FIELD_NUMBER: _ClassVar[int]
    LAYOUT_FIELD_NUMBER: _ClassVar[int]
    SAMPLES_FIELD_NUMBER: _ClassVar[int]
    ONSET_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_FIELD_NUMBER: _ClassVar[int]
    start_sample: int
    start_time_ns: int
    layout: GroupLayout
    samples: bytes
    onset: int
    complete: bool
    def __init__(self, start_sample: _Optional[int] = ..., start_time_ns: _Optional[int] = ..., layout: _Optional[_Union[GroupLayout, _Mapping]] = ..., samples: _Optional[bytes] = ..., onset: _Optional[int] = ..., complete: _Optional[bool] = ...) -> None: ...

class Diagnosis(_message.Message):
    __slots__ = ("version", "stream_id", "sample", "time_ns", "scores", "model", "withheld", "published_time_ns", "heads")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    STREAM_ID_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_FIELD_NUMBER: _ClassVar[int]
    TIME_NS_FIELD_NUMBER: _ClassVar[int]
    SCORES_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    WITHHELD_FIELD_NUMBER: _ClassVar[int]
    PUBLISHED_TIME_NS_FIELD_NUMBER: _ClassVar[int]
    HEADS_FIELD_NUMBER: _ClassVar[int]
    version: int
    stream_id: str
    sample: int
    time_ns: int
    scores: _containers.RepeatedCompositeFieldContainer[Score]
    model: str
    withheld: str
    published_time_ns: int
    heads: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, version: _Optional[int] = ..., stream_id: _Optional[str] = ..., sample: _Optional[int] = ..., time_ns: _Optional[int] = ..., scores: _Optional[_Iterable[_Union[Score, _Mapping]]] = ..., model: _Optional[str] = ..., withheld: _Optional[str] = ..., published_time_ns: _Optional[int] = ..., heads: _Optional[_Iterable[str]] = ...) -> None: ...

class Shadow(_message.Message):
    __slots__ = ("version", "stream_id", "sample", "time_ns", "scores", "model", "withheld", "published_time_ns", "served")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    STREAM_ID_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_FIELD_NUMBER: _ClassVar[int]
    TIME_NS_FIELD_NUMBER: _ClassVar[int]
    SCORES_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    WITHHELD_FIELD_NUMBER: _ClassVar[int]
    PUBLISHED_TIME_NS_FIELD_NUMBER: _ClassVar[int]
    SERVED_FIELD_NUMBER: _ClassVar[int]
    version: int
    stream_id: str
    sample: int
    time_ns: int
    scores: _containers.RepeatedCompositeFieldContainer[Score]
    model: str
    withheld: str
    published_time_ns: int
    served: str
    def __init__(self, version: _Optional[int] = ..., stream_id: _Optional[str] = ..., sample: _Optional[int] = ..., time_ns: _Optional[int] = ..., scores: _Optional[_Iterable[_Union[Score, _Mapping]]] = ..., model: _Optional[str] = ..., withheld: _Optional[str] = ..., published_time_ns: _Optional[int] = ..., served: _Optional[str] = ...) -> None: ...

class Score(_message.Message):
    __slots__ = ("name", "probability")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    name: str
    probability: float
    def __init__(self, name: _Optional[str] = ..., probability: _Optional[float] = ...) -> None: ...

class Vitals(_message.Message):
    __slots__ = ("version", "stream_id", "sample", "time_ns", "heart_rate_bpm", "pvc_per_min", "leads", "rhythm", "not_judged", "published_time_ns", "alarms_off", "alarms_paused", "limits", "preset")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    STREAM_ID_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_FIELD_NUMBER: _ClassVar[int]
    TIME_NS_FIELD_NUMBER: _ClassVar[int]
    HEART_RATE_BPM_FIELD_NUMBER: _ClassVar[int]
    PVC_PER_MIN_FIELD_NUMBER: _ClassVar[int]
    LEADS_FIELD_NUMBER: _ClassVar[int]
    RHYTHM_FIELD_NUMBER: _ClassVar[int]
    NOT_JUDGED_FIELD_NUMBER: _ClassVar[int]
    PUBLISHED_TIME_NS_FIELD_NUMBER: _ClassVar[int]
    ALARMS_OFF_FIELD_NUMBER: _ClassVar[int]
    ALARMS_PAUSED_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    PRESET_FIELD_NUMBER: _ClassVar[int]
    version: int
    stream_id: str
    sample: int
    time_ns: int
    heart_rate_bpm: float
    pvc_per_min: float
    leads: _containers.RepeatedCompositeFieldContainer[LeadQuality]
    rhythm: str
    not_judged: str
    published_time_ns: int
    alarms_off: _containers.RepeatedScalarFieldContainer[str]
    alarms_paused: _containers.RepeatedScalarFieldContainer[str]
    limits: Limits
    preset: str
    def __init__(self, version: _Optional[int] = ..., stream_id: _Optional[str] = ..., sample: _Optional[int] = ..., time_ns: _Optional[int] = ..., heart_rate_bpm: _Optional[float] = ..., pvc_per_min: _Optional[float] = ..., leads: _Optional[_Iterable[_Union[LeadQuality, _Mapping]]] = ..., rhythm: _Optional[str] = ..., not_judged: _Optional[str] = ..., published_time_ns: _Optional[int] = ..., alarms_off: _Optional[_Iterable[str]] = ..., alarms_paused: _Optional[_Iterable[str]] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., preset: _Optional[str] = ...) -> None: ...

class LeadQuality(_message.Message):
    __slots__ = ("name", "quality", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    quality: float
    reason: str
    def __init__(self, name: _Optional[str] = ..., quality: _Optional[float] = ..., reason: _Optional[str] = ...) -> None: ...

class Verdict(_message.Message):
    __slots__ = ("version", "stream_id", "alarm", "opinion", "probability", "evidence", "published_time_ns", "verdict_id", "head")
    class Opinion(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        OPINION_UNSPECIFIED: _ClassVar[Verdict.Opinion]
        TRUE_ALARM: _ClassVar[Verdict.Opinion]
        FALSE_ALARM: _ClassVar[Verdict.Opinion]
        CANNOT_SAY: _ClassVar[Verdict.Opinion]
    OPINION_UNSPECIFIED: Verdict.Opinion
    TRUE_ALARM: Verdict.Opinion
    FALSE_ALARM: Verdict.Opinion
    CANNOT_SAY: Verdict.Opinion
    VERSION_FIELD_NUMBER: _ClassVar[int]
    STREAM_ID_FIELD_NUMBER: _ClassVar[int]
    ALARM_FIELD_NUMBER: _ClassVar[int]
    OPINION_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    PUBLISHED_TIME_NS_FIELD_NUMBER: _ClassVar[int]
    VERDICT_ID_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    version: int
    stream_id: str
    alarm: MonitorAlarm
    opinion: Verdict.Opinion
    probability: float
    evidence: str
    published_time_ns: int
    verdict_id: str
    head: str
    def __init__(self, version: _Optional[int] = ..., stream_id: _Optional[str] = ..., alarm: _Optional[_Union[MonitorAlarm, _Mapping]] = ..., opinion: _Optional[_Union[Verdict.Opinion, str]] = ..., probability: _Optional[float] = ..., evidence: _Optional[str] = ..., published_time_ns: _Optional[int] = ..., verdict_id: _Optional[str] = ..., head: _Optional[str] = ...) -> None: ...
