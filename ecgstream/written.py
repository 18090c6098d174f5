"""Fields of messages that are written as bytes ahead: for many beds at once, or once for all that say the same."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from .diagnosis.strips import NAMES as STRIP_NAMES
from .diagnosis.strips import StripScores
from .limits import BOUNDS
from .waveform import Conditioned, Reason, Scores
from .wire import ecgstream_pb2 as pb
from .wire.scores import score_fields

Due = tuple[int, int, int, int]
"""Place and hop in a block, row and sample, where a publishing interval ends."""
REASON_NAMES = {reason: reason.name.lower() for reason in Reason}
_ABSENT = int(Reason.ABSENT)


def heard(conditioned: Conditioned, due: list[Due]) -> Iterator[tuple[list[int], list[float]]]:
    """Of each lead, at each place and hop that is due, its reason and its quality to two digits."""
    i, k = _at(due)
    quality = np.round(conditioned.quality[i, :, k].astype(np.float64), 2)
    return zip(conditioned.reason[i, :, k].tolist(), quality.tolist(), strict=True)


def leads_field(names: tuple[str, ...], reasons: list[int], quality: list[float]) -> bytes:
    """The field ``leads`` of vitals."""
    return b"".join(map(_lead, names, reasons, quality))


@lru_cache(maxsize=4096)
def limits_field(values: tuple[float, ...]) -> bytes:
    """The field ``limits`` of vitals."""
    return pb.Vitals(limits=pb.Limits(**dict(zip(BOUNDS, values, strict=True)))).SerializeToString()


@lru_cache(maxsize=4096)
def _lead(name: str, reason: int, quality: float) -> bytes:
    """One of the field ``leads`` of vitals; nothing of a lead that is absent."""
    if reason == _ABSENT:
        return b""
    lead = pb.LeadQuality(name=name, quality=quality, reason=REASON_NAMES[Reason(reason)])
    return pb.Vitals(leads=[lead]).SerializeToString()


def _at(due: list[Due]) -> tuple[np.ndarray, np.ndarray]:
    """Places and hops that are due, to index with."""
    places, hops = np.array([(i, k) for i, k, _, _ in due], np.int64).reshape(-1, 2).T
    return places, hops


def written(scores: Scores, due: list[Due], strips: StripScores | None = None) -> list[bytes]:
    """The scores at each place and hop that is due, those of ``strips`` first."""
    at = _at(due)
    values = np.where((scores.reason[at] == Reason.OK)[:, None], scores.values[at], np.float32(np.nan))
    if strips is None:
        return score_fields(scores.names).write(values)
    return score_fields((*STRIP_NAMES, *scores.names)).write(np.concatenate((strips.values[at], values), axis=1))
