"""Prometheus metrics. No label names a patient, and none a bed unless ``http.bed_metrics`` says so (``bed_metrics``).

The registry is passed in, a fresh one per test.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import Lock, local
from typing import Any

import numpy as np
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from .bed_metrics import BedMetrics
from .model_metrics import ModelMetrics
from .waveform import LETHAL, Reason, RhythmResult, Scores

disable_created_metrics()

LATENCY_EDGES_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Bucket edges; the one at 10 s is the budget of a lethal alarm (IEC 60601-2-27)."""
ONSET_EDGES_S = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 12.0, 15.0, 30.0, 60.0, 120.0, 300.0)
"""The same budget, with the steps of an onset delay before it."""


class _Turn(local):
    """The stage that a thread is at, and since when."""

    stage, begun_s, begun_cpu_s = "", 0.0, 0.0


class Metrics:
    """Everything an operator can see in Prometheus."""

    def __init__(self, registry: CollectorRegistry | None = None):
        self.registry = registry or CollectorRegistry()
        r = self.registry
        ProcessCollector(registry=r)
        self._register_signal(r)
        self._register_alarms(r)
        self._register_page(r)
        self._register_delivery(r)
        self._register_times(r)
        self.beds = BedMetrics(r)
        self.models = ModelMetrics(r)

        self.span: Callable[[str], AbstractContextManager[Any]] = nullcontext
        """Around every stage of compute; traces put theirs here."""
        self.spent_s: defaultdict[str, float] = defaultdict(float)
        """Time in each stage, not in those within, of all threads."""
        self._met: dict[str, int] = {}
        self._accepted = 0
        self._turn, self._counting = _Turn(), Lock()
        self._of_stage: dict[str, tuple[Counter, Counter, Counter]] = {}

    def _register_signal(self, r: CollectorRegistry) -> None:
        self.messages = Counter("ecgstream_messages", "Messages received", ["outcome"], registry=r)
        self.refused = Counter("ecgstream_messages_refused", "Messages refused, by rule", ["reason"], registry=r)
        self.intake = Counter("ecgstream_intake", "What intake met, by kind", ["kind"], registry=r)
        self.hops = Counter("ecgstream_hops", "Hops processed", registry=r)
        self.hops_withheld = Counter("ecgstream_hops_withheld", "Hops without model scores", ["reason"], registry=r)
        self.hops_not_judged = Counter("ecgstream_hops_not_judged", "Hops rules did not judge", ["reason"], registry=r)
        self.beats = Counter("ecgstream_beats", "Beats detected", registry=r)
        self.streams = Gauge("ecgstream_streams", "Streams known", registry=r)
        self.stale = Gauge("ecgstream_streams_stale", "Streams that have stopped sending", registry=r)
        self.silence = Gauge("ecgstream_stream_silence_seconds", "Longest a stream has been silent", registry=r)
        self.model_available = Gauge("ecgstream_model_available", "1 while the encoder is in service", registry=r)
        self.shed = Gauge("ecgstream_beds_shed", "Beds without the encoder, as compute cannot keep up", registry=r)

    def _register_alarms(self, r: CollectorRegistry) -> None:
        self.alerts = Counter("ecgstream_alerts", "Alert messages", ["condition", "state"], registry=r)
        self.standing = Gauge("ecgstream_alerts_standing", "Alerts that have not ended", ["priority"], registry=r)
        self.escalations = Counter("ecgstream_escalations", "Unseen alerts told again", ["condition"], registry=r)
        self.explanations = Counter("ecgstream_explanations", "What was to be explained", ["outcome"], registry=r)
        self.verdicts = Counter("ecgstream_verdicts", "Second opinions", ["alarm", "opinion"], registry=r)
        self.alarms_ignored = Counter("ecgstream_monitor_alarms_ignored", "Alarms of unknown name", registry=r)
        self.orders = Counter("ecgstream_orders", "Control orders", ["order", "outcome"], registry=r)
        self.audit_failures = Counter("ecgstream_audit_failures", "Orders not in the audit file", registry=r)
        self.orders_undecodable = Counter("ecgstream_orders_undecodable", "Messages in the control topic", registry=r)

    def _register_page(self, r: CollectorRegistry) -> None:
        self.pages = Gauge("ecgstream_web_pages", "Browsers that show the ward page", registry=r)
        self.updates_dropped = Counter(
            "ecgstream_web_updates_dropped", "Updates slow browsers went without", registry=r
        )
        self.web_refused = Counter("ecgstream_web_refused", "Turned away from the ward page", ["reason"], registry=r)

    def _register_delivery(self, r: CollectorRegistry) -> None:
        self.published = Counter("ecgstream_published", "Messages published", ["message"], registry=r)
        self.queue = Gauge("ecgstream_queue_batches", "Batches waiting between stages", ["queue"], registry=r)
        self.queue_room = Gauge("ecgstream_queue_room_batches", "Most that may wait there", ["queue"], registry=r)
        self.delivery_retries = Counter("ecgstream_delivery_retries", "Deliveries tried again", registry=r)
        self.commits = Counter("ecgstream_commits", "Deliveries committed to the log", registry=r)
        self.dead_letters = Counter("ecgstream_dead_letters", "Messages sent to the dead letters", registry=r)
        self.rebalances = Counter("ecgstream_rebalances", "Times partitions were taken away or given", registry=r)
        self.partitions = Gauge("ecgstream_partitions", "Partitions of the log that are ours", registry=r)
        self.lag = Gauge("ecgstream_lag_messages", "Messages in the log not yet taken in", ["partition"], registry=r)
        self.behind = Gauge("ecgstream_behind_seconds", "Age of the last pass's oldest chunk, by the log", registry=r)
        self.broker_available = Gauge("ecgstream_broker_available", "1 unless the log cannot be read", registry=r)
        self.broker_available.set(1)  # until a broker is found wanting, also where there is none
        self.log_resets = Counter("ecgstream_log_resets", "Times messages had left the log unread", registry=r)
        self.taken_up = Counter("ecgstream_beds_taken_up", "Beds taken over from the log", registry=r)

    def _register_times(self, r: CollectorRegistry) -> None:
        self.stage_cpu = Counter("ecgstream_stage_cpu_seconds", "CPU time of a stage of compute", ["stage"], registry=r)
        self.stage_wall = Counter(
            "ecgstream_stage_seconds", "Time in a stage, not in those within", ["stage"], registry=r
        )
        self.stage_runs = Counter("ecgstream_stage_runs", "Times a stage was entered", ["stage"], registry=r)
        self.tick = Histogram("ecgstream_tick_seconds", "One pass", buckets=LATENCY_EDGES_S, registry=r)
        self.latency = Histogram(
            "ecgstream_latency_seconds",
            "From the arrival of a bed's newest message to what it said, made ready to publish",
            ["message"],
            buckets=LATENCY_EDGES_S,
            registry=r,
        )
        self.sample_to_alert = Histogram(
            "ecgstream_sample_to_alert_seconds",
            "From a condition's first sample, as if measured when its bed's newest arrived, to its delivered alert",
            ["condition"],
            buckets=ONSET_EDGES_S,
            registry=r,
        )
        for condition in LETHAL:  # there from 0 on: Prometheus counts no increase to a series' first value
            self.sample_to_alert.labels(condition.name.lower())

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count a run of a stage of compute, this thread's time and CPU time, but for those of stages within it."""
        outer = self._turn_to(name)
        self._stage_counters(name)[0].inc()
        try:
            with self.span(name):
                yield
        finally:
            self._turn_to(outer)

    def _turn_to(self, name: str) -> str:
        """This thread is at ``name`` from now on; where it was."""
        turn, now_s, cpu_s = self._turn, time.perf_counter(), time.thread_time()
        if before := turn.stage:
            _, wall, cpu = self._stage_counters(before)
            with self._counting:
                self.spent_s[before] += now_s - turn.begun_s
            wall.inc(now_s - turn.begun_s)
            cpu.inc(cpu_s - turn.begun_cpu_s)
        turn.stage, turn.begun_s, turn.begun_cpu_s = name, now_s, cpu_s
        return before

    def _stage_counters(self, name: str) -> tuple[Counter, Counter, Counter]:
        """Runs, time and CPU time of a stage; looking them up by label each time costs as much as counting."""
        if name not in self._of_stage:
            self._of_stage[name] = tuple(of.labels(name) for of in (self.stage_runs, self.stage_wall, self.stage_cpu))
        return self._of_stage[name]

    @contextmanager
    def async_stage(self, name: str) -> Iterator[None]:
        """Count runs and time of a stage on the event loop, waiting included; its CPU time is the process's."""
        begun_s = time.perf_counter()
        try:
            yield
        finally:
            self.stage_runs.labels(name).inc()
            self.stage_wall.labels(name).inc(time.perf_counter() - begun_s)

    def count_step(self, rhythm: RhythmResult, scores: Scores) -> None:
        """Count a step's hops and beats, and the hops without judgement or scores, by reason."""
        self.hops.inc(rhythm.reason.size)
        self.beats.inc(len(rhythm.beats.sample))
        self.models.count("served", scores)
        for counter, reasons in ((self.hops_not_judged, rhythm.reason), (self.hops_withheld, scores.reason)):
            for reason, count in enumerate(np.bincount(reasons.ravel()).tolist()):
                if count and reason != Reason.OK:
                    counter.labels(Reason(reason).name.lower()).inc(count)

    def count_intake(self, accepted: int, counts: Mapping[str, int]) -> None:
        """Bring the counters of chunks ``accepted`` and of what intake met to these numbers, which only grow."""
        self.messages.labels("accepted").inc(accepted - self._accepted)
        self._accepted = accepted
        for kind, count in counts.items():
            if more := count - self._met.get(kind, 0):
                self.intake.labels(kind).inc(more)
        self._met.update(counts)

    def text(self) -> bytes:
        """The exposition format."""
        return generate_latest(self.registry)
