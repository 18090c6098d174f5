"""From raw samples at any monitor's rate to filtered leads on one grid, each with its quality."""

from .conditioner import Conditioner
from .record import condition_record

__all__ = ["Conditioner", "condition_record"]
