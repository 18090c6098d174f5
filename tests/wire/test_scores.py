"""Scores written many at a time are those that protobuf reads."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ecgstream.wire import ecgstream_pb2 as pb
from ecgstream.wire.scores import ScoreFields

NAMES = ("NORM", "LAO/LAE", "rhythm.vf", "λ" * 70)
NUMBERS = st.one_of(st.just(np.float32(np.nan)), st.floats(0, 1, width=32))


@given(values=arrays(np.float32, st.tuples(st.integers(0, 5), st.just(len(NAMES))), elements=NUMBERS))
def test_every_row_reads_as_its_scores(values: np.ndarray):
    rows = ScoreFields(NAMES).write(values)
    assert len(rows) == len(values)
    for row, numbers in zip(rows, values.tolist(), strict=True):
        message = pb.Diagnosis.FromString(pb.Diagnosis(version=1, stream_id="bed").SerializeToString() + row)
        told = [(name, number) for name, number in zip(NAMES, numbers, strict=True) if number == number]
        assert message.stream_id == "bed"
        assert [(score.name, score.probability) for score in message.scores] == told
        assert pb.Shadow.FromString(row).scores == message.scores


def test_a_model_without_scores_writes_nothing():
    assert ScoreFields(()).write(np.empty((2, 0), np.float32)) == [b"", b""]
