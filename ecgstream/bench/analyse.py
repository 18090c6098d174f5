"""``ecgstream bench analyse``: whole recordings against real time, reading and writing included."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import wfdb
from rich.console import Console
from rich.table import Table

from ..analysis import Feed
from ..analysis.files import analyse_files
from ..diagnosis.loader import load_model
from ..errors import RecordError
from ..recorded import RecordedChannel, RecordedSignal, read_recording
from ..waveform import STANDARD_LEADS, GroupKind
from .shown import show

FS_HZ = 250
MANY = 24
WARMING_S = 60.0


def run_analyse_bench(paths: Sequence[Path], hours: float, json_file: Path | None) -> int:
    """Print and write the figures; exit code 2 where a recording cannot be read."""
    return show(partial(measure_analyse, paths, hours), _table, json_file)


def measure_analyse(paths: Sequence[Path], hours: float, console: Console) -> dict[str, Any]:
    """Signal seconds per second of the clock: one recording of ``hours``, and ``MANY`` of a share of that each."""
    sources = [read_recording(path) for path in paths] or [_made_up()]
    model = load_model(None, "cpu")
    measured: dict[str, Any] = {"source": [source.name for source in sources] if paths else "made up", "hours": hours}
    with tempfile.TemporaryDirectory(prefix="ecgstream-bench-") as name, console.status("analysing"):
        folder = Path(name)
        for kind, count, seconds in (
            ("warm", 2, WARMING_S),
            ("one", 1, 3600 * hours),
            ("many", MANY, 3600 * hours / 8),
        ):
            files = [_written(folder, f"{kind}-{k}", sources, k, seconds) for k in range(count)]
            begun_s, begun_cpu_s, advanced = time.perf_counter(), time.process_time(), []
            feeds = {path: Feed(path.stem, read_recording(path)) for path in files}
            read_s = time.perf_counter() - begun_s
            analyse_files(feeds, folder / "out", model, advanced.append)
            taken_s, cpu_s = time.perf_counter() - begun_s, time.process_time() - begun_cpu_s
            played_s = sum(feed.duration_s for feed in feeds.values())
            measured[f"{kind}_record_x" if kind == "one" else f"{kind}_records_x"] = round(played_s / taken_s, 1)
            measured[kind] = {"records": count, "signal_s": played_s, "taken_s": taken_s, "reading_s": read_s}
            measured[kind]["cpu_ms_per_signal_s"] = 1e3 * cpu_s / played_s
    del measured["warm"], measured["warm_records_x"]
    return measured


def _written(folder: Path, name: str, sources: Sequence[RecordedSignal], first: int, seconds: float) -> Path:
    """A recording of so many seconds: twelve-lead sources of one rate one after the other, over and over."""
    like = sources[first % len(sources)]
    alike = [source for source in sources if (source.fs_hz, source.channels) == (like.fs_hz, like.channels)]
    if len(like.of_kind(GroupKind.ECG)) < len(STANDARD_LEADS):
        raise RecordError(f"{like.name} has {len(like.of_kind(GroupKind.ECG))} leads; give recordings of twelve.")
    needed, parts, length = round(seconds * like.fs_hz), [], 0
    while length < needed:
        parts.append(alike[(first + len(parts)) % len(alike)].samples)
        length += parts[-1].shape[1]
    samples = np.ascontiguousarray(np.concatenate(parts, 1)[:, :needed].T)
    samples.astype("<i2").tofile(folder / f"{name}.dat")  # wfdb's own writer takes minutes for an hour
    header = wfdb.Record(
        record_name=name,
        n_sig=samples.shape[1],
        fs=float(like.fs_hz),
        sig_len=needed,
        file_name=[f"{name}.dat"] * samples.shape[1],
        fmt=["16"] * samples.shape[1],
        adc_gain=[channel.gain for channel in like.channels],
        baseline=[channel.baseline for channel in like.channels],
        units=[channel.unit for channel in like.channels],
        adc_res=[16] * samples.shape[1],
        adc_zero=[0] * samples.shape[1],
        init_value=samples[0].tolist(),
        checksum=(samples.sum(0) % 65536).tolist(),
        block_size=[0] * samples.shape[1],
        sig_name=[channel.name for channel in like.channels],
    )
    header.wrheader(str(folder))
    return folder / f"{name}.hea"


def _made_up() -> RecordedSignal:
    """A minute of twelve leads: a regular rhythm, wander and noise."""
    rng, t = np.random.default_rng(0), np.arange(60 * FS_HZ) / FS_HZ
    phase = t * 1.2 % 1.0
    beat = np.exp(-(((phase - 0.3) / 0.012) ** 2)) + 0.25 * np.exp(-(((phase - 0.55) / 0.05) ** 2))
    mv = rng.uniform(0.5, 1.5, (len(STANDARD_LEADS), 1)) * beat + 0.2 * np.sin(2 * np.pi * 0.25 * t)
    samples = np.rint(200 * (mv + 0.01 * rng.standard_normal(mv.shape))).astype(np.int16)
    channels = tuple(RecordedChannel(name, "mV", 200.0) for name in STANDARD_LEADS)
    return RecordedSignal("made-up", Fraction(FS_HZ), channels, samples)


def _table(measured: dict[str, Any]) -> Table:
    table = Table(title="Whole recordings, twelve leads, times real time", title_style="bold")
    table.add_column("what")
    table.add_column("value", justify="right")
    for kind, name in (("one", "one_record_x"), ("many", "many_records_x")):
        of = measured[kind]
        table.add_row(f"{of['records']} × {of['signal_s'] / of['records'] / 3600:.2f} h", f"{measured[name]:,.0f}")
        table.add_row("  reading", f"{of['reading_s']:.2f} s of {of['taken_s']:.2f} s")
        table.add_row("  CPU ms per second of signal", f"{of['cpu_ms_per_signal_s']:.3f}")
    return table
