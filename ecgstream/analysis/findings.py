"""What the pipeline found in one recording, gathered block by block."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..observed import Step
from ..recorded import RecordedSignal
from ..waveform import GRID_HZ, HOP_S, HOP_SAMPLES, AlarmUpdate, Reason

SECOND_HOPS = round(1 / HOP_S)


@dataclass(frozen=True, slots=True)
class Findings:
    """Of one recording. H hops of ``HOP_S``, S whole seconds, K beats; times are grid samples (``GRID_HZ``)."""

    name: str
    recording: RecordedSignal
    model: str  # version of the encoder; empty without one
    lead_slots: np.ndarray  # int64 (L,), those that were measured or derived at some time
    beat: np.ndarray  # int64 (K,), grid sample of the QRS, rising
    label: np.ndarray  # int64 (K,), index into diagnosis.CLASSES
    paced: np.ndarray  # bool (K,), Q because a pace pulse has set it off
    beat_in_noise: np.ndarray  # int64, beats where no lead could be judged
    hr_bpm: np.ndarray  # float32 (H,), NaN where unknown
    reason: np.ndarray  # uint8 (H,), why rules did not judge
    evidence: np.ndarray  # bool (H, N_CONDITIONS)
    lead_reason: np.ndarray  # uint8 (S, N_LEADS)
    score_names: tuple[str, ...]
    scores: np.ndarray  # float32 (S, scores), once a second as the daemon publishes them; NaN where withheld
    strips: np.ndarray  # float32 (S, 4), what the rhythm head says of the last half minute
    updates: list[AlarmUpdate]

    @property
    def duration_s(self) -> float:
        """Length of the recording."""
        return float(self.recording.samples.shape[1] / self.recording.fs_hz)


class Gatherer:
    """Takes of each step what is one row's."""

    def __init__(self) -> None:
        self._parts: dict[str, list[np.ndarray]] = {}
        self.updates: list[AlarmUpdate] = []
        self.score_names: tuple[str, ...] = ()

    def take(self, step: Step, place: int) -> None:
        """``place``: of the row in the step's block. Hops of a row must come in order."""
        row = int(step.conditioned.rows[place])
        seconds = (step.conditioned.first_hop[place] + np.arange(step.conditioned.n_hops) + 1) % SECOND_HOPS == 0
        mine, noisy = step.beats.row == row, step.rhythm.beats_in_noise.row == row
        self._keep(
            beat=step.beats.sample[mine],
            label=step.beats.label[mine],
            paced=step.beats.paced[mine],
            beat_in_noise=step.rhythm.beats_in_noise.sample[noisy],
            hr_bpm=step.rhythm.hr_bpm[place],
            reason=step.rhythm.reason[place],
            evidence=step.evidence[place],
            lead_reason=step.conditioned.reason[place].T[seconds],
            scores=step.scores.values[place][seconds],
            strips=step.strips.values[place][seconds],
        )
        self.score_names = step.scores.names

    def _keep(self, **parts: np.ndarray) -> None:
        for name, part in parts.items():
            self._parts.setdefault(name, []).append(part.copy())

    def findings(self, name: str, recording: RecordedSignal, model: str) -> Findings:
        """All of it, cut at the recording's end."""
        found = {part: np.concatenate(parts) for part, parts in self._parts.items()}
        end = int(recording.samples.shape[1] * GRID_HZ / recording.fs_hz)
        known = found["beat"] < end
        for part in ("beat", "label", "paced"):
            found[part] = found[part][known]
        found["beat_in_noise"] = found["beat_in_noise"][found["beat_in_noise"] < end]
        for part in ("hr_bpm", "reason", "evidence"):
            found[part] = found[part][: end // HOP_SAMPLES]
        for part in ("lead_reason", "scores", "strips"):
            found[part] = found[part][: end // GRID_HZ]
        updates = [update for update in self.updates if update.decided <= end]
        present = np.flatnonzero((found["lead_reason"] != Reason.ABSENT).any(0))
        return Findings(name, recording, model, present, score_names=self.score_names, updates=updates, **found)
