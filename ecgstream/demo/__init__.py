"""``ecgstream demo``: a simulated ward over real sockets, the daemon, and a live table of what it says."""

from .run import run_demo

__all__ = ["run_demo"]
