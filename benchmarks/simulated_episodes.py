"""Lethal rhythms of simulated beds as WFDB records: ``python benchmarks/simulated_episodes.py OUT``.

``ecgstream evaluate episodes OUT`` then says how soon each is told. What the simulator played is annotated: its beats,
and where it fibrillated.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
import wfdb

from simulators.heart import Kind
from simulators.patient import Patient
from simulators.rhythms import RHYTHMS
from simulators.script import BedScript, episode

FS_HZ = 250
LEADS = ("II", "V1")
BEFORE_S, LASTING_S, AFTER_S = 40, 30, 20
SYMBOLS = {Kind.VENTRICULAR: "V", Kind.PACED: "/"}
BPM = {
    "extreme_bradycardia": (25, 30, 36),
    "extreme_tachycardia": (150, 185, 220),
    "ventricular_tachycardia": (120, 150, 180, 210),
}


def main(
    out: Annotated[Path, typer.Argument(help="Folder to write to.")],
    patients: Annotated[int, typer.Option(help="Of each rhythm.")] = 12,
) -> None:
    """Write one record a patient and lethal rhythm: sinus rhythm, the lethal one for 30 s, sinus rhythm."""
    out.mkdir(parents=True, exist_ok=True)
    for name in (name for name, rhythm in RHYTHMS.items() if rhythm.lethal):
        for number in range(patients):
            rates = BPM.get(name, (None,))
            write(out, f"{name}{number:02}", name, rates[number % len(rates)], number)


def write(out: Path, record: str, rhythm: str, bpm: float | None, seed: int) -> None:
    """One record with its annotations."""
    stop_s = BEFORE_S + LASTING_S + AFTER_S
    scenes = (
        episode("sinus", 0, BEFORE_S, 60 + 5 * (seed % 7)),
        episode(rhythm, BEFORE_S, BEFORE_S + LASTING_S, bpm),
        episode("sinus", BEFORE_S + LASTING_S, stop_s, 72),
    )
    patient = Patient(BedScript("bed", LEADS, FS_HZ, seed, scenes))
    (group,) = patient.read(0, stop_s * FS_HZ)
    gain = [channel.gain for channel in group.layout.channels]
    wfdb.wrsamp(
        record, FS_HZ, ["mV"] * len(LEADS), list(LEADS), d_signal=group.samples.T.astype(np.int64), fmt=["16"] * 2,
        adc_gain=gain, baseline=[0] * 2, write_dir=str(out),
    )  # fmt: skip
    sample = np.rint(patient.beats.time_s * FS_HZ).astype(np.int64)
    symbols = [SYMBOLS.get(Kind(kind), "N") for kind in patient.beats.kind.tolist()]
    notes = [""] * len(sample)
    if rhythm == "ventricular_fibrillation":
        edges = np.array([BEFORE_S, BEFORE_S + LASTING_S]) * FS_HZ
        sample, symbols, notes = np.append(sample, edges), [*symbols, "+", "+"], [*notes, "(VFIB", "(N"]
    order = np.argsort(sample, kind="stable")
    wfdb.wrann(
        record, "atr", sample[order], symbol=[symbols[k] for k in order], aux_note=[notes[k] for k in order],
        write_dir=str(out),
    )  # fmt: skip


if __name__ == "__main__":
    typer.run(main)
