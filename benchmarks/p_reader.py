"""Teach the P reader and say how well it reads. ``python benchmarks/p_reader.py ../shared/data/ludb``.

On all of LUDB, into ``ecgstream/beats/p_weights.py``; then by folds of patients. LUDB marks the P waves of every
lead, in 200 patients at rest. What it has little of is made from it: P waves the other way up (ectopic, retrograde),
T waves of the beat before that come up to them (early beats), none at all, wander and muscle noise.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
import wfdb
from torch import nn

from ecgstream.beats import p_reader, p_weights
from ecgstream.beats.state import QRS, QRS_START, STRIDE
from ecgstream.evaluation.progress import over_records
from ecgstream.evaluation.records import read_record, record_names
from ecgstream.evaluation.runner import condition
from ecgstream.heads.fitting import fold_of
from ecgstream.rhythm import Rhythm
from ecgstream.waveform import GRID_HZ, HOP_SAMPLES

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
PAIRS = ((1, 6), (1, 7), (1, 10), (0, 6), (1, 1), (6, 6), (0, 0), (10, 10), (7, 7), (1, 9), (9, 10), (2, 6), (5, 6))
"""Leads told from together, by number; the same twice: alone."""
JUDGED = {"II and V1": (1, 6), "II and V5": (1, 10), "II": (1, 1), "V1": (6, 6)}
BEFORE, POINTS = -200, 117
"""What is kept of a beat: 117 points at 125 Hz from 800 ms before the QRS."""
PLACES = p_reader.FIRST + STRIDE * np.arange(p_reader.PLACES)
_AROUND = p_reader.AROUND // 2
_PATCH = (PLACES[:, None] - BEFORE) // STRIDE + np.arange(-_AROUND, _AROUND + 1)
_OF_QRS = slice((QRS_START - BEFORE) // STRIDE, (QRS_START - BEFORE) // STRIDE + QRS)
_LEAST_MV, _GAIN, _NONE, _TOLERANCE_MS = 0.15, 20.0, p_reader.PLACES, 60


@dataclass
class Beats:
    """K beats of LUDB in 12 leads. Grid samples against the QRS; NaN where no P wave is marked."""

    signal: np.ndarray  # float32 (K, 12, POINTS), over the height of the lead's usual QRS
    peak: np.ndarray  # float64 (K, 12)
    marked: np.ndarray  # bool (K, 12)
    rr_s: np.ndarray  # float32 (K,)
    patient: np.ndarray  # str (K,)
    fibrillates: np.ndarray  # bool (K,)


class Reader(nn.Module):
    """The network of ``beats.p_reader``."""

    def __init__(self) -> None:
        super().__init__()
        self.filters = nn.Linear(p_reader.AROUND, p_reader.HIDDEN)
        self.mix = nn.Linear(p_reader.HIDDEN, p_reader.HIDDEN)
        self.out = nn.Linear(p_reader.HIDDEN, 1)
        self.place = nn.Parameter(torch.zeros(p_reader.PLACES))
        self.since = nn.Parameter(torch.zeros(len(p_weights.SINCE)))
        self.none = nn.Parameter(torch.full((2,), 3.0))

    def forward(self, signal: torch.Tensor, two: torch.Tensor, rr_s: torch.Tensor) -> torch.Tensor:
        """Scores (B, PLACES + 1) of places and none. ``signal`` (B, 2, POINTS); ``two``: both leads count."""
        patch = signal[:, :, torch.from_numpy(_PATCH)]
        hidden = _squash(self.filters(_GAIN * (patch - patch.mean(-1, keepdim=True))))
        of_lead = self.out(_squash(self.mix(hidden)))[..., 0]
        since = torch.nan_to_num(rr_s, nan=2.0)[:, None] + torch.from_numpy(PLACES / GRID_HZ).float()
        step = ((since - 0.1) / 0.05).clamp(0, len(self.since) - 1).long()
        places = of_lead[:, 0] + two[:, None] * of_lead[:, 1] + self.place + self.since[step]
        return torch.cat([places, torch.where(two, self.none[1], self.none[0])[:, None]], 1)


def _squash(x: torch.Tensor) -> torch.Tensor:
    x = x.clamp(-3, 3)
    return x * (27 + x * x) / (27 + 9 * x * x)


def read_ludb(folder: Path) -> Beats:
    """All beats that the rules find where LUDB marks one, but each recording's first."""
    found = [_of_record(folder, name) for name in over_records(record_names(folder, "ii"), "measuring LUDB")]
    columns = zip(*(row for rows in found for row in rows), strict=True)
    return Beats(*(np.array(column) for column in columns))


def _of_record(folder: Path, name: str) -> list[tuple]:
    record = read_record(folder / name)
    block = condition(record)
    sample = Rhythm(1).step(block).beats.sample
    start = sample + round(float(block.delay_samples[0])) - int(block.first_hop[0]) * HOP_SAMPLES + BEFORE
    at = start[:, None] + STRIDE * np.arange(POINTS)
    inside = (at[:, 0] >= 0) & (at[:, -1] < block.ecg_mv.shape[2])
    slots = [record.slots[record.leads.index(lead)] for lead in LEADS]
    signal = block.ecg_mv[0][slots][:, np.where(inside[:, None], at, 0)].swapaxes(0, 1)
    height = np.maximum(np.median(np.ptp(signal[inside][:, :, _OF_QRS], axis=2), 0), _LEAST_MV)
    marks = [_marks(folder / name, lead, sample) for lead in LEADS]
    marked = np.stack([of_lead[0] for of_lead in marks], 1) & inside[:, None]
    peak = np.stack([of_lead[1] for of_lead in marks], 1)
    rr_s = np.diff(sample, prepend=np.nan) / GRID_HZ
    fibrillates = any("fibrillation" in comment for comment in record.comments)
    return [
        (np.float32(signal[k] / height[:, None]), peak[k], marked[k], np.float32(rr_s[k]), name, fibrillates)
        for k in np.flatnonzero(marked.any(1))
    ]


def _marks(path: Path, lead: str, sample: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(whether the lead's annotation has the beat, where the last P wave between it and the one before peaks)."""
    notes = wfdb.rdann(str(path), lead.lower())
    at, symbol = notes.sample / notes.fs * GRID_HZ, np.array(notes.symbol)
    qrs, waves = at[symbol == "N"], at[symbol == "p"]
    marked, peak = np.zeros(len(sample), bool), np.full(len(sample), np.nan)
    for before, one in zip(qrs, qrs[1:], strict=False):  # the P wave of the first may lie before what is marked
        beat = np.abs(sample - one).argmin()
        marked[beat] = abs(sample[beat] - one) <= 25
        between = waves[(waves > before + 20) & (waves < one)]
        peak[beat] = between[-1] - sample[beat] if len(between) else np.nan
    return marked, peak


def take(beats: Beats, pair: tuple[int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(signal (N, 2, POINTS), rr_s, peak) of the beats that are marked in both leads of a pair."""
    kept = beats.marked[:, pair].all(1)
    first, second = beats.peak[kept][:, pair].T
    return beats.signal[kept][:, pair], beats.rr_s[kept], np.where(np.isnan(first), second, first)


def _altered(
    signal: np.ndarray, rr_s: np.ndarray, peak: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n = len(signal)
    signal, rr_s, peak = signal * np.exp(rng.normal(0, 0.35, (n, 1, 1))), rr_s.copy(), peak.copy()
    signal[rng.random((n, 2)) < 0.25] *= -1
    for k in np.flatnonzero(rng.random(n) < 0.35):
        _bring_t_wave(signal[k], rr_s, k, int(rng.integers(10, 60)))
    for k in np.flatnonzero(rng.random(n) < 0.15):
        _remove_p_wave(signal[k], peak, k)
    signal += rng.normal(0, 1, signal.shape) * rng.choice([0, 0.01, 0.03], (n, 1, 1))
    signal += np.cumsum(rng.normal(0, 1, signal.shape), 2) * rng.choice([0, 0.004, 0.012], (n, 1, 1))
    return signal + rng.normal(0, 0.02, (n, 2, 1)) * np.linspace(-1, 1, POINTS), rr_s, peak


def _bring_t_wave(signal: np.ndarray, rr_s: np.ndarray, k: int, later: int) -> None:
    """Add what follows the QRS before, ``later`` points later, as if the interval were so much shorter."""
    first = max(round((0.1 - rr_s[k]) * GRID_HZ / STRIDE) - BEFORE // STRIDE, 0) if rr_s[k] == rr_s[k] else POINTS
    if first > 80:
        return
    wave = signal[:, first : first + 60] - signal[:, first : first + 1]
    wave = wave - np.linspace(0, 1, wave.shape[1]) * wave[:, -1:]
    room = min(wave.shape[1], POINTS - first - later)
    if room > 0:
        signal[:, first + later : first + later + room] += wave[:, :room]
        rr_s[k] = max(rr_s[k] - later * STRIDE / GRID_HZ, 0.25)


def _remove_p_wave(signal: np.ndarray, peak: np.ndarray, k: int) -> None:
    if -95 < peak[k] < -16:
        first = int((peak[k] - BEFORE) / STRIDE) - 9
        last = min(first + 19, POINTS - 13)
        signal[:, first:last] = np.linspace(signal[:, first], signal[:, last], last - first, axis=1)
        peak[k] = np.nan


def teach(beats: Beats, draws: int = 3, epochs: int = 10, batch: int = 512) -> Reader:
    """A reader taught on ``beats``. The same beats give the same reader."""
    torch.manual_seed(1)
    rng = np.random.default_rng(1)
    pool = [(*_altered(*take(beats, pair), rng), pair[0] != pair[1]) for pair in PAIRS for _ in range(draws)]
    signal, rr_s, peak = (torch.from_numpy(np.concatenate([part[i] for part in pool])).float() for i in range(3))
    two = torch.from_numpy(np.concatenate([np.full(len(part[0]), part[3]) for part in pool]))
    place, none = torch.round((peak - p_reader.FIRST) / STRIDE), torch.isnan(peak)
    sure = torch.nonzero(none | (place >= 0) & (place < p_reader.PLACES))[:, 0]  # what lies beyond teaches nothing
    near = torch.exp(-0.5 * ((torch.arange(p_reader.PLACES) - torch.nan_to_num(place)[:, None]) / 1.5) ** 2)
    wanted = torch.cat([near * ~none[:, None], none[:, None].float()], 1)
    wanted /= wanted.sum(1, keepdim=True)
    reader = Reader()
    shared = [*reader.filters.parameters(), *reader.mix.parameters(), *reader.out.parameters()]
    adam = torch.optim.Adam([{"params": shared}, {"params": [reader.place, reader.since, reader.none]}])
    rate = torch.optim.lr_scheduler.OneCycleLR(adam, [1e-2, 5e-2], epochs * (len(sure) // batch))
    for _ in range(epochs):
        for rows in sure[torch.randperm(len(sure))].split(batch)[: len(sure) // batch]:
            scores = reader(signal[rows], two[rows], rr_s[rows])
            loss = -(wanted[rows] * torch.log_softmax(scores, 1)).sum(1).mean()
            adam.zero_grad()
            loss.backward()
            adam.step()
            rate.step()
    return reader


def judge(reader: Reader, beats: Beats, pair: tuple[int, int]) -> np.ndarray:
    """Of each beat: how sure a P wave is, how far (ms) its peak is from the mark (NaN: none is marked), AF. (N, 3)."""
    signal, rr_s, peak = take(beats, pair)
    with torch.no_grad():
        two = torch.full((len(signal),), pair[0] != pair[1])
        q = torch.softmax(reader(torch.from_numpy(signal), two, torch.from_numpy(rr_s)), 1).numpy()
    mass = np.apply_along_axis(np.convolve, 1, q[:, :_NONE], np.ones(7), "same")
    fibrillates = beats.fibrillates[beats.marked[:, pair].all(1)]
    return np.stack([1 - q[:, _NONE], (PLACES[mass.argmax(1)] - peak) * 1000 / GRID_HZ, fibrillates], 1)


def _of(beats: Beats, rows: np.ndarray) -> Beats:
    return Beats(*(column[rows] for column in vars(beats).values()))


def write(reader: Reader, path: Path) -> None:
    """Weights as source, so that kernels are compiled anew when they change."""
    filters = reader.filters.weight.detach()
    filters = _GAIN * (filters - filters.mean(1, keepdim=True))
    arrays = {
        "FILTERS": filters, "FILTERS_BIAS": reader.filters.bias, "MIX": reader.mix.weight, "MIX_BIAS": reader.mix.bias,
        "OUT": reader.out.weight[0], "PLACE": reader.place, "SINCE": reader.since, "NONE": reader.none,
    }  # fmt: skip
    text = '"""Weights of the P reader, written by ``benchmarks/p_reader.py``: taught on all of LUDB."""\n\n'
    text += "import numpy as np\n\n"
    for name, tensor in arrays.items():
        values = ", ".join(f"{value:.5g}" for value in tensor.detach().numpy().ravel())
        lines = textwrap.fill(values, 112, initial_indent="    ", subsequent_indent="    ")
        shape = f".reshape{tuple(tensor.shape)}" if tensor.ndim > 1 else ""
        text += f"{name} = np.array((\n{lines},\n), np.float32){shape}  # fmt: skip\n"
    path.write_text(text + f"OUT_BIAS = np.float32({reader.out.bias.item():.5g})\n")


def main(folder: Annotated[Path, typer.Argument(help="LUDB.")]) -> None:
    """Teach on all of LUDB and write the weights; judge by folds."""
    torch.set_num_threads(1)
    beats = read_ludb(folder)
    write(teach(beats), Path(p_weights.__file__))
    fold = np.array([fold_of("ludb", patient) for patient in beats.patient])
    readers = [teach(_of(beats, fold != number)) for number in np.unique(fold)]
    for leads, pair in JUDGED.items():
        parts = [judge(reader, _of(beats, fold == number), pair) for number, reader in enumerate(readers)]
        sure, off, fibrillates = np.concatenate(parts).T
        told, marked = sure > 0.5, ~np.isnan(off)
        right = told & (np.abs(off) <= _TOLERANCE_MS)
        print(
            f"{leads}: Se {100 * right.sum() / marked.sum():.1f} %, +P {100 * right.sum() / told.sum():.1f} %, 90 % of"
            f" places within {np.nanpercentile(np.abs(off[told]), 90):.0f} ms; told in {100 * told[~marked].mean():.0f}"
            f" % of {(~marked).sum()} beats without, {100 * told[fibrillates > 0].mean():.0f} % in fibrillation"
        )


if __name__ == "__main__":
    typer.run(main)
