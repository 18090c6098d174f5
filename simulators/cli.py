"""Simulated bedside monitors for ecgstream: synthetic patients, replayed recordings, load. Not a medical device."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

import typer
import zmq
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from ecgstream.errors import EcgstreamError
from ecgstream.settings import load_settings

from .destinations import Destination, NobodyListens, ZeroMqDestination, kafka_destination
from .faults import Faults
from .feed import NS
from .load import Load, run_load
from .mllp import mllp_destination
from .player import Player
from .programme import Part, play_parts
from .truth import write_truth
from .ward import ward_parts

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__, pretty_exceptions_enable=False)
console = Console(stderr=True)

ENDPOINT = "tcp://127.0.0.1:5551"
SHIFT_S = 8 * 3600.0
"""How long a ward plays when not told: a shift."""
LINGER_S = 30.0
"""How long what was sent may take to leave at the end."""


class Speed(StrEnum):
    """How fast."""

    REAL_TIME = "1"
    TENFOLD = "10"
    MAX = "max"

    @property
    def factor(self) -> float | None:
        """Times real time; None for as fast as the other side takes it."""
        return None if self is Speed.MAX else float(self.value)


class WireFormat(StrEnum):
    """How chunks are written."""

    PROTOBUF = "protobuf"
    JSON = "json"


Connect = Annotated[str, typer.Option(help="PUSH to this endpoint: the daemon's source")]
Bind = Annotated[str | None, typer.Option(help="PUB here instead; the daemon subscribes (source.socket: sub)")]
To = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="publish to Kafka instead: kafka://HOST:PORT[,HOST:PORT]/TOPIC, or as HL7: mllp://HOST:PORT",
    ),
]
Config = Annotated[
    Path | None, typer.Option(help="the daemon's settings file; its section `kafka` says how to log in (SASL, TLS)")
]
Beds = Annotated[int, typer.Option(min=1, help="how many beds; for hundreds use `load`")]
ChunkS = Annotated[float, typer.Option(min=0.02, max=60, help="seconds of signal in a message")]
FormatOption = Annotated[WireFormat, typer.Option("--format", help="how chunks are written")]
SpeedOption = Annotated[Speed, typer.Option(help="1, 10, or max: as fast as the listener takes it, losing nothing")]
Seed = Annotated[int, typer.Option(min=0, help="the same seed gives the same patients and faults")]
Truth = Annotated[Path | None, typer.Option(help="write what is played to this JSON file before it begins")]
Fault = Annotated[
    list[str] | None,
    typer.Option(
        help="drop=P, duplicate=P, reorder=P, jitter_s=SD, true_rate=RATIO, gap=SECONDS@WHEN, clock_step=SECONDS@WHEN, "
        "wild_clock_at=WHEN, poison_at=WHEN; may be given several times"
    ),
]


@app.command()
def ward(
    connect: Connect = ENDPOINT,
    bind: Bind = None,
    to: To = None,
    config: Config = None,
    beds: Beds = 8,
    seconds: Annotated[float, typer.Option(min=1, help="how long; every 120 s each bed begins again")] = SHIFT_S,
    seed: Seed = 0,
    speed: SpeedOption = Speed.REAL_TIME,
    chunk_s: ChunkS = 1.0,
    fmt: FormatOption = WireFormat.PROTOBUF,
    truth: Truth = None,
    fault: Fault = None,
) -> None:
    """Synthetic patients by script: VF, VT, asystole, extreme rates, AF, bigeminy, pacing, noise, rest."""
    with _told_in_a_sentence():
        performance = Performance(ward_parts(beds, seconds, seed), chunk_s, seed, Faults.parse(fault or ()))
        with _destination(connect, bind, to, config) as destination:
            performance.play(destination, speed, fmt, truth)


@app.command()
def replay(
    records: Annotated[
        list[Path],
        typer.Argument(
            help="WFDB (path without extension), EDF+, DICOM, HL7 aECG, Sierra, MUSE, ISHNE, .vital, CSV, Parquet"
        ),
    ],
    connect: Connect = ENDPOINT,
    bind: Bind = None,
    to: To = None,
    config: Config = None,
    beds: Annotated[int, typer.Option(min=1, help="beds of each record, spread over its length")] = 1,
    seconds: Annotated[float | None, typer.Option(min=1, help="at most this much of each record")] = None,
    loop: Annotated[bool, typer.Option("--loop", help="begin again at the end, until --seconds or Ctrl-C")] = False,
    seed: Seed = 0,
    speed: SpeedOption = Speed.REAL_TIME,
    chunk_s: ChunkS = 1.0,
    fmt: FormatOption = WireFormat.PROTOBUF,
    truth: Truth = None,
    fault: Fault = None,
) -> None:
    """Recordings by their own leads, rates and raw units. The stream is named like the record.

    Formats: docs/recordings.md
    """
    # pandas takes a second to import; the other commands do without.
    from .recordings import replay_parts

    with _told_in_a_sentence():
        parts = replay_parts(records, beds, seconds, loop)
        for record, names in {part.truth["record"]: part.truth["left_out"] for part in parts}.items():
            if names:
                console.print(f"{record}: {', '.join(names)} left out, as their rate is not that of the ECG.")
        performance = Performance(parts, chunk_s, seed, Faults.parse(fault or ()))
        with _destination(connect, bind, to, config) as destination:
            performance.play(destination, speed, fmt, truth)


@app.command()
def load(
    connect: Connect = ENDPOINT,
    bind: Bind = None,
    to: To = None,
    config: Config = None,
    beds: Annotated[int, typer.Option(min=1, help="how many beds")] = 500,
    leads: Annotated[int, typer.Option(min=1, max=12, help="how many of the twelve leads each sends")] = 12,
    fs: Annotated[int, typer.Option(min=50, max=1000, help="sampling frequency, Hz")] = 250,
    chunk_s: ChunkS = 1.0,
    seconds: Annotated[float, typer.Option(min=1, help="how long")] = 30.0,
    seed: Seed = 0,
    speed: SpeedOption = Speed.REAL_TIME,
) -> None:
    """Very many beds for very little work: to see how much the other side can take."""
    with _told_in_a_sentence(), _destination(connect, bind, to, config) as destination:
        with _Bar(seconds) as bar:
            for report in run_load(Load(beds, leads, fs, chunk_s, seed), seconds, destination, speed.factor):
                bar.advance_to(report.played_s)
        _report(report.sent, report.dropped, report.latest_s)


@dataclass(frozen=True, slots=True)
class Performance:
    """What is played, and how."""

    parts: list[Part]
    chunk_s: float
    seed: int
    faults: Faults

    def play(self, destination: Destination, speed: Speed, fmt: WireFormat, truth: Path | None) -> None:
        """Begin now; the truth file is there before the first chunk leaves."""
        start_ns = time.time_ns()
        if truth is not None:
            write_truth(truth, [part.truth for part in self.parts], start_ns, self.seed)
        due = play_parts(self.parts, start_ns, self.chunk_s, self.faults, self.seed)
        sent = dropped = 0
        latest_s = 0.0
        with _Bar(max(part.seconds for part in self.parts)) as bar:
            for one in Player(destination, fmt.value, speed.factor).play(due, start_ns):
                sent, dropped, latest_s = sent + 1, dropped + one.dropped, max(latest_s, one.late_s)
                bar.advance_to((one.due_ns - start_ns) / NS * (speed.factor or 1))
        _report(sent - dropped, dropped, latest_s)


class _Bar:
    """A progress bar over seconds of signal; without an end when they are infinite."""

    def __init__(self, seconds: float):
        columns = (TextColumn("{task.completed:.0f} s played"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=console)
        self._task = self._progress.add_task("", total=None if seconds == math.inf else seconds)
        self._shown_s = 0.0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def advance_to(self, played_s: float) -> None:
        """Show it, at most ten times in a second of signal: drawing must not cost more than playing."""
        if played_s - self._shown_s >= 0.1:
            self._shown_s = played_s
            self._progress.update(self._task, completed=played_s)


@contextmanager
def _destination(connect: str, bind: str | None, to: str | None, config: Path | None) -> Iterator[Destination]:
    """A destination that someone listens to; on leaving, what was sent may still go out."""
    if bind is not None and to is not None:
        raise ValueError("Give one of --bind and --to: a message goes to one place.")
    destination = _zeromq(connect, bind) if to is None else _by_url(to, config)
    linger_s = 0.0
    try:
        yield destination
        linger_s = LINGER_S
    finally:
        if lost := destination.close(linger_s):
            console.print(f"{lost} of the messages sent have not arrived.", style="red")
        if refusal := getattr(destination, "first_refusal", ""):
            console.print(f"The first that was refused: {refusal}", style="red", markup=False)


def _by_url(to: str, config: Path | None) -> Destination:
    if to.startswith("mllp://"):
        return mllp_destination(to)
    return kafka_destination(to, load_settings(config).kafka)


def _zeromq(connect: str, bind: str | None) -> ZeroMqDestination:
    destination = ZeroMqDestination(bind or connect, bind=bind is not None)
    try:
        destination.wait_for_listener()
    except BaseException:
        destination.close(0.0)
        raise
    return destination


@contextmanager
def _told_in_a_sentence() -> Iterator[None]:
    """What the user can mend is told without a traceback, exit code 2; Ctrl-C ends in silence."""
    try:
        yield
    except (EcgstreamError, NobodyListens, ValueError, zmq.ZMQError) as error:
        console.print(str(error), style="red", markup=False)
        raise typer.Exit(2) from error
    except KeyboardInterrupt:
        console.print("Stopped.")


def _report(sent: int, dropped: int, latest_s: float) -> None:
    console.print(f"{sent} messages sent, {dropped} that nobody took, at most {1e3 * latest_s:.0f} ms late.")
