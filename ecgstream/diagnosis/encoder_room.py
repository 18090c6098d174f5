"""The encoder in service: scores while there is one to give them, and why not where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import structlog

from ..waveform import Conditioned, Reason, Scores
from .model import Model

if TYPE_CHECKING:
    from .diagnosis import Diagnosis

log = structlog.get_logger()


class EncoderRoom:
    """``Diagnosis`` as the daemon has it: rules outlive models, whatever a model does."""

    def __init__(self, model: Model | None, threads: int):
        self.diagnosis: Diagnosis | None = None
        if model:
            from .diagnosis import Diagnosis  # with PyTorch, for which rules alone do not wait

            self.diagnosis = Diagnosis(model, 0, threads)

    @property
    def available(self) -> bool:
        """Whether there are scores to be had."""
        return self.diagnosis is not None

    def warm_up(self) -> None:
        """As ``Diagnosis.warm_up``."""
        if self.diagnosis is not None:
            self.diagnosis.warm_up()

    def take_long_runs(self) -> None:
        """As ``Diagnosis.take_long_runs``."""
        if self.diagnosis is not None:
            self.diagnosis.take_long_runs()

    def grow(self, n_rows: int) -> None:
        """Make room for ``n_rows`` rows in all."""
        if self.diagnosis is not None:
            self.diagnosis.grow(n_rows)

    def reset(self, rows: np.ndarray) -> None:
        """Forget rows."""
        if self.diagnosis is not None:
            self.diagnosis.reset(rows)

    def settled(self, rows: np.ndarray) -> np.ndarray:
        """bool (R,): enough of the rows' last hops had signal for scores to be stated."""
        if self.diagnosis is None:
            return np.zeros(len(rows), bool)
        return self.diagnosis.usable[rows].sum(axis=1) >= self.diagnosis.model.manifest.settling_hops

    def step(self, block: Conditioned, without: np.ndarray) -> Scores:
        """The block's scores. Rows that go ``without``, uint8 (R,), for a Reason other than OK have none, and the
        encoder forgets them, as a state that is carried cannot skip a hop."""
        if self.diagnosis is not None:
            try:
                return self._scores(self.diagnosis, block, without)
            except Exception as error:
                log.error("model unavailable; rules go on", fault=f"{type(error).__name__}: {error}")
                self.diagnosis = None
        return _no_scores((), block, np.full(len(block.rows), Reason.MODEL_UNAVAILABLE, np.uint8))

    def _scores(self, diagnosis: Diagnosis, block: Conditioned, without: np.ndarray) -> Scores:
        encoded = without == Reason.OK
        if encoded.all():
            return diagnosis.step(block)[0]
        diagnosis.reset(block.rows[~encoded])
        scores = _no_scores(diagnosis.names, block, without)
        if encoded.any():
            some, _ = diagnosis.step(_only(block, encoded))
            scores.values[encoded], scores.reason[encoded] = some.values, some.reason
        return scores


def _only(block: Conditioned, kept: np.ndarray) -> Conditioned:
    """The rows of a block that are ``kept``, bool (R,)."""
    by_row = {name: getattr(block, name)[kept] for name in Conditioned.__slots__ if name != "n_hops"}
    return Conditioned(n_hops=block.n_hops, **by_row)


def _no_scores(names: tuple[str, ...], block: Conditioned, reasons: np.ndarray) -> Scores:
    """None of a block's scores, for the reason of each row, uint8 (R,)."""
    shape = (len(block.rows), block.n_hops)
    reason = np.repeat(reasons[:, None].astype(np.uint8), block.n_hops, axis=1)
    return Scores(names, np.full((*shape, len(names)), np.nan, np.float32), reason)
