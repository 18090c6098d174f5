"""The audit log: every order that reached this daemon, who gave it, what came of it and at which sample.

One line of JSON an order, appended and on disk before the answer leaves; the same goes to the structured log as
``audit``. The file is opened anew for every line, so it may be renamed at any time to rotate it. No patient reference
is ever in it.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog
from google.protobuf import json_format

from .clock import Clock
from .errors import SettingsError
from .metrics import Metrics
from .wire import ecgstream_pb2 as pb

log = structlog.get_logger()


class Audit:
    """Appends; its calls must not overlap."""

    def __init__(self, path: Path | None, clock: Clock, metrics: Metrics):
        self._path, self._clock, self._metrics = path, clock, metrics

    def start(self) -> None:
        """Raises SettingsError when the file cannot be written."""
        try:
            self._append(b"")
        except OSError as error:
            raise SettingsError(
                f"The audit file {self._path} cannot be written ({error.strerror}); set log.audit_path."
            ) from error

    def note(self, source: str, control: pb.Control, reply: pb.ControlReply) -> None:
        """Write down an order that came by ``source`` (zeromq, http, kafka) and its answer."""
        told = {"outcome": _outcome(reply), "sample": reply.effective_sample, "text": reply.text}
        self._write(_entry(control), source, told)

    def note_models(self, actor: str, details: dict[str, str], accepted: bool, text: str) -> None:
        """Write down an order to change models, which is given to a daemon, not to a bed."""
        outcome = {"outcome": "accepted" if accepted else "refused", "text": text}
        self._write({"actor": actor, "order": "models", "details": details}, "http", outcome)

    def _write(self, entry: dict[str, Any], source: str, told: dict[str, Any]) -> None:
        at = datetime.fromtimestamp(self._clock.now_ns() / 1e9, UTC).isoformat(timespec="milliseconds")
        entry = entry | {"time": at, "source": source} | told
        log.info("audit", **entry)
        try:
            self._append(json.dumps(entry).encode() + b"\n")
        except OSError as error:  # an alarm must be silenced though the disk is full
            self._metrics.audit_failures.inc()
            log.error("audit file not written", path=str(self._path), text=str(error))

    def _append(self, line: bytes) -> None:
        if self._path is None:
            return
        with self._path.open("ab", buffering=0) as file:
            file.write(line)
            os.fsync(file.fileno())


def _entry(control: pb.Control) -> dict[str, Any]:
    name = control.WhichOneof("order")
    order = getattr(control, name)
    if name == "association":
        details = {"patient": "changed" if order.patient_reference else "discharged"}
    else:
        details = json_format.MessageToDict(order, preserving_proto_field_name=True)
    who = {"actor": control.actor, "stream_id": control.stream_id, "request_id": control.request_id}
    return who | {"order": name, "details": details, "reason": control.reason}


def _outcome(reply: pb.ControlReply) -> str:
    if reply.passed_on:
        return "passed on"
    return "accepted" if reply.accepted else "refused"
