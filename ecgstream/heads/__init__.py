"""Small heads over named features: gradient-boosted trees that say what a beat, a strip, a record or an alarm is."""

from .head import Head, load_head

__all__ = ["Head", "load_head"]
