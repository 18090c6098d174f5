"""What goes wrong between a monitor and its listener, on demand and the same every time."""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace

from ecgstream.waveform import Chunk

from .feed import NS, Due

WILD_NS = 4_070_908_800 * NS
"""1 January 2099: the time of a monitor whose clock was never set."""
POISON = b"\xff\x00not a chunk"


@dataclass(frozen=True, slots=True)
class Faults:
    """Faults of every bed. Probabilities are per chunk; times are seconds from the stream's first sample."""

    drop: float = 0.0  # probability that a chunk is lost
    duplicate: float = 0.0  # probability that it comes twice
    reorder: float = 0.0  # probability that it changes places with the next
    jitter_s: float = 0.0  # standard deviation of its start time
    true_rate: float = 1.0  # the monitor's true rate over the declared one: 0.9986 makes 499.3 of 500
    gap: tuple[float, float] = (0.0, 0.0)  # seconds lost, and when
    clock_step: tuple[float, float] = (0.0, 0.0)  # seconds the clock is put forward (or, negative, back), and when
    wild_clock_at: float | None = None  # from when on the clock says 2099
    poison_at: float | None = None  # when one message comes that is no chunk

    @classmethod
    def parse(cls, texts: Iterable[str]) -> Faults:
        """From texts such as ``drop=0.01`` and ``gap=5@30``. Raises ValueError that says what is possible."""
        return cls(**dict(_parse(text) for text in texts))

    def apply(self, due: Iterable[Due], seed: int) -> Iterator[Due]:
        """The chunks of one bed with these faults. The same bed, faults and seed give the same result."""
        return self._reordered(self._lost_and_doubled(self._timed(due, seed), seed), seed)

    def _timed(self, due: Iterable[Due], seed: int) -> Iterator[Due]:
        first_ns = None
        for item in due:
            first_ns = item.content.start_ns if first_ns is None else first_ns
            dice = _dice(seed, item, "timing")
            at_s = (item.content.start_ns - first_ns) / NS
            start_ns = self._clock(first_ns, at_s) + round(dice.gauss(0, self.jitter_s) * NS)
            late_s = at_s * (1 / self.true_rate - 1)
            yield Due(item.due_s + late_s, item.stream_id, replace(item.content, start_ns=start_ns))

    def _clock(self, first_ns: int, at_s: float) -> int:
        """What the monitor's clock says when its samples say ``at_s``."""
        if self.wild_clock_at is not None and at_s >= self.wild_clock_at:
            return WILD_NS + round((at_s - self.wild_clock_at) * NS)
        step_s, when_s = self.clock_step
        return first_ns + round((at_s / self.true_rate + (step_s if at_s >= when_s else 0.0)) * NS)

    def _lost_and_doubled(self, due: Iterable[Due], seed: int) -> Iterator[Due]:
        played_s, poison_at = 0.0, self.poison_at
        for item in due:
            chunk = item.content
            dice = _dice(seed, item, "loss")
            lasts_s = float(chunk.ecg.samples.shape[1] / chunk.ecg.layout.fs_hz)
            if poison_at is not None and played_s >= poison_at:
                poison_at = None
                yield Due(item.due_s, item.stream_id, POISON)
            in_gap = self.gap[1] <= played_s < self.gap[1] + self.gap[0]
            if not in_gap and dice.random() >= self.drop:
                yield from [item] * (2 if dice.random() < self.duplicate else 1)
            played_s += lasts_s

    def _reordered(self, due: Iterable[Due], seed: int) -> Iterator[Due]:
        """A chunk that changes places comes when the next one is due, right after it."""
        held = None
        for item in due:
            if held is not None:
                yield item
                yield held._replace(due_s=item.due_s)
                held = None
            elif _dice(seed, item, "order").random() < self.reorder:
                held = item
            else:
                yield item
        if held is not None:
            yield held


def _dice(seed: int, item: Due, purpose: str) -> random.Random:
    """Own dice for each chunk and purpose: one fault does not change what the others do."""
    number = item.content.sequence if isinstance(item.content, Chunk) else -1
    return random.Random(zlib.crc32(f"{seed}/{item.stream_id}/{number}/{purpose}".encode()))


def _parse(text: str) -> tuple[str, float | tuple[float, float]]:
    name, _, value = text.partition("=")
    known = {field.name for field in fields(Faults)}
    numbers = value.split("@")
    try:
        if name not in known or len(numbers) != (2 if name in ("gap", "clock_step") else 1):
            raise ValueError
        values = tuple(float(number) for number in numbers)
    except ValueError:
        raise ValueError(
            f"The fault {text!r} is not one: write NAME=NUMBER for {', '.join(sorted(known - {'gap', 'clock_step'}))}, "
            "and gap=SECONDS@WHEN or clock_step=SECONDS@WHEN."
        ) from None
    return name, values if len(values) == 2 else values[0]
