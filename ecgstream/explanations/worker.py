"""One alert or diagnosis after another, in a process of its own: what that process runs.

Who starts it imports this module, too: what takes seconds and 200 MB to import (PyTorch) the process does by itself.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import threading
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ..errors import ModelError
from ..evaluation.records import record_of
from ..recorded.strip import recording_of_strip
from ..wire import ecgstream_pb2 as pb
from .alert import decided_s, record_of_alert, score_of_alert
from .window import Window, window_of

if TYPE_CHECKING:
    from .probe import Probe

_NICE = 10
"""Alarms come first, also for the scheduler."""
_MOST_BESIDE = 4
"""Models beside the first that stay loaded; those of 100 million parameters take 400 MB each."""
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
    return _explained(_probe, window, score_of_alert(message), {"alert_id": message.alert_id})


def explained_diagnosis(
    strip: bytes, score: str, about: dict[str, Any], mains_hz: int, version: str, folder: str
) -> bytes:
    """The explanation, at the end of a serialised strip, of a score of the model ``version`` that lies in ``folder``:
    as JSON, beside what is stated ``about`` it.

    Raises ModelError, RecordError.
    """
    probe = _probe if version == _probe.version else _beside(version, folder)
    stream_id = about["stream_id"]
    recording = recording_of_strip(pb.Strip.FromString(strip), stream_id, f"the signal of {stream_id}")
    window = window_of(record_of(recording), None, mains_hz)
    return _explained(probe, window, score, about)


@lru_cache(maxsize=_MOST_BESIDE)
def _beside(version: str, folder: str) -> Probe:
    """Raises ModelError where another version lies there by now."""
    from .probe import load_probe

    probe = load_probe(folder)
    if probe.version != version:
        raise ModelError(f"{folder} holds {probe.version} by now; scores of {version} are not explained.")
    return probe


def _explained(probe: Probe, window: Window, score: str, about: dict[str, Any]) -> bytes:
    from .explanation import explain

    document = explain(probe, window, score).document() | about
    return json.dumps(document, separators=(",", ":")).encode()
