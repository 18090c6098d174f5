"""Signal out of the arena up to a time: the samples that were sent, as many as are held, none of what came later."""

import numpy as np
import pytest

from ecgstream.alert_strips.message import strip_before
from ecgstream.intake import Intake
from ecgstream.settings import IntakeSettings
from ecgstream.wire.codec import decode_chunk

from ..feed import START_NS, Bed, signal


@pytest.fixture
def intake() -> Intake:
    """Twenty-four seconds of one bed."""
    intake = Intake(IntakeSettings())
    for _, message in Bed("bed-1", cuts=tuple(range(125, 6000, 125))).messages():
        intake.accept(decode_chunk(message.payload, message.content_type), START_NS)
        intake.take(25)
    return intake


@pytest.mark.parametrize(
    ("stop_s", "seconds", "held"), [(15.0, 10.0, (5, 15)), (12.0, 20.0, (0, 12)), (99.0, 4.0, (20, 24))]
)
def test_it_ends_at_the_time_or_with_the_newest_sample(intake: Intake, stop_s: float, seconds: float, held: tuple):
    strip = strip_before(intake, "bed-1", START_NS + round(stop_s * 1e9), seconds)
    sent = signal(250, 3, 0)[:, held[0] * 250 : held[1] * 250]
    np.testing.assert_array_equal(np.frombuffer(strip.samples, "<i2").reshape(3, -1), sent)
    assert [channel.name for channel in strip.layout.channels] == ["I", "II", "V1"]
    assert strip.start_time_ns == pytest.approx(START_NS + held[0] * 1e9, abs=1e6) and strip.complete


def test_of_a_stream_that_is_not_here_or_was_not_then_there_is_none(intake: Intake):
    assert strip_before(intake, "bed-2", START_NS + 10**10, 10.0) is None
    assert strip_before(intake, "bed-1", START_NS - 10**10, 10.0) is None
