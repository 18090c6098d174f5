"""The ward as the page knows it: fed with what leaves for the beds and with their waves, read by many browsers.

One owner, the event loop: nothing here is called from another thread. All it holds is bounded by the number of beds.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable

from ..alert_strips.recent import RecentStrips
from ..wire import ecgstream_pb2 as pb
from ..wire.codec import decode
from .bed import Bed
from .waves import Wave, WaveRing

FORGET_S = 3600.0
"""A bed of which nothing has been heard for so long, and that has no alarm, leaves the page."""


class Board:
    """All beds. Pages compare ``revision`` with what they have seen."""

    def __init__(self, strips: RecentStrips | None = None, monotonic: Callable[[], float] = time.monotonic):
        self.beds: dict[str, Bed] = {}
        self.by_number: dict[int, Bed] = {}
        self.strips = RecentStrips() if strips is None else strips  # an empty one is one, too
        self.revision = 0
        self.gone: dict[int, int] = {}  # number of a bed that has left, and the revision at which it did
        self._monotonic = monotonic
        self._numbers = 0

    def take(self, content_type: str, payload: bytes) -> None:
        """One message that left for a bed. Raises WireError when it cannot be read."""
        message = decode(payload, content_type)
        if isinstance(message, pb.Control):
            self.take_order(message)
            return
        bed = self._bed(message.stream_id)
        self.revision += 1
        match message:
            case pb.Vitals():
                bed.take_vitals(message)
                bed.vitals_revision, bed.heard_s = self.revision, self._monotonic()
            case pb.Diagnosis():
                bed.take_diagnosis(message)
                bed.vitals_revision = self.revision
            case pb.Alert():
                bed.take_alert(message)
                if message.HasField("strip"):
                    self.strips.keep(message.alert_id, message.SerializeToString())
                self._alarm_changed(bed)
            case pb.Verdict():
                bed.take_verdict(message)
                self._alarm_changed(bed)

    def take_past(self, content_type: str, payload: bytes) -> None:
        """Vitals from before the page's process began, of a bed that is heard now. Raises WireError."""
        message = decode(payload, content_type)
        if isinstance(message, pb.Vitals) and (bed := self.beds.get(message.stream_id)) is not None:
            bed.trends.take_past(message)

    def take_order(self, order: pb.Control) -> None:
        """An order that was taken: with another patient the bed's past is not shown any more."""
        bed = self.beds.get(order.stream_id)
        if bed is not None and order.WhichOneof("order") == "association":
            bed.forget_patient()
            self.revision += 1
            self._alarm_changed(bed)

    def take_waves(self, waves: Iterable[Wave]) -> None:
        """Signal of any beds."""
        now_s = self._monotonic()
        for wave in waves:
            bed = self._bed(wave.stream_id)
            if bed.waves is None or bed.waves.leads != wave.leads:
                bed.waves = WaveRing(wave.leads)
                self.revision += 1
                bed.alarm_revision = self.revision
            bed.waves.write(wave)
            bed.heard_s = now_s

    def keep_only(self, stream_ids: Iterable[str]) -> None:
        """Drop beds that are not ours any more."""
        for stream_id in set(self.beds) - set(stream_ids):
            self._drop(self.beds[stream_id])

    def forget_silent(self) -> None:
        """Drop beds of which nothing has been heard for long and that have no alarm."""
        oldest_s = self._monotonic() - FORGET_S
        for bed in [bed for bed in self.beds.values() if bed.heard_s < oldest_s and not bed.standing]:
            self._drop(bed)

    def news(self, seen: int, shown: dict[int, int], always: bool = False) -> str | None:
        """JSON of what has changed: alarms of all beds since revision ``seen``, and the vitals of the beds ``shown``,
        by number, since a revision for each. Where nothing has, the time alone if ``always``, else None."""
        beds = [bed.alarms() for bed in self.beds.values() if bed.alarm_revision > seen]
        vitals = [
            bed.vitals()
            for number, seen_of_it in shown.items()
            if (bed := self.by_number.get(number)) is not None and bed.vitals_revision > seen_of_it
        ]
        gone = [number for number, revision in self.gone.items() if revision > seen]
        if not (beds or vitals or gone or always):
            return None
        document = {"nowMs": time.time_ns() // 1_000_000, "beds": beds, "vitals": vitals, "gone": gone}
        return json.dumps(document, separators=(",", ":"))

    def _bed(self, stream_id: str) -> Bed:
        bed = self.beds.get(stream_id)
        if bed is None:
            self._numbers += 1
            bed = self.beds[stream_id] = self.by_number[self._numbers % 65536] = Bed(self._numbers % 65536, stream_id)
            bed.heard_s = self._monotonic()
            self.revision += 1
            bed.alarm_revision = self.revision
        return bed

    def _drop(self, bed: Bed) -> None:
        self.revision += 1
        del self.beds[bed.stream_id], self.by_number[bed.number]
        self.gone[bed.number] = self.revision
        while len(self.gone) > 1000:
            del self.gone[next(iter(self.gone))]

    def _alarm_changed(self, bed: Bed) -> None:
        bed.alarm_revision = self.revision
