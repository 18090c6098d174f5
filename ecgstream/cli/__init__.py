"""The command line: one module a command group."""

from .main import app

__all__ = ["app"]
