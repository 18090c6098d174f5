"""The diagnoses explained last, by bed, to be looked at for a while."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from ..wire import ecgstream_pb2 as pb
from .standing import Stated

MOST = 200
"""Some 70 MB, of twelve leads at 500 Hz."""


@dataclass(frozen=True, slots=True)
class Explained:
    """A diagnosis, the signal it rests on, and why, as JSON."""

    stated: Stated
    strip: pb.Strip
    document: bytes


class ExplainedDiagnoses:
    """The newest explanation of each score of each bed; the oldest make room. Belongs to the event loop."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], Explained] = OrderedDict()

    def keep(self, explained: Explained) -> None:
        """Keep it in place of an older one of the same score."""
        key = explained.stated.stream_id, explained.stated.score
        self._kept.pop(key, None)
        self._kept[key] = explained
        while len(self._kept) > MOST:
            self._kept.popitem(last=False)

    def find(self, stream_id: str, score: str) -> Explained | None:
        """None where nothing is kept, or no more."""
        return self._kept.get((stream_id, score))

    def of(self, stream_id: str) -> list[Explained]:
        """All of one bed, the oldest first."""
        return [explained for (of, _), explained in self._kept.items() if of == stream_id]

    def forget(self, stream_id: str) -> None:
        """Another patient lies there."""
        for explained in self.of(stream_id):
            del self._kept[stream_id, explained.stated.score]
