"""Alert ids that come out the same after a restart."""

from __future__ import annotations

from hashlib import sha256
from uuid import UUID

from ..waveform import Condition


def alert_id(stream_id: str, condition: Condition, onset: int) -> str:
    """The id of the alert of ``condition`` that began at grid sample ``onset``: a hash, written like a UUID."""
    said = "\0".join((stream_id, condition.name.lower(), str(onset)))
    return str(UUID(bytes=sha256(said.encode()).digest()[:16]))
