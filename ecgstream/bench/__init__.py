"""``ecgstream bench``: how many beds, how late, at what cost."""

from .beds import run_bench

__all__ = ["run_bench"]
