"""The class of each beat the rules find, by the beat head over what the beat measures against the patient's own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import structlog

from ..beats import FEATURES, BeatMeasures
from ..errors import ModelError
from ..heads import Head, load_head
from ..heads.shipped import if_usable
from ..waveform import Beats, Conditioned

CLASSES = ("N", "S", "V", "F", "Q")
_VENTRICULAR_BY_RULES = FEATURES.index("ventricular")

log = structlog.get_logger()


@dataclass(slots=True)
class ClassifiedBeats:
    """Beats that have their class. K beats, in order of row, then sample."""

    row: np.ndarray  # int64 (K,)
    sample: np.ndarray  # int64 (K,), grid sample of the QRS
    label: np.ndarray  # int64 (K,), index into CLASSES


class BeatClasses:
    """Measures each beat and gives it its class once the next beat is confirmed, or 2.6 s after it at most.

    Cutting hops differently changes nothing. Without ``head`` the rules' own word stands: V or N.
    """

    def __init__(self, n_rows: int, head: Head | None):
        self.measures, self.head = BeatMeasures(n_rows), head

    def grow(self, n_rows: int) -> None:
        """Make room for ``n_rows`` rows in all."""
        self.measures.grow(n_rows)

    def reset(self, rows: np.ndarray) -> None:
        """Forget everything about ``rows``."""
        self.measures.reset(rows)

    def save(self, row: int) -> bytes:
        """What is known of a row's beats."""
        return self.measures.save(row)

    def restore(self, row: int, saved: bytes) -> None:
        """Go on with a row from what ``save`` gave. Raises ValueError when it is of another form."""
        self.measures.restore(row, saved)

    def step(self, beats: Beats, block: Conditioned) -> ClassifiedBeats:
        """Take in a block and the beats confirmed in it; the beats that now have their class."""
        measured = self.measures.step(beats, block)
        return ClassifiedBeats(measured.row, measured.sample, self._labels(measured.features))

    def _labels(self, features: np.ndarray) -> np.ndarray:
        if self.head is not None:
            try:
                return labels(self.head, self.head.probability(features))
            except Exception as error:  # rules outlive models, whatever the model did
                log.error("beat head lost; rules go on", fault=f"{type(error).__name__}: {error}")
                self.head = None
        return np.where(features[:, _VENTRICULAR_BY_RULES] > 0, CLASSES.index("V"), CLASSES.index("N"))


def labels(head: Head, probability: np.ndarray) -> np.ndarray:
    """The class (index into CLASSES) of each row of ``probability`` (K, C): the greatest against its threshold."""
    stated = head.manifest
    against = probability / np.array([stated.thresholds[name] for name in stated.classes])
    return np.array([CLASSES.index(name) for name in stated.classes])[against.argmax(1)]


def load_beat_head(folder: Path | None = None) -> Head:
    """The shipped beat head, or the one in ``folder``; ModelError when it was fitted on other measures."""
    head = load_head("beats", folder)
    if head.manifest.features != FEATURES or not set(head.manifest.thresholds) == set(head.manifest.classes):
        raise ModelError(
            f"The beat head {head.version} was fitted on other measures than this program takes of a beat; fit it "
            "again (ecgstream heads beats)."
        )
    return head


@cache
def shipped_beat_head() -> Head | None:
    """The shipped head, read once; None (and a line in the log) where it cannot be used."""
    return if_usable(load_beat_head, "beat head unavailable; rules go on")
