"""Alerts of high priority are explained beside everything else: which ones, how many wait, and what a fault costs."""

import asyncio
import json
import os
import signal
import sys

import pytest

from ecgstream.errors import SettingsError
from ecgstream.explainer import Explainer
from ecgstream.metrics import Metrics
from ecgstream.outputs import Outgoing
from ecgstream.settings import ExplanationSettings, Settings, load_settings
from ecgstream.sinks.watched import WatchedSink
from ecgstream.wire import ecgstream_pb2 as pb
from ecgstream.wire.codec import encode

from .alert_strips.test_draw import alert


def explainer(**settings) -> tuple[Explainer, Metrics]:
    metrics = Metrics()
    return Explainer(ExplanationSettings(enabled=True, **settings), None, 50, metrics), metrics


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
    running = asyncio.create_task(taken.run())
    try:
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
    finally:
        running.cancel()
        taken.close()


def test_without_captum_it_does_not_start(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "captum", None)
    with pytest.raises(SettingsError, match=r"ecgstream\[explain\]"):
        explainer()[0].start()


def test_explanations_need_a_model():
    with pytest.raises(SettingsError, match=r"explanations.enabled needs a model"):
        load_settings(None, {"explanations.enabled": True, "diagnosis.enabled": False})
    assert not Settings().explanations.enabled
