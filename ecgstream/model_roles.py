"""Which model serves, and which runs in its shadow: on the same hops, published and compared, raising nothing.

The two may change places between two passes (``swap``): as the shadow's state is that of the same hops, none is lost.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .diagnosis import Model
from .errors import ModelError
from .metrics import Metrics
from .model_lane import ModelLane
from .record_heads import RecordHeads
from .room import Room
from .settings import DiagnosisSettings
from .waveform import Conditioned, RhythmResult, Scores


class ModelRoles:
    """The lane that serves, and the other's, if there is one; and heads beside them. Calls must not overlap with the
    pipeline's."""

    def __init__(
        self, model: Model | None, settings: DiagnosisSettings, metrics: Metrics, stream_id: Callable[[int], str]
    ):
        self.served = ModelLane(model, settings.threads)
        self.heads = RecordHeads(settings.heads_every_s, stream_id)
        self.shadow: ModelLane | None = None
        self._metrics = metrics
        self._tell()

    @property
    def rooms(self) -> list[Room]:
        """Of both lanes, and the heads."""
        return [*self.served.rooms, *(self.shadow.rooms if self.shadow else []), self.heads]

    def run_beside(self, lane: ModelLane | None, n_rows: int) -> None:
        """From the next pass on, run this lane in the shadow of the other, for ``n_rows`` rows; None: none."""
        for room in lane.rooms if lane else []:
            room.grow(n_rows)
        self.shadow = lane
        self._tell()

    def swap(self, to: str, rows: list[int]) -> None:
        """The shadow, whose version must be ``to``, serves from the next pass on, and what served is its shadow; does
        nothing where ``to`` serves already. Raises ModelError, saying why, where that would cost one of the ``rows``
        hops, or where there is no such shadow."""
        if to == self.served.version:
            return
        if self.shadow is None or to != self.shadow.version:
            there = f"the shadow is {self.shadow.version}" if self.shadow else "no model runs in its shadow"
            raise ModelError(f"{to!r} cannot serve: {there}; name it in diagnosis.shadow first.")
        if not self.shadow.encoder.available:
            raise ModelError(f"{to} has failed in the shadow and cannot serve; the log says why.")
        if behind := int((self.served.settled(rows) & ~self.shadow.settled(rows)).sum()):
            raise ModelError(
                f"{behind} of {len(rows)} beds have scores of {self.served.version} and none yet of {to}: they would "
                "lose hops. Try again in some seconds."
            )
        self.served, self.shadow = self.shadow, self.served
        self._tell()

    def step(self, conditioned: Conditioned, without: np.ndarray) -> Scores:
        """What the model in service says of the block, but of rows that go ``without`` it."""
        scores = self.served.encoder.step(conditioned, without)
        self._metrics.model_available.set(self.served.encoder.available)
        return scores

    def step_shadow(
        self, conditioned: Conditioned, rhythm: RhythmResult, served: Scores, without: np.ndarray
    ) -> Scores | None:
        """What the shadow says, counted and compared; it keeps up in everything, ready to serve. None without one."""
        if self.shadow is None:
            return None
        scores = self.shadow.encoder.step(conditioned, without)
        self.shadow.fuse(conditioned, rhythm, scores)
        self._metrics.models.count("shadow", scores)
        self._compare(served, scores)
        return scores

    def _compare(self, served: Scores, shadow: Scores) -> None:
        """Count, for scores that both have, how far apart they lie and which of the two finds something."""
        thresholds = [lane.model.manifest.thresholds if lane.model else {} for lane in (self.served, self.shadow)]
        for name in (name for name in shadow.names if name in served.names):
            pair = [scores.values[:, :, scores.names.index(name)].ravel() for scores in (served, shadow)]
            both = ~np.isnan(pair[0]) & ~np.isnan(pair[1])
            self._metrics.models.count_differences(name, np.abs(pair[0] - pair[1])[both])
            if all(name in stated for stated in thresholds):
                found = [values[both] >= stated[name] for values, stated in zip(pair, thresholds, strict=True)]
                self._metrics.models.count_findings(name, *found)

    def _tell(self) -> None:
        self._metrics.model_available.set(self.served.encoder.available)
        shadow = self.shadow.model if self.shadow else None
        self._metrics.models.set_roles({"served": self.served.model, "shadow": shadow})
