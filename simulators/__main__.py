"""``python -m simulators``."""

from .cli import app

app(prog_name="python -m simulators")
