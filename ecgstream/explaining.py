"""What explains, where the settings want it: its libraries take seconds to load, which nobody else waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .metrics import Metrics
from .settings import Settings

if TYPE_CHECKING:
    from .explainer import Explainer, SignalBefore


def explainer_of(settings: Settings, metrics: Metrics, signal_before: SignalBefore) -> Explainer | None:
    """None where nothing is to be explained."""
    if not settings.explanations.enabled:
        return None
    from .explainer import Explainer

    model, mains_hz = settings.diagnosis.model, settings.conditioning.mains_hz
    return Explainer(settings.explanations, model, mains_hz, metrics, signal_before)
