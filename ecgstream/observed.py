"""What one step over a block found: first without the encoder, then with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .diagnosis import ClassifiedBeats
from .diagnosis.strips import StripScores
from .waveform import AlarmUpdate, Conditioned, RhythmResult, Scores


@dataclass(slots=True)
class Observed:
    """What a block shows without the encoder."""

    conditioned: Conditioned
    rhythm: RhythmResult
    beats: ClassifiedBeats
    swap: np.ndarray  # (R, n_hops), 0 where no electrodes seem exchanged
    strips: StripScores


@dataclass(slots=True)
class Step(Observed):
    """What one step over a block found, for those who look on (evaluation, tests) or want no messages (analysis)."""

    scores: Scores
    evidence: np.ndarray  # bool (R, n_hops, N_CONDITIONS), rules and model fused, and technical
    updates: list[AlarmUpdate]
