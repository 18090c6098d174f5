"""The class of each beat the rules find, by the beat head over what the beat measures against the patient's own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import structlog

from ..beats import FEATURES, BeatMeasures, MeasuredBeats
from ..conditioning.recent import Recent
from ..errors import ModelError
from ..heads import Head, load_head
from ..heads.shipped import if_usable
from ..waveform import GRID_HZ, HOP_SAMPLES, Beats, Conditioned
from .early import TAUGHT, TOLD, EarlyBeats, weighed
from .pacing import PacedBeats

CLASSES = (*TOLD, "Q")
_ALONE_SAMPLES = round(2.6 * GRID_HZ)
"""How long a beat is waited with that no other follows."""
_APART = 1 << 40  # more samples than a recording has
_VENTRICULAR_BY_RULES = FEATURES.index("ventricular")
_UNCLASSED = CLASSES.index("Q")
_PACED_FROM = 0.5
"""Likelier than not set off by a pulse: then it is Q."""

log = structlog.get_logger()


@dataclass(slots=True)
class ClassifiedBeats:
    """Beats that have their class. K beats, in order of row, then sample."""

    row: np.ndarray  # int64 (K,)
    sample: np.ndarray  # int64 (K,), grid sample of the QRS
    label: np.ndarray  # int64 (K,), index into CLASSES
    probability: np.ndarray  # float32 (K,), of that class; NaN where the rules alone spoke
    paced: np.ndarray  # bool (K,), Q because a pace pulse has set it off


class BeatClasses:
    """Measures each beat and gives it its class once the next beat is confirmed, or 2.6 s after it at most.

    Cutting hops differently changes nothing. A beat that a pace pulse has set off is Q (AAMI EC57), whatever it
    looks like. Without ``head`` the rules' own word stands for the others: V or N.
    """

    def __init__(self, n_rows: int, head: Head | None, recent: Recent | None = None):
        self.measures, self.pulses, self.head = BeatMeasures(n_rows, recent), PacedBeats(n_rows), head
        self.early = EarlyBeats(n_rows)

    def grow(self, n_rows: int) -> None:
        """Make room for ``n_rows`` rows in all."""
        self.measures.grow(n_rows)
        self.pulses.grow(n_rows)
        self.early.grow(n_rows)

    def reset(self, rows: np.ndarray) -> None:
        """Forget everything about ``rows``."""
        self.measures.reset(rows)
        self.pulses.reset(rows)
        self.early.reset(rows)

    def save(self, row: int) -> bytes:
        """What is known of a row's beats."""
        return self.pulses.save(row) + self.early.save(row) + self.measures.save(row)

    def restore(self, row: int, saved: bytes) -> None:
        """Go on with a row from what ``save`` gave. Raises ValueError when it is of another form."""
        of_pulses, of_early = len(self.pulses.save(row)), len(self.early.save(row))
        self.pulses.restore(row, saved[:of_pulses])
        self.early.restore(row, saved[of_pulses : of_pulses + of_early])
        self.measures.restore(row, saved[of_pulses + of_early :])

    def step(self, beats: Beats, block: Conditioned, fibrillates: np.ndarray) -> ClassifiedBeats:
        """Take in a block and the beats confirmed in it; the beats that now have their class.

        ``fibrillates``: whether the atria were said to, bool (R, n_hops); in a hop in which they do S is less likely.
        """
        self.early.reset(block.rows[block.new_segment])
        measured = self.measures.step(beats, block)
        place, hop = told_at(measured, beats, block)
        label, probability = self._judge(measured, fibrillates[place, hop])
        chance = self.pulses.step(block, measured.row, measured.sample)
        paced = chance >= _PACED_FROM
        label[paced], probability[paced] = _UNCLASSED, chance[paced]
        return ClassifiedBeats(measured.row, measured.sample, label, probability, paced)

    def leave_out(self, block: Conditioned) -> ClassifiedBeats:
        """No beat of a block gets a class; the rows' beats begin anew behind it."""
        self.measures.leave_out(block)
        self.pulses.reset(block.rows)
        self.early.reset(block.rows)
        none = np.zeros(0, np.int64)
        return ClassifiedBeats(none, none, none, np.zeros(0, np.float32), np.zeros(0, bool))

    def _judge(self, measured: MeasuredBeats, fibrillates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Class int64 (K,) and its probability float32 (K,) of each beat, pace pulses aside."""
        features = measured.features
        if self.head is not None:
            try:
                probability = self.head.probability(features)
                likely = weighed(probability, features, fibrillates)
                label = self.early.told(measured.row, likely, features, self.head.manifest.thresholds)
                probability[:, 0] += probability[:, TAUGHT.index("A")]
                return label, probability[np.arange(len(label)), label].astype(np.float32)
            except Exception as error:  # rules outlive models, whatever the model did
                log.error("beat head lost; rules go on", fault=f"{type(error).__name__}: {error}")
                self.head = None
        label = np.where(features[:, _VENTRICULAR_BY_RULES] > 0, CLASSES.index("V"), CLASSES.index("N"))
        return label, np.full(len(label), np.nan, np.float32)


def told_at(measured: MeasuredBeats, beats: Beats, block: Conditioned) -> tuple[np.ndarray, np.ndarray]:
    """Place in the block and hop from its start, int64 (K,) each, in which each beat is told: that of the next beat's
    confirmation, or when it has been waited for long enough."""
    place, of_new = _places(block.rows, measured.row), _places(block.rows, beats.row)
    delay = np.rint(block.delay_samples[place]).astype(np.int64)
    alone = (measured.sample + delay + _ALONE_SAMPLES) // HOP_SAMPLES
    following = np.searchsorted(of_new * _APART + beats.sample, place * _APART + measured.sample, "right")
    new = np.append(of_new, -1)[following] == place
    met = np.append(beats.confirmed_hop, 0)[following]
    return place, np.where(new, np.minimum(alone, met), alone) - block.first_hop[place]


def _places(rows: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Where each of ``wanted`` stands among ``rows``."""
    order = np.argsort(rows, kind="stable")
    return order[np.searchsorted(rows, wanted, sorter=order)]


def load_beat_head(folder: Path | None = None) -> Head:
    """The shipped beat head, or the one in ``folder``; ModelError when it was fitted on other measures."""
    head = load_head("beats", folder)
    stated = head.manifest
    if (stated.features, stated.classes, tuple(stated.thresholds)) != (FEATURES, TAUGHT, TOLD):
        raise ModelError(
            f"The beat head {head.version} was fitted on other measures or classes than this program's; fit it again "
            "(ecgstream heads beats)."
        )
    return head


@cache
def shipped_beat_head() -> Head | None:
    """The shipped head, read once; None (and a line in the log) where it cannot be used."""
    return if_usable(load_beat_head, "beat head unavailable; rules go on")
