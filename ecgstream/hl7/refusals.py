"""Why an HL7 message is not taken: fixed short names for metrics and logs, and what acknowledgements say of each."""

from __future__ import annotations

from enum import StrEnum


class Refused(StrEnum):
    """One rule each; the sentence that goes with it is in the acknowledgement alone, as it may quote the message."""

    FRAMING = "framing"
    OVERSIZE = "oversize"
    NO_HEADER = "no_header"
    CHARACTER_SET = "character_set"
    UNSUPPORTED = "unsupported"
    MISSING_FIELD = "missing_field"
    BAD_FIELD = "bad_field"
    BAD_TIME = "bad_time"
    BAD_LOCATION = "bad_location"
    NO_PATIENT = "no_patient"
    CIRCULAR_MERGE = "circular_merge"
    NO_SAMPLES = "no_samples"
    BAD_SAMPLES = "bad_samples"
    BAD_CHANNEL = "bad_channel"
    BAD_CHUNK = "bad_chunk"
    NOT_HANDED_ON = "not_handed_on"
    INTERNAL = "internal"


REJECTED = {Refused.FRAMING, Refused.OVERSIZE, Refused.NO_HEADER, Refused.UNSUPPORTED}
REJECTED |= {Refused.NOT_HANDED_ON, Refused.INTERNAL}
"""Acknowledged by AR: not for what the message says. The last two may be sent again as they are."""

ERROR_CODES = {
    Refused.FRAMING: "207",
    Refused.OVERSIZE: "207",
    Refused.NO_HEADER: "100",
    Refused.CHARACTER_SET: "102",
    Refused.UNSUPPORTED: "200",
    Refused.MISSING_FIELD: "101",
    Refused.BAD_LOCATION: "101",
    Refused.NO_PATIENT: "101",
    Refused.NO_SAMPLES: "101",
    Refused.CIRCULAR_MERGE: "204",
    Refused.NOT_HANDED_ON: "207",
    Refused.INTERNAL: "207",
}
"""HL7 table 0357, for ERR-3; 102 (data type) where nothing is said."""
