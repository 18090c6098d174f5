"""What a record was made with: state that depends on it means nothing under another."""

from __future__ import annotations

import json
from hashlib import sha256

from ..diagnosis import Model
from ..settings import Settings


def model_hash(model: Model | None) -> str:
    """Of the encoder; empty without one."""
    return model.manifest.sha256[:12] if model else ""


def settings_hash(settings: Settings) -> str:
    """Of the settings that decide what comes of a signal."""
    parts = (
        settings.intake.model_dump(mode="json", exclude={"stale_s", "evict_s", "max_streams"}),
        settings.conditioning.model_dump(mode="json"),
        settings.alarms.model_dump(mode="json", exclude={"escalate_s"}),
        settings.diagnosis.enabled,
    )
    return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]
