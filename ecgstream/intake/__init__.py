"""Gives every sample its place: timelines, the arena, the table of streams."""

from .intake import Intake
from .placement import KINDS

__all__ = ["KINDS", "Intake"]
