"""From raw samples at any monitor's rate to filtered leads on one grid, each with its quality."""

from .conditioner import Conditioner
from .pacing import PACE_LATE
from .quality import NOISY
from .record import condition_record

__all__ = ["NOISY", "PACE_LATE", "Conditioner", "condition_record"]
