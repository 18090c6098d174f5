"""One alert or diagnosis after another, in a process of its own: what that process runs.

Who starts it imports this module, too: what takes seconds and 200 MB to import (PyTorch) the process does by itself.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import threading
from typing import TYPE_CHECKING, Any

from ..evaluation.records import record_of
from ..recorded.strip import recording_of_strip
from ..wire import ecgstream_pb2 as pb
from .alert import decided_s, record_of_alert, score_of_alert
from .window import Window, window_of

if TYPE_CHECKING:
    from .probe import Probe

_NICE = 10
"""Alarms come first, also for the scheduler."""
_probe: Probe | None = None


def load(model: str | None) -> None:
    """Load the model, once in the process. Raises ModelError."""
    global _probe
    threading.Thread(target=_end_with_its_parent, daemon=True).start()
    os.nice(_NICE)
    import torch

    from .probe import load_probe

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
    return _explained(window, score_of_alert(message), {"alert_id": message.alert_id})


def explained_diagnosis(strip: bytes, score: str, about: dict[str, Any], mains_hz: int) -> bytes:
    """The explanation of a score at the end of a serialised strip as JSON, beside what is stated ``about`` it.

    Raises ModelError, RecordError.
    """
    stream_id = about["stream_id"]
    recording = recording_of_strip(pb.Strip.FromString(strip), stream_id, f"the signal of {stream_id}")
    window = window_of(record_of(recording), None, mains_hz)
    return _explained(window, score, about)


def _explained(window: Window, score: str, about: dict[str, Any]) -> bytes:
    from .explanation import explain

    document = explain(_probe, window, score, "gradients").document() | about
    return json.dumps(document, separators=(",", ":")).encode()
