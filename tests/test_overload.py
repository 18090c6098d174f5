"""A pipeline with more to do than it can: rules go on for every bed, some go without the encoder, all come back."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs

from ecgstream.clock import ManualClock
from ecgstream.diagnosis.loader import load_model
from ecgstream.metrics import Metrics
from ecgstream.overload import Overload
from ecgstream.pipeline import Pipeline
from ecgstream.settings import Settings
from ecgstream.sources.message import Position
from ecgstream.wire.codec import decode

from .feed import SECONDS, START_NS, Bed
from .untrained import untrained_model

SECOND_NS = 1_000_000_000
BEDS = [Bed(f"bed-{n}", seed=n, cuts=tuple(range(250, SECONDS * 250, 250))) for n in range(4)]
NAMES = ("NORM", "rhythm.vf")
LATE_FROM_S, LATE_UNTIL_S = 10, 15


class Ward:
    """Four beds, a second at a time; each pass takes as long as the test says, by a clock that it owns."""

    def __init__(self, folder: Path):
        self.clock = ManualClock(START_NS)
        model = load_model(folder, "cpu")
        self.pipeline = Pipeline(Settings(diagnosis={"model": str(folder)}), model, Metrics(), self.clock)
        self.overload = Overload(self.pipeline, self.pipeline.metrics)
        self.cut = [[message for _, message in bed.messages()] for bed in BEDS]
        self.told: list = []
        self.threads = [0.0, 0.0]  # seconds all threads have spent: on the encoder, on the rest

    def second(self, n: int, waited_s: float, work_s: float, encoder_s: float) -> None:
        """Second ``n`` of every bed, which has waited so long, and takes so long, the encoder's part included; done
        on the second."""
        self.clock.now = START_NS + n * SECOND_NS - round(work_s * SECOND_NS)
        arrived_ns = self.clock.now - round(waited_s * SECOND_NS)
        messages = [cut[n]._replace(arrived_ns=arrived_ns) for cut in self.cut]
        self.overload.begin(messages, self.clock.now)
        self.told += [(n, decode(o.payload, o.content_type)) for o in self.pipeline.process(messages)]
        self.threads = [each + more for each, more in zip(self.threads, (encoder_s, work_s - encoder_s), strict=True)]
        self.pipeline.metrics.spent_s = defaultdict(float, zip(("diagnosis", "rhythm"), self.threads, strict=True))
        self.overload.note(messages, self.clock.now, work_s)

    def withheld(self, n: int) -> dict[str, str]:
        """Why beds have no scores in the second after ``n``, by bed; empty where they have."""
        return {
            one.stream_id: one.withheld
            for second, one in self.told
            if second == n and type(one).__name__ == "Diagnosis"
        }

    def alerts(self) -> set[tuple[str, str]]:
        return {(one.stream_id, one.condition) for _, one in self.told if type(one).__name__ == "Alert"}


@pytest.fixture
def ward(tmp_path: Path) -> Ward:
    return Ward(untrained_model(tmp_path / "model", 0, NAMES))


def play(ward: Ward, seconds: range, late: bool) -> None:
    """Each second costs 0.1 s a bed, and with the encoder 0.2 s more; what is ``late`` is ever later."""
    for n in seconds:
        encoded = 4 - int(ward.pipeline.shedding.shed.sum())
        ward.second(n, n - LATE_FROM_S + 1.0 if late else 0.1, 0.4 + 0.2 * encoded, 0.2 * encoded)


def test_some_beds_go_without_the_encoder_and_rules_go_on_for_all(ward: Ward):
    """Of 0.7 s rules take 4 × 0.1 s; one bed can have the encoder at 0.2 s."""
    play(ward, range(LATE_FROM_S), late=False)
    assert not ward.pipeline.shedding.shed.any()
    with capture_logs() as logs:
        play(ward, range(LATE_FROM_S, LATE_UNTIL_S), late=True)
    assert [entry["beds_shed"] for entry in logs if "more than compute can do" in entry["event"]] == [3]
    assert ward.pipeline.metrics.registry.get_sample_value("ecgstream_beds_shed") == 3
    play(ward, range(LATE_UNTIL_S, SECONDS - 1), late=False)
    assert sorted(ward.withheld(SECONDS - 2).values()) == ["", "overload", "overload", "overload"]
    alone = Ward(Path(ward.pipeline.settings.diagnosis.model))
    play(alone, range(SECONDS - 1), late=False)
    assert ward.alerts() == alone.alerts() and any(condition == "asystole" for _, condition in ward.alerts())


def test_of_a_pass_that_threads_share_the_encoder_took_its_part_of_all_their_time(ward: Ward):
    """0.8 s by the clock, 1.5 s in all threads, 0.9 of which the encoder had: 0.48 s of the 0.8."""
    ward.second(0, 0.1, 0.8, 0.2)
    ward.pipeline.metrics.spent_s = defaultdict(float, diagnosis=0.2 + 0.9, rhythm=0.6 + 0.6)
    messages = [cut[1] for cut in ward.cut]
    ward.overload.note(messages, ward.clock.now, 0.8)
    last = ward.pipeline.load._lately[-1]
    assert (last.work_s, last.encoder_s) == pytest.approx((0.8, 0.48))


def test_a_bed_that_kept_the_encoder_says_the_same_as_if_nothing_had_been(ward: Ward):
    play(ward, range(LATE_FROM_S), late=False)
    play(ward, range(LATE_FROM_S, LATE_UNTIL_S), late=True)
    play(ward, range(LATE_UNTIL_S, SECONDS - 1), late=False)
    alone = Ward(Path(ward.pipeline.settings.diagnosis.model))
    play(alone, range(SECONDS - 1), late=False)
    (kept,) = (bed for bed, why in ward.withheld(SECONDS - 2).items() if not why)
    scores = [
        [
            score.probability
            for second, one in each.told
            for score in getattr(one, "scores", ())
            if one.stream_id == kept
        ]
        for each in (ward, alone)
    ]
    assert scores[0]
    np.testing.assert_allclose(*scores, atol=1e-5)


def test_when_there_is_less_to_do_every_bed_has_the_encoder_again_at_once(ward: Ward):
    play(ward, range(LATE_FROM_S), late=False)
    play(ward, range(LATE_FROM_S, LATE_UNTIL_S), late=True)
    assert ward.pipeline.shedding.shed.sum() == 3
    with capture_logs() as logs:
        ward.second(LATE_UNTIL_S, 0.05, 0.1, 0.01)
    assert not ward.pipeline.shedding.shed.any()
    assert any("keeping up again" in entry["event"] for entry in logs)
    ward.second(LATE_UNTIL_S + 1, 0.05, 0.1, 0.01)
    assert sorted(ward.withheld(LATE_UNTIL_S + 1).values()) == ["", "settling", "settling", "settling"]


def test_beds_that_begin_late_wait_for_the_encoder_until_there_is_room(ward: Ward):
    """As the others do, they then settle."""
    ward.second(0, waited_s=1.0, work_s=0.4, encoder_s=0.0)
    assert set(ward.withheld(0).values()) == {"overload"} and ward.pipeline.shedding.shed.sum() == 4
    for n in range(1, 5):
        encoded = 4 - int(ward.pipeline.shedding.shed.sum())
        ward.second(n, 0.1, 0.2 + 0.01 * encoded, 0.01 * encoded)
    assert not ward.pipeline.shedding.shed.any()
    assert set(ward.withheld(4).values()) == {"settling"}
    play(ward, range(5, SECONDS - 1), late=False)
    assert set(ward.withheld(SECONDS - 2).values()) == {""}


def test_beds_that_begin_in_time_or_are_read_from_a_log_have_the_encoder_at_once(ward: Ward):
    ward.second(0, waited_s=0.1, work_s=0.4, encoder_s=0.0)
    assert set(ward.withheld(0).values()) == {"settling"}
    placed = [message._replace(position=Position(0, 0, START_NS, 1)) for message in (cut[1] for cut in ward.cut)]
    ward.overload.begin(placed, START_NS + 60 * SECOND_NS)
    assert not ward.pipeline.postpones


def test_a_bed_without_the_encoder_is_spared_what_feeds_no_lethal_alarm_and_begins_it_anew(ward: Ward):
    play(ward, range(LATE_FROM_S), late=False)
    play(ward, range(LATE_FROM_S, LATE_UNTIL_S), late=True)
    play(ward, range(LATE_UNTIL_S, LATE_UNTIL_S + 2), late=False)
    shed, pipeline = ward.pipeline.shedding.shed[:4], ward.pipeline
    assert shed.sum() == 3
    np.testing.assert_array_equal(pipeline.beat_classes.measures._state["n_beats"][:4] == 0, shed)
    np.testing.assert_array_equal(pipeline.strips.measures._state["hops"][:4] == 0, shed)
    assert (pipeline.rhythm._state["n_beats"][:4] > 0).all()
