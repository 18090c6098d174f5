"""The scores of many messages at once, as protobuf writes them: of each score, four bytes are its number."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from . import ecgstream_pb2 as pb

_NUMBER = 4


class ScoreFields:
    """Writes the field ``scores`` of ``Diagnosis`` and ``Shadow``, for scores of these names. Behind a serialised
    message, or before it, the bytes add to it, as fields of a message come in any order (protobuf's wire format)."""

    def __init__(self, names: tuple[str, ...]):
        parts = [pb.Diagnosis(scores=[pb.Score(name=name, probability=1.0)]).SerializeToString() for name in names]
        self._lengths = np.array([len(part) for part in parts], np.int64)
        self._template = np.frombuffer(b"".join(parts), np.uint8)
        self._numbers = np.cumsum(self._lengths)[:, None] + np.arange(-_NUMBER, 0)

    def write(self, values: np.ndarray) -> list[bytes]:
        """The field for each row of ``values`` float32 (N, names); a score that is NaN is left out."""
        table = np.repeat(self._template[None], len(values), axis=0)
        numbers = np.ascontiguousarray(values, "<f4").view(np.uint8)
        table[:, self._numbers] = numbers.reshape(len(values), len(self._lengths), _NUMBER)
        there = ~np.isnan(values)
        if there.all():
            return [row.tobytes() for row in table]
        kept = np.repeat(there, self._lengths, axis=1)
        return [row[stays].tobytes() for row, stays in zip(table, kept, strict=True)]


score_fields = lru_cache(maxsize=16)(ScoreFields)
"""Writers by names: those of a model, and of the heads beside it, stay the same for long."""
