"""Why a message is refused: the fixed short names in metrics, in ``WireError.reason`` and in docs/wire.md."""

from __future__ import annotations

from enum import StrEnum


class Refusal(StrEnum):
    """One rule of the wire format each; the rules are told in docs/wire.md."""

    MALFORMED = "malformed"
    UNKNOWN_CONTENT_TYPE = "unknown_content_type"
    UNKNOWN_VERSION = "unknown_version"
    WRONG_MESSAGE = "wrong_message"
    OVERSIZE = "oversize"
    BAD_PROTOBUF = "bad_protobuf"
    BAD_JSON = "bad_json"
    BAD_STREAM_ID = "bad_stream_id"
    BAD_SEQUENCE = "bad_sequence"
    NOT_ONE_ECG = "not_one_ecg"
    BAD_CHANNELS = "bad_channels"
    BAD_RATE = "bad_rate"
    BAD_GAIN = "bad_gain"
    BAD_UNIT = "bad_unit"
    BAD_NAME = "bad_name"
    LEAD_CONTRADICTION = "lead_contradiction"
    LEAD_TWICE = "lead_twice"
    TOO_MANY_UNKNOWN_LEADS = "too_many_unknown_leads"
    BAD_SAMPLES = "bad_samples"
    TOO_LONG = "too_long"
    UNEQUAL_DURATIONS = "unequal_durations"
    BAD_RANGE = "bad_range"
    TOO_MANY_ALARMS = "too_many_alarms"
    BAD_ORDER = "bad_order"
