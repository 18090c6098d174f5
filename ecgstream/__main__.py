"""``python -m ecgstream``."""

from .cli import app

app()
