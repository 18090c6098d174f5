"""The rules a control request must keep, whoever sends it."""

from __future__ import annotations

from math import isfinite

from ..errors import WireError
from ..waveform import Condition
from . import ecgstream_pb2 as pb
from .refusals import Refusal

MAX_TEXT = 200
"""Longest id, name or reference, in characters."""
MAX_PAUSE_S = 86_400.0

_CONDITIONS = {condition.name.lower() for condition in Condition}


def check_text(reason: Refusal, what: str, text: str, may_be_empty: bool = True) -> None:
    """Raises WireError unless ``text`` is short and printable."""
    if len(text) > MAX_TEXT or not text.isprintable() or not (text or may_be_empty):
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
    order = control.WhichOneof("order")
    if order is None:
        raise _bad("The request holds no order; set one of acknowledge, pause, limits, association.")
    _CHECKS[order](getattr(control, order))


def _check_acknowledge(order: pb.Acknowledge) -> None:
    check_text(Refusal.BAD_ORDER, "alert id", order.alert_id)


def _check_pause(order: pb.Pause) -> None:
    if order.condition and order.condition not in _CONDITIONS:
        known = ", ".join(sorted(_CONDITIONS))
        raise _bad(f"There is no condition {order.condition[:40]!r} to pause; there are {known}.")
    if not 0 <= order.duration_s <= MAX_PAUSE_S:
        raise _bad(f"A pause must last 0 to {MAX_PAUSE_S:.0f} s (0 ends it); found {order.duration_s}.")


def _check_limits(order: pb.Limits) -> None:
    limits = {field.name: value for field, value in order.ListFields()}
    if not limits:
        raise _bad("The request sets no limit; set at least one of bradycardia_bpm, tachycardia_bpm, pause_s.")
    for name, value in limits.items():
        if not (isfinite(value) and value > 0):
            raise _bad(f"The limit {name} must be a positive number; found {value}.")


def _check_association(order: pb.Association) -> None:
    check_text(Refusal.BAD_ORDER, "patient reference", order.patient_reference)


def _bad(sentence: str) -> WireError:
    return WireError(Refusal.BAD_ORDER, sentence)


_CHECKS = {
    "acknowledge": _check_acknowledge,
    "pause": _check_pause,
    "limits": _check_limits,
    "association": _check_association,
}
