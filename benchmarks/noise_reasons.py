"""What noise is called, by what it is of: ``python benchmarks/noise_reasons.py ../shared/data``.

Ten minutes of every second record of DS2 of mitdb with the second half of each noise of the Noise Stress Test, or hum.
The bound between movement and other noise (``conditioning.quality.MOVING``) was chosen on DS1 with the first halves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from ecgstream.conditioning import NOISY
from ecgstream.evaluation.model_beats import DS2
from ecgstream.evaluation.records import Record, read_record
from ecgstream.evaluation.runner import condition
from ecgstream.heads.beats.variants import read_noise, with_noise
from ecgstream.waveform import CODE_LIMIT, Reason

MINUTES = 10
SNR_DB = (-6, -12)
HUM = ((50, 60), (60, 50))
"""Frequency, and that of the notch: a hum that the notch takes off is not noise."""
HUM_MV = (0.5, 2.0)


def main(data: Annotated[Path, typer.Argument(help="Folder with mitdb and nstdb.")]) -> None:
    """Print, for each noise, how many hops of leads it made noise, and what those were called."""
    records = [read_record(data / "mitdb" / name) for name in DS2[::2]]
    records = [replace(one, adu=one.adu[:, : int(MINUTES * 60 * one.fs_hz)]) for one in records]
    rng = np.random.default_rng(7)
    for kind, whole in zip(("wander", "muscle", "electrode motion"), read_noise(data), strict=True):
        for snr_db in SNR_DB:
            _tell(f"{kind}, {snr_db} dB", records, lambda one, n=whole, db=snr_db: _noisy(one, n, db, rng))
    for at_hz, notch_hz in HUM:
        for size_mv in HUM_MV:
            _tell(f"{at_hz} Hz, {size_mv} mV", records, lambda one, f=at_hz, mv=size_mv: _humming(one, f, mv), notch_hz)


def _noisy(record: Record, noise: np.ndarray, snr_db: float, rng: np.random.Generator) -> Record:
    half = noise[:, noise.shape[1] // 2 :]
    level = np.full(record.adu.shape[1], 10 ** (-snr_db / 20))
    return with_noise((record, None), np.roll(half, -int(rng.integers(half.shape[1])), 1), level)[0]


def _humming(record: Record, at_hz: float, size_mv: float) -> Record:
    hum = size_mv * np.sin(2 * np.pi * at_hz * np.arange(record.adu.shape[1]) / float(record.fs_hz))
    adu = np.rint(record.adu + hum / record.mv_per_adu[:, None])
    return replace(record, adu=np.clip(adu, int(CODE_LIMIT), 32767).astype(np.int16))


def _tell(kind: str, records: list[Record], make: Callable[[Record], Record], notch_hz: int = 60) -> None:
    reasons = []
    for record in records:
        block = condition(make(record), notch_hz)
        reasons.append(block.reason[0, record.slots].ravel())
    reason = np.concatenate(reasons)
    noisy = np.isin(reason, NOISY)
    shares = {why.name.lower(): (reason[noisy] == why).mean() if noisy.any() else np.nan for why in NOISY}
    said = ", ".join(f"{name} {100 * share:.1f} %" for name, share in shares.items())
    saturated = (reason == Reason.SATURATED).mean()
    print(f"{kind:26} noisy {100 * noisy.mean():5.1f} % (at a rail {100 * saturated:.1f} %): {said}")


if __name__ == "__main__":
    typer.run(main)
