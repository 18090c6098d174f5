"""``ecgstream bench intake``: bytes to places in the arena, beside what merely copying and merely parsing them takes.

One thread. Messages are chunks of 1 s of twelve leads at 250 Hz, made beforehand; each round is one second of all beds.
Reading and placing are what the daemon does of a message before it looks at signals (``reception``, ``intake``).
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from ..intake import Intake
from ..reception import in_parts, read, take_in
from ..settings import Settings
from ..sources.message import Message
from ..waveform import STANDARD_LEADS, Channel, ChannelGroup, Chunk, GroupKind, Layout
from ..wire import ecgstream_pb2 as pb
from ..wire.codec import decode_chunk, encode, encode_chunk
from .shown import show

FS_HZ = 250
NS = 1_000_000_000
MAX_HOPS = 25
"""Of a row handed out at once, as in the daemon."""
FILLING_S = 32
"""Until every page of the arena has been written once."""
NAMES = {
    "read": "reading",
    "place": "placing",
    "hand out": "handing out again, in blocks",
    "parse": "protobuf's parser alone",
    "copy": "copying as many bytes alone",
}
KEPT_ROUNDS = 4
"""Seconds of messages made beforehand: more than the processor's own caches hold."""


def run_intake_bench(beds: int, seconds: int, json_file: Path | None) -> int:
    """Print and write messages a second and the roofline's; 0."""
    return show(partial(measure_intake, beds, seconds), _table, json_file)


def measure_intake(beds: int, seconds: int, console: Console) -> dict[str, Any]:
    """Medians over ``seconds`` rounds, of CPU time and of wall time; what was compared with runs in the same rounds."""
    taking, rounds = Taking(beds), []
    doing = f"taking in {beds} beds"
    for second in track(range(FILLING_S + seconds), doing, console=console, transient=True):
        if second % KEPT_ROUNDS == 0:
            waiting = [taking.messages(second + k) for k in range(KEPT_ROUNDS)]
        spent = taking.round(second, waiting[second % KEPT_ROUNDS])
        if second >= FILLING_S:
            rounds.append(spent)
    spent = {name: median(of[name] for of in rounds) / beds for name in rounds[0]}
    ours = spent["read"] + spent["place"]
    return {
        "messages_per_s": round(1 / spent["wall"]),
        "messages_per_core_s": round(1 / ours),
        "beds": beds,
        "rounds": seconds,
        "message_bytes": len(taking.example.payload),
        "sample_bytes": taking.samples.nbytes,
        "cpu_us_per_message": {name: round(1e6 * spent[name], 3) for name in spent if name != "wall"},
        "times_copying": round(ours / spent["copy"], 2),
        "times_parsing": round(ours / spent["parse"], 2),
        "unusual": taking.unusual,
    }


class Taking:
    """An intake and its messages; CPU and wall seconds of a round."""

    def __init__(self, beds: int):
        self.intake = Intake(Settings().intake.model_copy(update={"max_streams": beds}))
        self.beds, self.unusual = beds, 0
        channels = tuple(Channel(0, name, "mV", 200.0, 0) for name in STANDARD_LEADS)
        self._layout = Layout(GroupKind.ECG, Fraction(FS_HZ), channels, tuple(range(len(channels))))
        self.samples = np.random.default_rng(0).integers(-500, 500, (len(channels), FS_HZ)).astype(np.int16)
        self.example = self._message(0, 0)
        self._arena = np.zeros((beds, len(channels), FILLING_S * FS_HZ), np.int16)
        self._source = np.tile(self.samples, (KEPT_ROUNDS, beds, 1, 1))

    def messages(self, second: int) -> list[Message]:
        """One of every bed."""
        return [self._message(bed, second) for bed in range(self.beds)]

    def _message(self, bed: int, second: int) -> Message:
        start_ns = (second + 1) * NS
        chunk = Chunk(f"bed-{bed:05d}", second, start_ns, (ChannelGroup(self._layout, self.samples),))
        content_type, payload = encode(encode_chunk(chunk))
        return Message(payload, content_type, start_ns + NS)

    def round(self, second: int, messages: list[Message]) -> dict[str, float]:
        """Take the messages in, hand out what they complete, and run the roofline over them."""
        spent: dict[str, float] = defaultdict(float)
        wall_s = time.perf_counter()
        for part in in_parts(messages):
            plain = _timed(spent, "read", lambda part=part: read(part))
            _timed(spent, "place", lambda part=part, plain=plain: self._place(part, plain))
        spent["wall"] = time.perf_counter() - wall_s
        _timed(spent, "hand out", self._hand_out)
        _timed(spent, "parse", lambda: [pb.Chunk.FromString(message.payload) for message in messages])
        _timed(spent, "copy", lambda: self._copy(second))
        return spent

    def _place(self, part: list[Message], plain: Any) -> None:
        for message, _ in take_in(self.intake, part, plain, lambda *_: True):
            self.unusual += 1
            self.intake.accept(decode_chunk(message.payload, message.content_type), message.arrived_ns)

    def _hand_out(self) -> None:
        while self.intake.take(MAX_HOPS):
            pass

    def _copy(self, second: int) -> None:
        """As many samples to places as far apart as the arena's, by one copy of numpy's."""
        start = second % FILLING_S * FS_HZ
        self._arena[:, :, start : start + FS_HZ] = self._source[second % KEPT_ROUNDS]


def _timed(spent: dict[str, float], name: str, do: Callable[[], Any]) -> Any:
    start_s = time.thread_time()
    done = do()
    spent[name] += time.thread_time() - start_s
    return done


def _table(measured: dict[str, Any]) -> Table:
    table = Table(title=f"Intake alone: {measured['beds']} beds, chunks of 1 s of 12 leads", title_style="bold")
    table.add_column("what")
    table.add_column("value", justify="right")
    table.add_row("messages/s, one thread, by the clock", f"{measured['messages_per_s']:,}")
    table.add_row("messages/s per core, by CPU time", f"{measured['messages_per_core_s']:,}")
    for name, cost_us in measured["cpu_us_per_message"].items():
        table.add_row(f"  {NAMES[name]}, CPU µs per message", f"{cost_us:.2f}")
    table.add_row("reading and placing / copying", f"{measured['times_copying']:.1f}")
    table.add_row("reading and placing / parsing", f"{measured['times_parsing']:.1f}")
    return table
