"""The shape a control request must have, whoever sends it. What may be ordered is for the alarms room to say."""

from __future__ import annotations

from math import isfinite

from ..errors import WireError
from . import ecgstream_pb2 as pb
from .refusals import Refusal

MAX_TEXT = 200
"""Longest id, name or reference, in characters."""


def is_text(text: str) -> bool:
    """Whether there is text, short and printable."""
    return 0 < len(text) <= MAX_TEXT and text.isprintable()


def check_text(reason: Refusal, what: str, text: str, may_be_empty: bool = True) -> None:
    """Raises WireError unless ``text`` is short and printable."""
    if not (is_text(text) or (may_be_empty and not text)):
        least = 0 if may_be_empty else 1
        raise WireError(
            reason,
            f"The {what} must be {least} to {MAX_TEXT} printable characters; found {len(text)}: {text[:40]!r}.",
        )


def check_control(control: pb.Control) -> None:
    """Raises WireError naming the rule a request breaks."""
    check_text(Refusal.BAD_STREAM_ID, "stream id", control.stream_id, may_be_empty=False)
    check_text(Refusal.BAD_ORDER, "request id", control.request_id)
    check_text(Refusal.BAD_ORDER, "actor", control.actor)
    check_text(Refusal.BAD_ORDER, "reason", control.reason)
    name = control.WhichOneof("order")
    if name is None:
        raise WireError(
            Refusal.BAD_ORDER,
            "The request holds no order; set one of acknowledge, pause, alarm_switch, limits, preset, "
            "association, monitor_alarm.",
        )
    for field, value in getattr(control, name).ListFields():
        if isinstance(value, str):
            check_text(Refusal.BAD_ORDER, field.name, value)
        elif not isfinite(value):
            raise WireError(Refusal.BAD_ORDER, f"The field {field.name} must be a finite number; found {value}.")
