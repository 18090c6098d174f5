"""What happens to beds other than chunks: orders from people, silence, saving and restoring."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import structlog

from .alarms import keeping, orders
from .alarms.conditions import RULES
from .alarms.lifecycle import Alarms
from .alarms.machine import State
from .alarms.orders import Outcome
from .bed_metrics import BedFigures
from .errors import StateError
from .outputs import Outgoing
from .pipeline import Pipeline
from .waveform import HOP_SAMPLES, Condition, Priority
from .wire import ecgstream_pb2 as pb
from .wire.codec import monitor_alarm

log = structlog.get_logger()


def apply_order(pipeline: Pipeline, control: pb.Control) -> tuple[pb.ControlReply, list[Outgoing]]:
    """Apply a person's or a hospital system's order to the bed it names."""
    order = control.WhichOneof("order")
    row = pipeline.intake.row_of.get(control.stream_id)
    if row is None:
        outcome, at_sample = Outcome(False, f"No stream {control.stream_id!r} is known here."), 0
    else:
        at_sample = int(pipeline.alarms.next_hop[row]) * HOP_SAMPLES
        outcome = _outcome(pipeline, row, at_sample, control)
    answer = "accepted" if outcome.accepted else "refused"
    pipeline.metrics.orders.labels(order, answer).inc()
    reply = pb.ControlReply(accepted=outcome.accepted, text=outcome.sentence, effective_sample=at_sample)
    return reply, pipeline.tell(outcome.updates) + pipeline.tell_verdicts()


def _outcome(pipeline: Pipeline, row: int, at_sample: int, control: pb.Control) -> Outcome:
    alarms = pipeline.alarms
    match control.WhichOneof("order"):
        case "acknowledge":
            return orders.acknowledge(alarms, row, control.acknowledge.alert_id, at_sample)
        case "pause":
            pause = control.pause
            now_ns = pipeline.clock.now_ns()
            return orders.pause(alarms, row, pause.condition, pause.duration_s, now_ns, at_sample)
        case "limits":
            given = {field.name: value for field, value in control.limits.ListFields()}
            return orders.set_limits(alarms, row, given)
        case "preset":
            return orders.set_preset(alarms, row, control.preset.name)
        case "alarm_switch":
            return orders.switch(alarms, row, control.alarm_switch.condition, control.alarm_switch.off, at_sample)
        case "monitor_alarm":
            return _monitor_alarm(pipeline, row, control.monitor_alarm)
        case _:
            discharged = not control.association.patient_reference
            row = pipeline.forget_patient(control.stream_id)
            return orders.associate(alarms, row, at_sample, discharged)


def _monitor_alarm(pipeline: Pipeline, row: int, sent: pb.MonitorAlarm) -> Outcome:
    refusal = pipeline.raise_alarm(row, monitor_alarm(sent))
    return Outcome(not refusal, refusal or "A verdict follows.")


def watch(pipeline: Pipeline) -> list[Outgoing]:
    """Alarms for streams that have stopped sending, and their end; streams silent for long are forgotten."""
    intake, now_ns = pipeline.intake, pipeline.clock.now_ns()
    out = _let_go(pipeline, now_ns)
    stale = set(intake.stale(now_ns))
    rows = list(intake.row_of.values())
    updates = pipeline.alarms.repeats(now_ns)
    for update in updates:
        pipeline.metrics.escalations.labels(update.condition.name.lower()).inc()
    for on, changed in ((True, sorted(stale)), (False, [row for row in rows if row not in stale])):
        at_samples = (pipeline.alarms.next_hop[changed] * HOP_SAMPLES).tolist()
        updates += pipeline.alarms.set_technical(changed, Condition.STREAM_STALE, on, at_samples, now_ns)
    pipeline.metrics.streams.set(len(rows))
    pipeline.metrics.stale.set(len(stale))
    count_beds(pipeline, rows, now_ns)
    return out + pipeline.tell(updates) + pipeline.tell_verdicts()


def count_beds(pipeline: Pipeline, rows: list[int], now_ns: int) -> None:
    """How long beds have been silent, and what alerts stand: in sum, and by bed where the settings ask for it."""
    metrics, intake = pipeline.metrics, pipeline.intake
    silence_s = (now_ns - intake.last_arrival_ns[rows]) / 1e9
    standing = standing_by_priority(pipeline.alarms, rows)
    metrics.silence.set(max(silence_s, default=0.0))
    for priority, counts in standing.items():
        metrics.standing.labels(priority).set(counts.sum())
    if pipeline.settings.http.bed_metrics:
        metrics.beds.beds = {
            intake.stream_id(row): BedFigures(
                float(silence_s[i]), {p: int(counts[i]) for p, counts in standing.items()}
            )
            for i, row in enumerate(rows)
        }


def standing_by_priority(alarms: Alarms, rows: list[int]) -> dict[str, np.ndarray]:
    """How many alerts of each priority have not ended: int (R,)."""
    told = alarms.alarms["state"][rows] >= State.ACTIVE  # (R, N_CONDITIONS)
    priorities = np.array([RULES[condition].priority for condition in Condition])
    return {priority.name.lower(): told[:, priorities == priority].sum(axis=1) for priority in Priority}


def _let_go(pipeline: Pipeline, now_ns: int) -> list[Outgoing]:
    """Forget the streams that intake would evict, after their alerts have been ended."""
    evict_ns, silent_since_ns = pipeline.settings.intake.evict_s * 1e9, pipeline.intake.last_arrival_ns
    rows = [row for row in pipeline.intake.stale(now_ns) if now_ns - silent_since_ns[row] > evict_ns]
    if not rows:
        return []
    at_samples = pipeline.alarms.next_hop[rows] * HOP_SAMPLES
    text = f"no chunk for {evict_ns / 1e9:g} s, stream forgotten"
    updates = [
        update
        for row, at_sample in zip(rows, at_samples.tolist(), strict=True)
        for update in orders.clear(pipeline.alarms, row, at_sample, text).updates
    ]
    out = pipeline.tell(updates)
    if pipeline.checkpoints:
        pipeline.checkpoints.forget([pipeline.intake.stream_id(row) for row in rows])
    pipeline.forget(rows)
    pipeline.intake.evict(now_ns)
    return out


def saved_states(pipeline: Pipeline, stream_ids: Iterable[str]) -> dict[str, Any]:
    """Timeline and alarm state of streams, ready for JSON."""
    row_of = {stream_id: pipeline.intake.row_of[stream_id] for stream_id in stream_ids}
    kept = zip(row_of.items(), keeping.save_rows(pipeline.alarms, list(row_of.values())), strict=True)
    return {
        stream_id: {"timeline": pipeline.intake.save(row), "alarms": alarms, "verdicts": pipeline.verdicts.save(row)}
        for (stream_id, row), alarms in kept
    }


def restore(pipeline: Pipeline, states: dict[str, Any]) -> list[Outgoing]:
    """Take up streams where they were left; standing alerts are told again, the last telling may have been lost."""
    updates = []
    for stream_id, state in states.items():
        try:
            pipeline.intake.restore(stream_id, state["timeline"])
            row = pipeline.admit(stream_id)
            keeping.restore(pipeline.alarms, row, state["alarms"])
            pipeline.verdicts.restore(row, state.get("verdicts"))
            updates += pipeline.alarms.standing(row)
        except (KeyError, StateError) as error:
            log.error("stream starts afresh: its saved state is not readable", stream_id=stream_id, text=str(error))
    return pipeline.tell(updates)
