"""Second opinions on monitors' alarms against what experts said of them: the PhysioNet/CinC Challenge 2015."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isnan
from pathlib import Path

import numpy as np
from rich.table import Table

from ..heads import Head
from ..heads.fitting import fold_of
from ..intake import Intake
from ..settings import Settings
from ..verdicts import Judgement, Opinion, Verdicts
from ..verdicts.fitting import DATA_SET, Examples, challenge_score, cross_validate
from ..verdicts.verdicts import WAIT_S
from ..waveform import ChannelGroup, Chunk, MonitorAlarm
from .alarm_records import AlarmRecord, read_alarms, read_groups
from .folders import recordings_in
from .progress import over_records
from .seen import check_unseen

TYPES = {
    "asystole": "asystole",
    "bradycardia": "bradycardia",
    "tachycardia": "tachycardia",
    "ventricular_tachycardia": "vt",
    "ventricular_fibrillation": "vf",
}
"""Our names of alarms, and those in results."""
_CHUNK_S = 1
_START_NS = 1_700_000_000_000_000_000


@dataclass(frozen=True, slots=True)
class Judged:
    """One recording's alarm and the opinion on it."""

    alarm: AlarmRecord
    judgement: Judgement
    seconds: float  # from the last chunk to the opinion


def judge_records(folder: Path, alarms: Sequence[AlarmRecord], head: Head | None) -> list[Judged]:
    """Every recording, a second at a time, through the daemon's intake and verdicts; the alarm comes with the last."""
    by_name = {alarm.name: alarm for alarm in alarms}
    return [_judged(folder, by_name[name], head) for name in over_records(list(by_name), "alarms")]


def _judged(folder: Path, alarm: AlarmRecord, head: Head | None) -> Judged:
    settings = Settings()
    intake = Intake(settings.intake)
    verdicts = Verdicts(intake, settings.conditioning.mains_hz, head)
    groups = read_groups(folder / alarm.name)
    duration_s = groups[0].samples.shape[1] / groups[0].layout.fs_hz
    for chunk in _chunks(alarm.name, groups):
        intake.accept(chunk, chunk.start_ns)
        while intake.take(25):
            pass
    start_s = time.perf_counter()
    verdicts.offer(0, MonitorAlarm(0, alarm.kind, _START_NS + round(duration_s * 10**9)), now_ns=0)
    (verdict,) = verdicts.judge(now_ns=round(WAIT_S * 1e9))
    return Judged(alarm, verdict.judged, time.perf_counter() - start_s)


def _chunks(name: str, groups: tuple[ChannelGroup, ...]) -> list[Chunk]:
    ecg = groups[0]
    seconds = int(-(-ecg.samples.shape[1] // (ecg.layout.fs_hz * _CHUNK_S)))
    chunks = []
    for number in range(seconds):
        parts = []
        for group in groups:
            start, stop = (int(edge * _CHUNK_S * group.layout.fs_hz) for edge in (number, number + 1))
            parts.append(ChannelGroup(group.layout, group.samples[:, start:stop]))
        chunks.append(Chunk(name, number, _START_NS + number * _CHUNK_S * 10**9, tuple(parts)))
    return chunks


def examples_of(judged: Sequence[Judged]) -> Examples:
    """What a head is fitted on."""
    return Examples(
        np.stack([one.judgement.features for one in judged]),
        np.array([int(one.alarm.is_true) for one in judged]),
        np.array([fold_of(DATA_SET, one.alarm.name) for one in judged]),
        tuple(one.alarm.name for one in judged),
    )


def cross_validated(judged: Sequence[Judged]) -> list[Judged]:
    """The same alarms, each judged by what was fitted, and its threshold chosen, without its fold."""
    probability, threshold = cross_validate(examples_of(judged))
    return [
        replace(one, judgement=_with(one.judgement, float(told), float(at)))
        for one, told, at in zip(judged, probability, threshold, strict=True)
    ]


def _with(judgement: Judgement, probability: float, threshold: float) -> Judgement:
    if not judgement.enough:
        return judgement
    opinion = Opinion.TRUE_ALARM if probability >= threshold else Opinion.FALSE_ALARM
    return replace(judgement, probability=probability, opinion=opinion)


def evaluate_alarms(path: Path, head: Head, cross_validate: bool, allow_seen: bool) -> tuple[dict, list[Judged]]:
    """Scores of verdicts on the recordings in a folder or tar, and the verdicts.

    Raises RecordError when it holds none, or some that the head has seen.
    """
    with recordings_in(path) as folder:
        alarms = read_alarms(folder)
        names = [alarm.name for alarm in alarms]
        if not cross_validate:
            check_unseen(head.manifest.seen, names, allow_seen)
        judged = judge_records(folder, alarms, head)
    if cross_validate:
        judged = cross_validated(judged)
    known = {name for records in head.manifest.seen.values() for name in records}
    how = "cross-validated" if cross_validate else "seen" if known & set(names) else "unseen"
    return score(judged) | {"records_are": how, "head": "" if cross_validate else head.version}, judged


def score(judged: Sequence[Judged]) -> dict:
    """The challenge's score, in all and by type; where nothing could be said, the alarm counts as called true."""
    is_true = np.array([one.alarm.is_true for one in judged])
    called = np.array([one.judgement.opinion != Opinion.FALSE_ALARM for one in judged])
    kind = np.array([one.alarm.kind for one in judged])
    unsure = np.array([one.judgement.opinion == Opinion.CANNOT_SAY for one in judged])
    per_type = {}
    for name, key in TYPES.items():
        of = kind == name
        per_type[key] = _counts(is_true[of], called[of]) | {"cannot_say": int(unsure[of].sum())}
    return {
        "score": round(challenge_score(is_true, called), 2),
        "alarms": len(judged),
        "cannot_say": int(unsure.sum()),
        **_counts(is_true, called),
        "per_type": per_type,
        "calibration": _calibration(judged),
        "latency_s": _latency(judged),
        "records": [_record(one) for one in judged],
    }


def _counts(is_true: np.ndarray, called: np.ndarray) -> dict:
    return {
        "tp": int((is_true & called).sum()),
        "fp": int((~is_true & called).sum()),
        "fn": int((is_true & ~called).sum()),
        "tn": int((~is_true & ~called).sum()),
        "score": round(challenge_score(is_true, called), 2) if len(is_true) else None,
    }


def _calibration(judged: Sequence[Judged]) -> dict:
    """Brier score, and by fifths of the probability how often such alarms were true."""
    sure = [one for one in judged if one.judgement.opinion != Opinion.CANNOT_SAY]
    if not sure:
        return {"brier": None, "bins": []}
    told = np.array([one.judgement.probability for one in sure])
    true = np.array([float(one.alarm.is_true) for one in sure])
    fifth = np.minimum((told * 5).astype(int), 4)
    bins = [
        {"n": int(here.sum()), "told": round(float(told[here].mean()), 3), "true": round(float(true[here].mean()), 3)}
        for number in range(5)
        if (here := fifth == number).any()
    ]
    return {"brier": round(float(((told - true) ** 2).mean()), 4), "bins": bins}


def _latency(judged: Sequence[Judged]) -> dict:
    seconds = np.array([one.seconds for one in judged])
    return {"median": round(float(np.median(seconds)), 4), "p99": round(float(np.quantile(seconds, 0.99)), 4)}


def _record(one: Judged) -> dict:
    probability = one.judgement.probability
    return {
        "record": one.alarm.name,
        "type": TYPES[one.alarm.kind],
        "is_true": one.alarm.is_true,
        "probability": None if isnan(probability) else round(probability, 4),
        "opinion": one.judgement.opinion.name,
        "evidence": one.judgement.evidence,
    }


def alarms_table(result: dict) -> Table:
    """What ``evaluate_alarms`` found, for people."""
    table = Table(title=f"Verdicts on {result['alarms']} alarms, records {result['records_are']}")
    for heading in ("alarm", "TP", "FP", "FN", "TN", "cannot say", "score"):
        table.add_column(heading, justify="left" if heading == "alarm" else "right")
    for name, found in result["per_type"].items():
        table.add_row(name, *_cells(found))
    table.add_section()
    table.add_row("all", *_cells(result))
    return table


def _cells(found: dict) -> list[str]:
    score = "–" if found["score"] is None else f"{found['score']:.1f}"
    return [*(str(found[key]) for key in ("tp", "fp", "fn", "tn", "cannot_say")), score]
