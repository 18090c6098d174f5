"""``ecgstream topics``: make the Kafka topics, or say what is wrong with them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from ..errors import EcgstreamError
from ..settings import Settings, load_settings

if TYPE_CHECKING:
    from ..kafka.topics import Made

app = typer.Typer(
    no_args_is_help=True,
    help="Make the Kafka topics, or say what is wrong with them. Names, brokers and secrets come from the section "
    "`kafka` of the settings, or from the environment (`ECGSTREAM_KAFKA__BOOTSTRAP`).",
)
console = Console()

T = TypeVar("T")
ConfigFile = Annotated[Path | None, typer.Option("--config", "-c", help="YAML; deploy/ecgstream.yaml explains it.")]


@app.command()
def create(
    config: ConfigFile = None,
    partitions: Annotated[
        int | None,
        typer.Option(
            min=1, max=1_000, help="Of new topics; at least as many as daemons. Unset: those of the chunks, or 12."
        ),
    ] = None,
    replication: Annotated[
        int, typer.Option(min=1, max=9, help="Copies of each message, for new topics; 3 in earnest.")
    ] = 1,
) -> None:
    """Make the topics that are missing, and give chunks, control and state one partition count.

    Safe to run again: topics that are there keep their settings and messages; too few partitions grow. A bed whose
    partition changes by that begins a new segment and keeps its alarms. Exits with 1 if something is still wrong,
    with 2 if Kafka cannot be reached or refuses.
    """
    from ..kafka import topics

    settings = _settings(config)
    made = _answer(topics.create(settings, partitions, replication))
    console.print(_table(made))
    _tell(_answer(topics.check(settings)))


@app.command()
def check(config: ConfigFile = None) -> None:
    """Verify that the topics exist, have the right partitions, cleanup, retention and message size.

    Says each fault in a sentence with its remedy, and exits with 1 if there is any, with 2 if Kafka cannot be reached.
    """
    from ..kafka import topics

    settings = _settings(config)
    _tell(_answer(topics.check(settings)))
    console.print(f"The {len(topics.wanted(settings))} topics are as they should be.")


def _settings(config: Path | None) -> Settings:
    with _refusals_told():
        return load_settings(config)


def _answer(asked: Coroutine[Any, Any, T]) -> T:
    with _refusals_told(), _aiokafka_silent():
        return asyncio.run(asked)


@contextmanager
def _aiokafka_silent() -> Iterator[None]:
    """What it would log is told in a sentence instead."""
    logger = logging.getLogger("aiokafka")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


@contextmanager
def _refusals_told() -> Iterator[None]:
    try:
        yield
    except EcgstreamError as error:
        _say(str(error))
        raise typer.Exit(2) from error


def _tell(faults: list[str]) -> None:
    for fault in faults:
        _say(fault)
    if faults:
        raise typer.Exit(1)


def _say(sentence: str) -> None:
    # soft_wrap: the remedy is a command to copy, which must not be broken over lines
    Console(stderr=True, soft_wrap=True).print(sentence, style="red", markup=False, highlight=False)


def _table(made: list[Made]) -> Table:
    table = Table("Topic", "Partitions", "Keeps", "Done")
    for one in made:
        keeps = _keeps(one.topic.keeps_h) if one.action == "created" else "as before"
        table.add_row(one.topic.name, str(one.partitions), keeps, one.action)
    return table


def _keeps(hours: int | None) -> str:
    if hours is None:
        return "newest per key"
    return f"{hours} h" if hours < 48 else f"{hours // 24} days"
