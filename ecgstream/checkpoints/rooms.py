"""What the rooms behind intake have learnt of a row and a warm-up would not teach them again."""

from __future__ import annotations

from typing import Protocol

from ..pipeline import Pipeline


class Adaptive(Protocol):
    """A room with such knowledge."""

    def save(self, row: int) -> bytes:
        """What the room knows of a row."""
        ...

    def restore(self, row: int, saved: bytes) -> None:
        """Put it back; ValueError when it is of another form."""
        ...


def adaptive_rooms(pipeline: Pipeline) -> dict[str, Adaptive]:
    """The rooms by the names they have in a record."""
    rooms: dict[str, Adaptive] = {
        "conditioning": pipeline.conditioner,
        "rhythm": pipeline.rhythm,
        "waves": pipeline.wave_rhythms,
        "strips": pipeline.strips,
        "beats": pipeline.beat_classes,
        "pvc": pipeline.pvc_rate,
        "electrodes": pipeline.electrodes,
    }
    fusion = pipeline.models.served.fusion
    return rooms | {"fusion": fusion} if fusion is not None else rooms


def save_rooms(pipeline: Pipeline, row: int) -> dict[str, bytes]:
    """What every room knows of a row."""
    return {name: room.save(row) for name, room in adaptive_rooms(pipeline).items()}


def restore_rooms(pipeline: Pipeline, row: int, saved: dict[str, bytes]) -> None:
    """Put back what ``save_rooms`` gave. Raises KeyError or ValueError when a room is missing or of another form."""
    for name, room in adaptive_rooms(pipeline).items():
        room.restore(row, saved[name])
