"""One alert or diagnosis after another, in a process of its own: what that process runs."""

from __future__ import annotations

import json
import multiprocessing
import os
import threading
from typing import Any

import torch

from ..evaluation.records import record_of
from ..recorded.strip import recording_of_strip
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
    threading.Thread(target=_end_with_its_parent, daemon=True).start()
    os.nice(_NICE)
    torch.set_num_threads(1)
    _probe = load_probe(model)


def _end_with_its_parent() -> None:
    """A daemon that is killed would leave a process behind that waits for ever."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)


def explained(alert: bytes, mains_hz: int) -> bytes:
    """The explanation of a serialised alert as JSON. Raises ModelError, RecordError."""
    message = pb.Alert.FromString(alert)
    window = window_of(record_of_alert(message), decided_s(message), mains_hz)
    found = explain(_probe, window, score_of_alert(message), "gradients")
    return _json(found.document() | {"alert_id": message.alert_id})


def explained_diagnosis(strip: bytes, score: str, about: dict[str, Any], mains_hz: int) -> bytes:
    """The explanation of a score at the end of a serialised strip as JSON, beside what is stated ``about`` it.

    Raises ModelError, RecordError.
    """
    stream_id = about["stream_id"]
    recording = recording_of_strip(pb.Strip.FromString(strip), stream_id, f"the signal of {stream_id}")
    window = window_of(record_of(recording), None, mains_hz)
    return _json(explain(_probe, window, score, "gradients").document() | about)


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
