"""Data sets, training and calibration of the streaming encoder."""

from .train import train

__all__ = ["train"]
