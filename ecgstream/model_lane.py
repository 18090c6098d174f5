"""One model at work on all beds: its encoder, and the runs of its high scores."""

from __future__ import annotations

import numpy as np

from .alarms.fusion import Fusion
from .diagnosis import Model
from .diagnosis.encoder_room import EncoderRoom
from .room import Room
from .waveform import Conditioned, RhythmResult, Scores

Evidence = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Evidence, onset and which of it is the model's: (R, n_hops, N_CONDITIONS) each."""


class ModelLane:
    """Everything that is one model's, so that two may run side by side and change places. None: rules alone."""

    def __init__(self, model: Model | None, threads: int):
        self.model = model
        self.encoder = EncoderRoom(model, threads)
        self.fusion = Fusion(0, model.manifest.names, model.manifest.thresholds) if model else None

    @property
    def version(self) -> str:
        """The model's; empty where there is none."""
        return self.model.version if self.model else ""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the model's scores; none where there is no model."""
        return self.model.manifest.names if self.model else ()

    @property
    def rooms(self) -> list[Room]:
        """Those that keep state by row."""
        return [self.encoder] if self.fusion is None else [self.encoder, self.fusion]

    def settled(self, rows: list[int]) -> np.ndarray:
        """bool (R,): the row's scores are stated."""
        return self.encoder.settled(np.array(rows, np.int64))

    def fuse(self, conditioned: Conditioned, rhythm: RhythmResult, scores: Scores) -> Evidence:
        """The rules' evidence, and what the scores add to it."""
        if scores.names and self.fusion is not None:
            return self.fusion.step(
                conditioned.rows, conditioned.first_hop, rhythm.evidence, rhythm.onset, scores.values
            )
        return rhythm.evidence, rhythm.onset, np.zeros_like(rhythm.evidence)
