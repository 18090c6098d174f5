"""How a bed moves to another daemon exactly: records of its state, and places in the log to read again from."""

from .checkpoints import Checkpoints

__all__ = ["Checkpoints"]
