"""What the Kafka benchmarks share: a broker of their own in a folder of their own, and how they say what they found.

Imported before anything of the repository, which it puts on the path: the tests start brokers, too.
"""

from __future__ import annotations

import json
import logging
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.progress import Progress

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.kafka.brokers import NOT_HERE, Broker, find_kind

console = Console(stderr=True)


@contextmanager
def own_broker(restarts: bool = False, keep: Path | None = None) -> Iterator[tuple[Broker, Path, Progress]]:
    """A broker, a folder (``keep``, else one that goes with it) and bars; exit code 2 where there is no broker, or none
    that can be killed and started again."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # a broker that is killed is nothing to tell of here
    kind = find_kind()
    if kind is None or (restarts and kind.command is None):
        console.print(NOT_HERE, style="red")
        raise typer.Exit(2)
    with nullcontext(keep) if keep else tempfile.TemporaryDirectory(prefix="ecgstream-bench-") as name:
        (log := Path(name) / "broker").mkdir(parents=True)
        with Broker(kind, log) as broker, Progress(console=console) as bars:
            yield broker, Path(name), bars


def say(result: dict[str, Any], json_file: Path | None) -> None:
    """Print what was found, and write it where that is wished."""
    typer.echo(json.dumps(result, indent=1))
    if json_file:
        json_file.write_text(json.dumps(result, indent=1))
