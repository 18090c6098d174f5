"""What operators see: stages, onsets to alerts, silence, standing alerts, models and their scores."""

from __future__ import annotations

import time
from threading import Barrier, Thread
from types import SimpleNamespace

import numpy as np
import pytest

from ecgstream.alarms.machine import NEVER
from ecgstream.clock import ManualClock
from ecgstream.delivery import Delivery, Results
from ecgstream.diagnosis.distribution import SCORE_EDGES, count_scores
from ecgstream.diagnosis.loader import load_model
from ecgstream.metrics import Metrics
from ecgstream.outputs import Outgoing
from ecgstream.pipeline import Pipeline
from ecgstream.settings import Settings
from ecgstream.upkeep import watch
from ecgstream.waveform import LETHAL, Condition

from .feed import SECONDS, START_NS, Bed

SECOND_NS = 1_000_000_000
BED = Bed("bed-1", cuts=tuple(range(250, SECONDS * 250, 250)))


class Printer:
    """A sink that takes its time."""

    def __init__(self, clock: ManualClock, takes_s: float):
        self.clock, self.takes_s = clock, takes_s

    def send(self, origin: int, outgoing: Outgoing) -> None:
        pass

    async def confirm(self) -> None:
        self.clock.now += round(self.takes_s * 1e9)


def made(http: dict | None = None, model=None) -> tuple[Pipeline, ManualClock]:
    clock = ManualClock(START_NS)
    settings = Settings(diagnosis={"enabled": model is not None}, http=http or {})
    return Pipeline(settings, model, Metrics(), clock), clock


def value(pipeline: Pipeline, name: str, **labels: str) -> float | None:
    return pipeline.metrics.registry.get_sample_value(name, labels)


def names_of_beds(pipeline: Pipeline) -> list[str]:
    return [line for line in pipeline.metrics.text().decode().splitlines() if "bed-1" in line]


async def test_sample_to_alert_runs_from_the_onset_to_the_confirmed_delivery():
    pipeline, clock = made()
    delivery = Delivery(Printer(clock, 0.5), pipeline.metrics, None, None, clock)
    told = []
    for end_s, message in BED.messages():
        clock.now = START_NS + round(end_s * 1e9)
        out = pipeline.process([message._replace(arrived_ns=clock.now_ns())])
        told += [(outgoing.onset, clock.now_ns()) for outgoing in out if outgoing.onset]
        await delivery.deliver(Results(out))
    asystole = [(onset, at_ns) for onset, at_ns in told if onset.condition == "asystole"]
    assert len(asystole) == 1
    [(onset, made_ns)] = asystole
    # Chunks arrive the moment their last sample is measured, so the onset is where the signal has it: after 6.4 s.
    assert (onset.at_ns - START_NS) / 1e9 == pytest.approx(6.4, abs=0.1)
    labels = {"condition": "asystole"}
    assert value(pipeline, "ecgstream_sample_to_alert_seconds_count", **labels) == 1
    found_s = value(pipeline, "ecgstream_sample_to_alert_seconds_sum", **labels)
    assert found_s == pytest.approx((made_ns - onset.at_ns) / 1e9 + 2 * 0.5)  # confirmed twice: others, then alerts
    assert value(pipeline, "ecgstream_sample_to_alert_seconds_bucket", le="10.0", **labels) == 1
    assert value(pipeline, "ecgstream_sample_to_alert_seconds_bucket", le="4.0", **labels) == 0


def test_what_a_graver_alarm_held_back_is_timed_from_when_that_was_over():
    pipeline, _ = made()
    pipeline.process([message for _, message in BED.messages()[:13]])
    held_back = SimpleNamespace(row=0, update=0, source="rules", onset=500, condition=Condition.EXTREME_TACHYCARDIA)
    never = np.full(len(Condition), NEVER)
    fibrillation, asystole = never.copy(), never.copy()
    fibrillation[Condition.VENTRICULAR_FIBRILLATION] = asystole[Condition.ASYSTOLE] = 2000
    told = Outgoing("bed-1", "alert", "", b"")
    since, later, other = (
        pipeline.outputs.with_onset(held_back, told, over).onset.at_ns for over in (never, fibrillation, asystole)
    )
    assert (later - since) / 1e9 == pytest.approx(6.0) and other == since  # asystole replaces no tachycardia


def test_the_first_lethal_alert_of_a_daemon_is_an_increase_to_prometheus():
    pipeline, _ = made()
    name = "ecgstream_sample_to_alert_seconds_count"
    assert {value(pipeline, name, condition=condition.name.lower()) for condition in LETHAL} == {0}


async def test_an_alert_told_again_is_not_timed_again():
    pipeline, _ = made()
    pipeline.process([message for _, message in BED.messages()[:13]])
    assert all(outgoing.onset is None for outgoing in pipeline.tell(pipeline.alarms.standing(0)))


def test_every_stage_counts_runs_and_time():
    pipeline, _ = made()
    pipeline.process([message for _, message in BED.messages()[:5]])
    for stage in ("decode", "intake", "conditioning", "rhythm", "beats", "strips", "alarms", "outputs"):
        assert value(pipeline, "ecgstream_stage_runs_total", stage=stage) >= 1, stage
        assert value(pipeline, "ecgstream_stage_seconds_total", stage=stage) > 0, stage


def test_a_stage_within_another_has_its_time_to_itself():
    metrics, now_s = Metrics(), [0.0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ecgstream.metrics.time.perf_counter", lambda: now_s[0])
        with metrics.stage("outer"):
            now_s[0] = 1.0
            with metrics.stage("inner"):
                now_s[0] = 3.0
            now_s[0] = 7.0
    seconds = {s: metrics.registry.get_sample_value("ecgstream_stage_seconds_total", {"stage": s}) for s in _STAGES}
    assert seconds == {"outer": 5.0, "inner": 2.0}


_STAGES = ("outer", "inner")


def test_threads_are_each_at_a_stage_of_their_own():
    metrics, met = Metrics(), Barrier(2, timeout=10.0)

    def at(stage: str) -> None:
        with metrics.stage(stage):
            met.wait()
            busy_until_s = time.thread_time() + 0.02
            while time.thread_time() < busy_until_s:
                pass
            met.wait()

    threads = [Thread(target=at, args=(stage,)) for stage in _STAGES]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for stage in _STAGES:
        of_stage = {"stage": stage}
        assert metrics.registry.get_sample_value("ecgstream_stage_runs_total", of_stage) == 1.0
        assert metrics.registry.get_sample_value("ecgstream_stage_cpu_seconds_total", of_stage) >= 0.02
        assert metrics.spent_s[stage] == metrics.registry.get_sample_value("ecgstream_stage_seconds_total", of_stage)


def test_silence_and_standing_alerts_are_counted():
    pipeline, clock = made()
    pipeline.process([message for _, message in BED.messages()[:13]])
    clock.now += round(7.5 * 1e9)
    watch(pipeline)
    assert value(pipeline, "ecgstream_stream_silence_seconds") == 7.5
    assert value(pipeline, "ecgstream_alerts_standing", priority="high") == 1
    clock.now += round(pipeline.settings.intake.stale_s * 1e9)
    watch(pipeline)
    assert value(pipeline, "ecgstream_streams_stale") == 1
    assert sum(value(pipeline, "ecgstream_alerts_standing", priority=p) for p in ("high", "medium", "low")) == 2


@pytest.mark.parametrize("asked", [False, True])
def test_beds_are_named_only_where_that_is_asked_for(asked: bool):
    pipeline, clock = made({"bed_metrics": asked})
    pipeline.process([message for _, message in BED.messages()[:13]])
    clock.now += round(2 * 1e9)
    watch(pipeline)
    assert bool(names_of_beds(pipeline)) == asked
    if asked:
        assert value(pipeline, "ecgstream_bed_silence_seconds", stream_id="bed-1") == 2
        assert value(pipeline, "ecgstream_bed_alerts_standing", stream_id="bed-1", priority="high") == 1
        clock.now += round(pipeline.settings.intake.evict_s * 1e9)
        watch(pipeline)
        assert names_of_beds(pipeline) == []


def test_scores_are_counted_in_the_bucket_that_holds_them():
    values = np.array([[[0.0, 1.0], [0.05, 0.051]], [[np.nan, np.nan], [0.3, 0.9]]], np.float32)
    counts = count_scores(values.astype(float).round(4))
    expected = np.zeros((2, len(SCORE_EDGES)), int)
    for score, edges in ((0, (0.01, 0.05, 0.3)), (1, (1.0, 0.1, 0.9))):
        for edge in edges:
            expected[score, SCORE_EDGES.index(edge)] += 1
    assert counts.tolist() == expected.tolist()


def test_scores_in_service_stand_beside_the_cards():
    model = load_model(None, "cpu")
    pipeline, _ = made(model=model)
    pipeline.process([message for _, message in BED.messages()])
    assert value(pipeline, "ecgstream_model_info", role="served", model=model.version, device="cpu") == 1
    given = {"model": model.version, "score": "rhythm.vf"}
    stated = value(pipeline, "ecgstream_score_count", **given)
    withheld = sum(
        value(pipeline, "ecgstream_hops_withheld_total", reason=reason) or 0
        for reason in ("settling", "missing", "flat")
    )
    assert stated > 50 and stated + withheld == value(pipeline, "ecgstream_hops_total")
    assert value(pipeline, "ecgstream_score_bucket", le="+Inf", **given) == stated
    shares = [value(pipeline, "ecgstream_score_card_share", le=str(edge), **given) for edge in SCORE_EDGES[:-1]]
    assert shares == sorted(shares) and 0 < shares[0] < 1
    assert value(pipeline, "ecgstream_score_card_share", le="+Inf", **given) == 1
