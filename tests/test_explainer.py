"""Alerts of high priority, and diagnoses, are explained beside everything else: which ones, how many wait, and what a
fault costs."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ecgstream.diagnosis.loader import load_model
from ecgstream.diagnosis.model import SHIPPED
from ecgstream.errors import SettingsError
from ecgstream.explainer import Explainer
from ecgstream.metrics import Metrics
from ecgstream.outputs import Outgoing
from ecgstream.settings import DiagnosisSettings, ExplanationSettings, Settings, load_settings
from ecgstream.sinks.watched import WatchedSink
from ecgstream.wire import ecgstream_pb2 as pb
from ecgstream.wire.codec import encode

from .alert_strips.test_draw import alert

STRIP = alert().strip
VERSION = load_model().version


async def signal_before(stream_id: str, stop_ns: int, seconds: float) -> pb.Strip | None:
    """Twenty seconds of any bed but of one that has gone."""
    return None if stream_id == "gone" else STRIP


def explainer(model: Path | None = None, **settings) -> tuple[Explainer, Metrics]:
    metrics = Metrics()
    ours = ExplanationSettings(enabled=True, **settings)
    return Explainer(ours, DiagnosisSettings(model=model), 50, metrics, signal_before), metrics


@asynccontextmanager
async def running(taken: Explainer) -> AsyncIterator[None]:
    task = asyncio.create_task(taken.run())
    try:
        yield
    finally:
        task.cancel()
        taken.close()


def outcome(metrics: Metrics, name: str) -> float:
    return metrics.registry.get_sample_value("ecgstream_explanations_total", {"outcome": name}) or 0


def waiting(metrics: Metrics) -> float:
    return metrics.registry.get_sample_value("ecgstream_queue_batches", {"queue": "explanations"})


def changed(**fields) -> pb.Alert:
    said = alert()
    for name, value in fields.items():
        setattr(said, name, value)
    return said


class Kept:
    """A sink that keeps what it is handed."""

    def __init__(self):
        self.sent: list[Outgoing] = []

    def send(self, origin: int, outgoing: Outgoing) -> None:
        self.sent.append(outgoing)


@pytest.mark.parametrize(
    ("said", "waits", "no_score"),
    [
        (alert(), 1, 0),
        (changed(priority=pb.Alert.MEDIUM), 0, 0),
        (changed(update=1), 0, 0),
        (changed(escalation=1), 0, 0),
        (changed(condition="asystole"), 0, 1),
        (alert(n_leads=0), 0, 0),
    ],
    ids=["high", "medium", "update", "told again", "rules alone", "no strip"],
)
def test_first_updates_of_high_priority_that_the_model_scores_are_explained(said, waits: int, no_score: int):
    taken, metrics = explainer()
    taken.offer(said)
    assert (waiting(metrics), outcome(metrics, "no_score")) == (waits, no_score)


def test_where_too_many_wait_the_oldest_is_dropped_and_counted():
    taken, metrics = explainer(most_waiting=2)
    for name in "abc":
        taken.offer(changed(alert_id=name))
    assert waiting(metrics) == 2 and outcome(metrics, "dropped") == 1
    assert [taken._waiting.get_nowait().alert_id for _ in range(2)] == ["b", "c"]


async def until_counted(metrics: Metrics, name: str, times: int = 1) -> None:
    while outcome(metrics, name) < times:  # noqa: ASYNC110 (a counter tells nobody)
        await asyncio.sleep(0.02)


async def test_an_alert_that_leaves_is_explained_and_one_too_short_or_a_lost_process_costs_only_itself():
    taken, metrics = explainer()
    sink = WatchedSink(Kept(), [taken.look])
    taken.start()
    async with running(taken):
        for said in (changed(alert_id="short", decided_sample=6_000), alert()):
            content_type, payload = encode(said, "json")
            sink.send(-1, Outgoing(said.stream_id, "alert", content_type, payload))
        await until_counted(metrics, "explained")
        assert outcome(metrics, "not_explained") == 1 and len(sink._sink.sent) == 2
        document = json.loads(taken.found.find("id"))
        assert document["score"] == "rhythm.vt" and document["to_s"] == pytest.approx(14.0, abs=0.1)
        for process in taken._pool._processes.values():
            os.kill(process.pid, signal.SIGKILL)
        taken.offer(changed(alert_id="lost"))
        await until_counted(metrics, "failed")
        taken.offer(changed(alert_id="after"))
        await until_counted(metrics, "explained", 2)
        assert taken.found.find("lost") is None and taken.found.find("after") is not None


def diagnosis(stream_id: str = "icu/bed-7", at_s: float = 20.0, model: str = VERSION, **scores: float) -> pb.Diagnosis:
    told = [pb.Score(name=name, probability=probability) for name, probability in scores.items()]
    at_ns = round(at_s * 1e9)
    stamp = {"version": 1, "time_ns": at_ns, "published_time_ns": at_ns}
    return pb.Diagnosis(stream_id=stream_id, model=model, scores=told, **stamp)


async def assert_nothing_is_kept_of_the_last_patient(taken: Explainer, metrics: Metrics) -> None:
    """Not even what was being explained when the next one came; whose own diagnosis is new."""
    taken.hear(diagnosis(CD=0.8))
    while taken._at is None:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    taken.hear(pb.Control(stream_id="icu/bed-7", association=pb.Association(patient_reference="another")))
    await until_counted(metrics, "explained", 3)
    assert taken.diagnoses.of("icu/bed-7") == []
    taken.hear(diagnosis(at_s=40, CD=0.8))
    await until_counted(metrics, "explained", 4)
    assert [each.stated.score for each in taken.diagnoses.of("icu/bed-7")] == ["CD"]


async def test_diagnoses_above_the_threshold_are_explained_after_alerts_each_by_its_bed():
    taken, metrics = explainer(diagnosis_threshold=0.5)
    taken.start()
    sink = WatchedSink(Kept(), [taken.look])
    for said in (diagnosis("gone", MI=0.8), diagnosis(MI=0.71, LVH=0.49, SR=0.99), alert()):
        content_type, payload = encode(said)
        sink.send(-1, Outgoing(said.stream_id, "alert" if said == alert() else "diagnosis", content_type, payload))
    found_first: list[bool] = []
    keep = taken.diagnoses.keep
    taken.diagnoses.keep = lambda explained: (found_first.append(taken.found.find("id") is not None), keep(explained))
    async with running(taken), asyncio.timeout(60):
        await until_counted(metrics, "explained", 2)
        (explained,) = taken.diagnoses.of("icu/bed-7")
        await assert_nothing_is_kept_of_the_last_patient(taken, metrics)
    assert outcome(metrics, "not_explained") == 1 and found_first[0]
    document = json.loads(explained.document)
    assert (document["score"], document["stated_probability"], document["threshold"]) == ("MI", 0.71, 0.5)
    assert document["stream_id"] == "icu/bed-7" and document["stated_time_ns"] == 20 * 10**9
    assert set(document["leads"]) == {"V1", "V2"} and document["leads"]["V1"]["QRS"].keys() == {"for", "against"}
    assert document["to_s"] == pytest.approx(20.0, abs=0.3) and explained.strip == STRIP


async def test_diagnoses_are_not_explained_unless_a_threshold_is_set_nor_without_a_model(tmp_path: Path):
    for settings in ({}, {"diagnosis_threshold": 0.5, "model": tmp_path}):
        taken, _ = explainer(**settings)
        taken.start()
        taken.hear(diagnosis(MI=0.9))
        assert len(taken._standing) == 0 and taken.diagnoses.of("icu/bed-7") == []
        taken.close()


async def test_a_models_own_threshold_goes_before_that_of_the_settings(tmp_path: Path):
    stated = json.loads((SHIPPED / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps(stated | {"thresholds": {"MI": 0.9}}))
    taken, _ = explainer(tmp_path, diagnosis_threshold=0.5)
    taken.start()
    taken.hear(diagnosis(MI=0.8, CD=0.6))
    assert [taken._standing.next().score, taken._standing.next()] == ["CD", None]
    taken.close()


def test_without_captum_it_does_not_start(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "captum", None)
    with pytest.raises(SettingsError, match=r"ecgstream\[explain\]"):
        explainer()[0].start()


def test_explanations_need_a_model():
    with pytest.raises(SettingsError, match=r"explanations.enabled needs a model"):
        load_settings(None, {"explanations.enabled": True, "diagnosis.enabled": False})
    assert not Settings().explanations.enabled
