"""Pulses in arterial pressure and pleth waves: where they begin, and whether each can be believed. Pure arrays."""

from .presence import shows_pulse
from .pulses import Pulses, find_pulses

__all__ = ["Pulses", "find_pulses", "shows_pulse"]
