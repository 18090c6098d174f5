"""Which diagnoses stand and have yet to be explained: a score that has come up to its threshold, once."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from ..wire import ecgstream_pb2 as pb
from .on_disk import ModelsOnDisk, Scored

AGAIN_S = 600.0
"""A score that wavers around its threshold is explained no sooner again."""
RETRY_S = 20.0
"""One that could not be explained, as too little signal was there yet, is tried again."""
FORGET_S = 3600.0
"""What is known of a stream that has said nothing for so long is let go of."""


@dataclass(frozen=True, slots=True)
class Stated:
    """A diagnosis as it was published."""

    stream_id: str
    score: str
    probability: float
    time_ns: int  # up to which the signal goes that it is about, on the stream's own clock
    by: Scored


@dataclass(slots=True)
class _Stream:
    heard_ns: int = 0  # by the clock of what publishes: monitors' own may jump
    waiting: set[str] = field(default_factory=set)
    standing: set[str] = field(default_factory=set)  # explained since they came up
    not_before_ns: dict[str, int] = field(default_factory=dict)


class StandingDiagnoses:
    """Hands out what stands, that which has waited longest first; whatever falls below its threshold no longer waits.

    ``models`` knows the scores that are explained. Bounded by streams and scores: a diagnosis that waits is told anew
    each second and replaces itself.
    """

    def __init__(self, models: ModelsOnDisk):
        self._models = models
        self._streams: OrderedDict[str, _Stream] = OrderedDict()  # the one heard of longest ago first
        self._waiting: OrderedDict[tuple[str, str], Stated] = OrderedDict()

    def __len__(self) -> int:
        return len(self._waiting)

    def take(self, diagnosis: pb.Diagnosis) -> int:
        """The newest of a stream's diagnoses; how many of its scores have fallen that waited to be explained."""
        stream = self._heard(diagnosis.stream_id, diagnosis.published_time_ns)
        known = self._models.scores(diagnosis.model, tuple(diagnosis.heads))
        above = {
            score.name: score.probability
            for score in diagnosis.scores
            if score.name in known and score.probability >= known[score.name].threshold
        }
        stream.standing &= above.keys()
        fallen = stream.waiting - above.keys()
        stream.waiting -= fallen
        for name in fallen:
            del self._waiting[diagnosis.stream_id, name]
        for name, probability in above.items():
            if name not in stream.standing and stream.heard_ns >= stream.not_before_ns.get(name, 0):
                time_ns = self._models.asked_ns(diagnosis, known[name])
                stated = Stated(diagnosis.stream_id, name, probability, time_ns, known[name])
                self._waiting[diagnosis.stream_id, name] = stated
                stream.waiting.add(name)
        return len(fallen)

    def next(self) -> Stated | None:
        """The diagnosis that has waited longest, as it was told last; it waits no more."""
        if not self._waiting:
            return None
        (stream_id, name), stated = self._waiting.popitem(last=False)
        stream = self._streams[stream_id]
        stream.waiting.remove(name)
        stream.standing.add(name)
        stream.not_before_ns[name] = stream.heard_ns + round(AGAIN_S * 1e9)
        return stated

    def failed(self, stated: Stated) -> None:
        """What was handed out could not be explained."""
        if stream := self._streams.get(stated.stream_id):
            stream.standing.discard(stated.score)
            stream.not_before_ns[stated.score] = stream.heard_ns + round(RETRY_S * 1e9)

    def forget(self, stream_id: str) -> None:
        """Another patient: what stood is no longer of interest, and what will stand is new."""
        stream = self._streams.pop(stream_id, _Stream())
        for name in stream.waiting:
            del self._waiting[stream_id, name]

    def _heard(self, stream_id: str, now_ns: int) -> _Stream:
        stream = self._streams.setdefault(stream_id, _Stream())
        stream.heard_ns = now_ns
        self._streams.move_to_end(stream_id)
        oldest = next(iter(self._streams))
        if now_ns - self._streams[oldest].heard_ns > FORGET_S * 1e9:
            self.forget(oldest)
        return stream
