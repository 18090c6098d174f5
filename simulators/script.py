"""What a synthetic bed will do: rhythms one after another, artefacts over them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from .artefacts import ARTEFACTS, CONDITIONS, LEAD_OFF
from .rhythms import RHYTHMS


@dataclass(frozen=True, slots=True)
class Episode:
    """A rhythm or an artefact in ``[start_s, stop_s)``. ``condition`` names the alarm it calls for, None for none."""

    name: str
    start_s: float
    stop_s: float
    lethal: bool = False
    condition: str | None = None
    bpm: float | None = None

    @property
    def is_rhythm(self) -> bool:
        """A rhythm, not an artefact."""
        return self.name in RHYTHMS


@dataclass(frozen=True, slots=True)
class BedScript:
    """One synthetic bed. Rhythm episodes follow on one another without a gap; artefacts may lie anywhere."""

    stream_id: str
    leads: tuple[str, ...]
    fs_hz: int
    seed: int
    episodes: tuple[Episode, ...]
    age: str = "adult"  # of heart.AGES

    @property
    def rhythms(self) -> tuple[Episode, ...]:
        """The episodes that are rhythms, in order."""
        return tuple(e for e in self.episodes if e.is_rhythm)

    def truth(self) -> dict[str, Any]:
        """What the ground truth file says of this bed."""
        return {
            "stream_id": self.stream_id,
            "leads": len(self.leads),
            "lead_names": list(self.leads),
            "fs_hz": self.fs_hz,
            "episodes": [asdict(episode) for episode in self.episodes],
        }


def episode(name: str, start_s: float, stop_s: float, bpm: float | None = None) -> Episode:
    """An episode of a known rhythm or artefact, with the condition that goes with it. Raises ValueError for others."""
    if name in RHYTHMS:
        rhythm = RHYTHMS[name]
        condition = rhythm.condition.name.lower() if rhythm.condition is not None else None
        return Episode(name, start_s, stop_s, rhythm.lethal, condition, bpm or rhythm.bpm or None)
    if name in ARTEFACTS or name == LEAD_OFF:
        condition = CONDITIONS[name].name.lower() if name in CONDITIONS else None
        return Episode(name, start_s, stop_s, False, condition)
    known = ", ".join([*RHYTHMS, *ARTEFACTS, LEAD_OFF])
    raise ValueError(f"{name!r} is neither a rhythm nor an artefact of the simulator; these are: {known}.")
