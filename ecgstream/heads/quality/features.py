"""Features of a recording: each measure of its independent leads, sorted over them, and what the leads share.

Leads and beats are the daemon's own conditioning and rhythm. Only I, II and V1 to V6 count, the other four of twelve
being sums of the first two: a recording reads alike with eight leads and with twelve. An absent lead is left out.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...conditioning import condition_record
from ...conditioning.design import design_resampler
from ...conditioning.kernels import place_grid, resample_lead
from ...errors import RecordError
from ...evaluation.records import Record
from ...rhythm import Rhythm
from ...settings import ConditioningSettings
from ...waveform import CODE_LIMIT, GRID_HZ, HOP_SAMPLES, LEAD_SLOT, N_LEADS, Conditioned, Reason, history_samples
from .measures import measure_beats, measure_detection, measure_filtered, measure_spectrum, measure_trace

LEADS = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
_SLOTS = [LEAD_SLOT[lead] for lead in LEADS]
_BEFORE_S, _AFTER_S = 4, 2
"""Signal mirrored at both ends, so that filters have settled, levels are learnt, and the last beats are decided on."""
_LEAST_S = 5
_RANKS = {"least": 0, "second": 1, "third": 2, "median": None, "second_most": -2, "most": -1}


def quality_features(record: Record) -> dict[str, float]:
    """Named features of a recording of some seconds. Raises RecordError when it is shorter than 5 s."""
    if record.duration_s < _LEAST_S:
        raise RecordError(
            f"Record quality is judged on {_LEAST_S} s and more; {record.name} has {record.duration_s:.1f} s."
        )
    record = _independent(record)
    if not len(record.slots):
        return {"leads": 0.0}
    raw_mv = _on_grid(record)
    whole, start = _conditioned(record), _BEFORE_S * GRID_HZ
    beats = _beats(whole, record.slots, start, raw_mv.shape[1])
    late = start + round(float(whole.delay_samples[0]))
    ecg_mv = whole.ecg_mv[0, record.slots, late : late + raw_mv.shape[1]].astype(np.float64)
    hops = slice(start // HOP_SAMPLES, (start + raw_mv.shape[1]) // HOP_SAMPLES)
    shared = _shared(ecg_mv)
    by_lead = [
        measure_trace(raw_mv[k])
        | measure_spectrum(raw_mv[k])
        | measure_filtered(ecg_mv[k], whole.reason[0, slot, hops], whole.quality[0, slot, hops])
        | measure_detection(beats[0], beats[1 + k])
        | measure_beats(ecg_mv[k], beats[0])
        | {name: values[k] for name, values in shared.items()}
        for k, slot in enumerate(record.slots)
    ]
    return _sorted_over_leads(by_lead) | _of_beats(beats[0]) | {"leads": float(len(by_lead))}


def _independent(record: Record) -> Record:
    """The independent leads, in their order; a missing sample keeps the value before it, as a monitor shows it."""
    kept = [int(np.flatnonzero(record.slots == slot)[0]) for slot in _SLOTS if slot in record.slots]
    adu = record.adu[kept]
    known = np.maximum.accumulate(np.where(adu >= CODE_LIMIT, np.arange(adu.shape[1]), 0), axis=1)
    adu = np.take_along_axis(adu, known, 1) if len(kept) else adu
    baseline = record.baseline_adu[kept]
    return replace(
        record,
        leads=tuple(record.leads[k] for k in kept),
        slots=record.slots[kept],
        adu=np.where(adu >= CODE_LIMIT, adu, baseline[:, None]).astype(np.int16),
        mv_per_adu=record.mv_per_adu[kept],
        baseline_adu=baseline,
    )


def _on_grid(record: Record) -> np.ndarray:
    """mV (leads, samples) at GRID_HZ, unfiltered; whole hops."""
    resampler, history = design_resampler(record.fs_hz), history_samples(record.fs_hz)
    native = np.pad(record.adu, ((0, 0), (history, 0)), "edge").astype(np.float64)
    mv = (native - record.baseline_adu[:, None]) * record.mv_per_adu[:, None]
    n = int(record.adu.shape[1] * GRID_HZ / record.fs_hz) // HOP_SAMPLES * HOP_SAMPLES
    newest, phase = np.empty(n, np.int64), np.empty(n, np.int64)
    place_grid(resampler.up, resampler.down, len(resampler.weights) - 1, 0, history, newest, phase)
    out = np.empty((len(mv), n))
    for lead in range(len(mv)):
        resample_lead(mv[lead], resampler.weights, newest, phase, out[lead])
    return out


def _conditioned(record: Record) -> Conditioned:
    before, after = (round(seconds * record.fs_hz) for seconds in (_BEFORE_S, _AFTER_S))
    adu = np.ascontiguousarray(np.pad(record.adu, ((0, 0), (before, after)), "reflect"))
    mains_hz = ConditioningSettings().mains_hz
    return condition_record(adu, record.fs_hz, record.slots, record.mv_per_adu, record.baseline_adu, mains_hz)


def _beats(whole: Conditioned, slots: np.ndarray, start: int, n: int) -> list[np.ndarray]:
    """Samples of beats in the recording: first those of all leads together, then those of each lead alone."""
    n_rows = 1 + len(slots)
    heard = np.zeros((n_rows, N_LEADS), bool)
    heard[0, slots] = heard[np.arange(1, n_rows), slots] = True
    names = ("first_hop", "segment_hop", "new_segment", "delay_samples", "ecg_mv", "valid", "reason", "quality", "pace")
    rows = {name: np.repeat(getattr(whole, name), n_rows, 0) for name in names}
    rows["valid"] &= heard[:, :, None]
    rows["reason"][~heard] = Reason.ABSENT
    found = Rhythm(n_rows).step(Conditioned(np.arange(n_rows), whole.n_hops, **rows)).beats
    sample = found.sample - start
    inside = (sample >= 0) & (sample < n)
    return [sample[inside & (found.row == row)] for row in range(n_rows)]


def _shared(ecg_mv: np.ndarray) -> dict[str, np.ndarray]:
    """Per lead: greatest correlation with another, and what the others together do not explain."""
    centred = ecg_mv - ecg_mv.mean(1, keepdims=True)
    norm = np.linalg.norm(centred, axis=1) + 1e-6
    alike = np.abs(centred @ centred.T / np.outer(norm, norm))
    np.fill_diagonal(alike, 0.0)
    product = ecg_mv @ ecg_mv.T
    left_mv = np.array([_unexplained(ecg_mv, product, k) for k in range(len(ecg_mv))])
    return {"alike_other": alike.max(1), "own_mv": left_mv, "own_share": left_mv / (ecg_mv.std(1) + 0.005)}


def _unexplained(ecg_mv: np.ndarray, product: np.ndarray, k: int) -> float:
    others = np.delete(np.arange(len(ecg_mv)), k)
    shares = np.linalg.solve(product[np.ix_(others, others)] + 1e-3 * np.eye(len(others)), product[others, k])
    return float((ecg_mv[k] - shares @ ecg_mv[others]).std())


def _sorted_over_leads(by_lead: list[dict[str, float]]) -> dict[str, float]:
    features = {}
    for name in sorted({name for measured in by_lead for name in measured}):
        values = np.sort([measured[name] for measured in by_lead if np.isfinite(measured.get(name, np.nan))])
        for rank, place in _RANKS.items():
            known = len(values) > (abs(place + 1) if place is not None and place < 0 else place or 0)
            value = np.nan if not known else np.median(values) if place is None else values[place]
            features[f"{name}.{rank}"] = float(value)
    return features


def _of_beats(beats: np.ndarray) -> dict[str, float]:
    rr_s = np.diff(beats) / GRID_HZ
    if len(rr_s) < 2:
        return {"beats": float(len(beats))}
    return {
        "beats": float(len(beats)),
        "rr_cv": float(rr_s.std() / rr_s.mean()),
        "rr_least_s": float(rr_s.min()),
        "rr_most_s": float(rr_s.max()),
    }
