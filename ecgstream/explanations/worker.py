"""One alert after another, in a process of its own: what that process runs."""

from __future__ import annotations

import json
import os

import torch

from ..wire import ecgstream_pb2 as pb
from .alert import decided_s, record_of_alert, score_of_alert
from .explanation import explain
from .probe import Probe, load_probe
from .window import window_of

_NICE = 10
"""Alarms come first, also for the scheduler."""
_probe: Probe | None = None


def load(model: str | None) -> None:
    """Load the model, once in the process. Raises ModelError."""
    global _probe
    os.nice(_NICE)
    torch.set_num_threads(1)
    _probe = load_probe(model)


def explained(alert: bytes, mains_hz: int) -> bytes:
    """The explanation of a serialised alert as JSON. Raises ModelError, RecordError."""
    message = pb.Alert.FromString(alert)
    window = window_of(record_of_alert(message), decided_s(message), mains_hz)
    found = explain(_probe, window, score_of_alert(message), "gradients")
    return json.dumps(found.document() | {"alert_id": message.alert_id}, separators=(",", ":")).encode()
