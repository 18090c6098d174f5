"""``ecgstream bench``: what this machine carries, room by room and end to end, beside peers and its own limits."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from .console import told

app = typer.Typer(help="What this machine carries, and how far from its limits.", rich_markup_mode="markdown")
JsonFile = Annotated[Path | None, typer.Option("--json", help="Write the result here as JSON.")]


class Transport(StrEnum):
    """What carries chunks and results."""

    ZEROMQ = "zeromq"
    KAFKA = "kafka"


class Precision(StrEnum):
    """Of the encoder's large products."""

    FP32 = "fp32"
    BF16 = "bf16"


class Device(StrEnum):
    """What computes."""

    CPU = "cpu"
    CUDA = "cuda"


@app.callback(invoke_without_command=True)
def bench(
    context: typer.Context,
    beds: Annotated[int, typer.Option(min=1, help="Over Kafka: the most that are tried.")] = 500,
    seconds: Annotated[float, typer.Option(min=5, help="Measured, after the encoders' memory is full.")] = 30.0,
    json_file: JsonFile = None,
    transport: Annotated[Transport, typer.Option(help="What carries chunks and results.")] = Transport.ZEROMQ,
    bootstrap: Annotated[str, typer.Option(metavar="HOST:PORT", help="A broker, for Kafka.")] = "127.0.0.1:9092",
) -> None:
    """Feed 12-lead beds in real time; print latency and CPU time per bed-second by stage.

    Over Kafka: messages/s against the bare consumer, and the most beds that one and two daemons keep up with.
    """
    if context.invoked_subcommand:
        return
    from ..bench import run_bench
    from ..bench.kafka import Plan, run_kafka_bench

    if transport is Transport.KAFKA:
        raise typer.Exit(run_kafka_bench(bootstrap, Plan(beds, seconds), json_file))
    raise typer.Exit(run_bench(beds, seconds, json_file))


@app.command()
def intake(
    beds: Annotated[int, typer.Option(min=1, help="A message a second of each.")] = 500,
    seconds: Annotated[int, typer.Option(min=1, help="Of signal, after the arena has been written once.")] = 20,
    json_file: JsonFile = None,
) -> None:
    """Reading and placing alone, one thread: messages a second, beside copying and parsing alone."""
    from ..bench.intake import run_intake_bench

    with told():
        raise typer.Exit(run_intake_bench(beds, seconds, json_file))


@app.command()
def encoder(
    model_folder: Annotated[Path | None, typer.Option("--model", help="Model directory; unset: the shipped.")] = None,
    device: Annotated[Device, typer.Option(help="What computes.")] = Device.CPU,
    precision: Annotated[
        Precision | None, typer.Option(help="Of the large products; unset: fp32, on a GPU each.")
    ] = None,
    beds: Annotated[
        int | None, typer.Option(min=1, help="Of the arena; unset: 500, on a GPU 100,000 (some 9 GB).")
    ] = None,
    json_file: JsonFile = None,
) -> None:
    """A hop carried on against its window computed anew; the encoder's arithmetic against this machine's peak; the
    beds that a filled arena carries in real time, which alone is measured on a GPU."""
    from ..bench.encoder import run_encoder_bench

    raise typer.Exit(run_encoder_bench(model_folder, device, precision, beds, json_file))


@app.command()
def analyse(
    records: Annotated[
        list[Path] | None, typer.Argument(metavar="RECORD…", help="Twelve leads; unset: made up.")
    ] = None,
    hours: Annotated[float, typer.Option(min=0.01, help="Of the one; the many have an eighth each.")] = 2.0,
    json_file: JsonFile = None,
) -> None:
    """Whole recordings against real time, one and many, reading and writing included."""
    from ..bench.analyse import run_analyse_bench

    raise typer.Exit(run_analyse_bench(records or [], hours, json_file))


@app.command()
def peers(
    beds: Annotated[int, typer.Option(min=1, help="Of the daemon's run.")] = 500,
    seconds: Annotated[float, typer.Option(min=5, help="Measured of it.")] = 20.0,
    json_file: JsonFile = None,
) -> None:
    """CPU time per bed-second of the daemon, all I/O included, beside a straightforward pipeline without any."""
    from ..bench.peers import run_peers_bench

    raise typer.Exit(run_peers_bench(beds, seconds, json_file))


@app.command()
def plan(json_file: JsonFile = None) -> None:
    """Measure this machine for about a minute: how many beds it carries, how late, and what limits it."""
    from ..bench.plan import run_plan

    raise typer.Exit(run_plan(json_file))
