"""Beats found by the rules, classed by the encoder alone: what its card says of it. The daemon asks the beat head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

import numpy as np

from ..conditioning import condition_record
from ..cutting import cut
from ..diagnosis import Model
from ..diagnosis.diagnosis import Diagnosis
from ..diagnosis.tokens import class_probs, tokens_of
from ..rhythm import Rhythm
from ..settings import ConditioningSettings
from ..waveform import GRID_HZ, Beats, Conditioned
from .ec57 import BeatList, confusion, reference_beats, summary
from .progress import over_records
from .records import Record, read_annotations, read_record

DS2 = (
    "100", "103", "105", "111", "113", "117", "121", "123", "200", "202", "210", "212", "213", "214", "219", "221",
    "222", "228", "231", "232", "233", "234",
)  # fmt: skip
"""MITDB records that the shipped weights have never seen (de Chazal et al. 2004). 202 is of the same subject as 201."""
NORMAL, VENTRICULAR, N_CLASSES = 0, 2, 5
SIDE_BY_SIDE = 8
PIECE_HOPS = 250


def model_beats(records: Sequence[Record], model: Model) -> list[BeatList]:
    """Beats of whole records, classed side by side: a batch of one costs the encoder almost as much as one of eight.

    Where the encoder withholds its opinion the rules' own (ventricular or not) stands.
    """
    blocks = [_conditioned(record) for record in records]
    probs = _beat_probs(blocks, model)
    found = []
    for block, told in zip(blocks, probs, strict=True):
        beats = Rhythm(1).step(block).beats
        token = tokens_of(beats.sample, float(block.delay_samples[0]), model.manifest.beat_delay_s)
        found.append(BeatList(beats.sample / GRID_HZ, _labels(beats, class_probs(told[:, :N_CLASSES], token))))
    return found


def _conditioned(record: Record) -> Conditioned:
    return condition_record(
        record.adu, record.fs_hz, record.slots, record.mv_per_adu, record.baseline_adu, ConditioningSettings().mains_hz
    )


def _beat_probs(blocks: Sequence[Conditioned], model: Model) -> list[np.ndarray]:
    """What the encoder says of each block's beats, token by token: (5 n_hops, 6) each."""
    diagnosis = Diagnosis(model, len(blocks))
    told: list[list[np.ndarray]] = [[] for _ in blocks]
    for start in range(0, max(block.n_hops for block in blocks), PIECE_HOPS):
        pieces = [(row, _piece(block, row, start)) for row, block in enumerate(blocks) if start < block.n_hops]
        for n_hops in {piece.n_hops for _, piece in pieces}:
            like = [(row, piece) for row, piece in pieces if piece.n_hops == n_hops]
            _, probs = diagnosis.step(_side_by_side([piece for _, piece in like]))
            for (row, _), of_row in zip(like, probs.probs, strict=True):
                told[row].append(of_row)
    return [np.concatenate(parts) for parts in told]


def _piece(block: Conditioned, row: int, start: int) -> Conditioned:
    """``PIECE_HOPS`` of a one-row block from hop ``start``, as those of ``row``."""
    return replace(cut(block, start, min(start + PIECE_HOPS, block.n_hops)), rows=np.array([row]))


def _side_by_side(pieces: Sequence[Conditioned]) -> Conditioned:
    """Pieces of as many hops as the rows of one block."""
    joined = {
        field.name: np.concatenate([getattr(piece, field.name) for piece in pieces])
        for field in fields(Conditioned)
        if field.name != "n_hops"
    }
    return Conditioned(n_hops=pieces[0].n_hops, **joined)


def _labels(beats: Beats, probs: np.ndarray) -> np.ndarray:
    known = np.isfinite(probs).all(1)
    return np.where(known, np.nan_to_num(probs).argmax(1), np.where(beats.ventricular, VENTRICULAR, NORMAL))


def score_model_beats(folder: Path, model: Model, names: Sequence[str] = DS2, skip_s: float = 300.0) -> dict:
    """EC57 figures of QRS, VEB and SVEB over records of ``folder``: ``gross``, ``average`` and ``records``."""
    counts = []
    for place, name in enumerate(over_records(names, "beat classes, by the model")):
        if place % SIDE_BY_SIDE == 0:
            part = names[place : place + SIDE_BY_SIDE]
            found = iter(model_beats([read_record(folder / each) for each in part], model))
        marks = read_annotations(folder / name)
        counts.append(confusion(reference_beats(marks.time_s, marks.symbol), next(found), skip_s))
    return summary(names, counts)
