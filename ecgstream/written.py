"""What every bed says each second, written as bytes: for many beds at once, or once for all that say the same.

A field may stand anywhere in a message, so one is put together from pieces (protobuf's wire format). What is the same
for many is written by protobuf once and kept, or written for all of them together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from math import isnan

import numpy as np

from .diagnosis.strips import NAMES as STRIP_NAMES
from .diagnosis.strips import StripScores
from .limits import BOUNDS, LIMITS_DTYPE
from .rhythm_names import rhythm_names
from .waveform import Conditioned, Reason, RhythmResult, Scores
from .wire import ecgstream_pb2 as pb
from .wire.content_types import MAJOR
from .wire.scores import score_fields as fields_of_scores

Due = tuple[int, int, int, int]
"""Place and hop in a block, row and sample, where a publishing interval ends."""
REASON_NAMES = {reason: reason.name.lower() for reason in Reason}
_ABSENT = int(Reason.ABSENT)
_NUMBER = 4
"""Bytes of a float."""


def stamps(due: Sequence[Due], stream_ids: Iterable[str], times_ns: Iterable[int]) -> list[bytes]:
    """Of each that is due the fields with which vitals, diagnosis and shadow alike begin, up to ``time_ns``."""
    return [
        pb.Vitals(version=MAJOR, stream_id=stream_id, sample=sample, time_ns=max(time_ns, 0)).SerializeToString()
        for (_, _, _, sample), stream_id, time_ns in zip(due, stream_ids, times_ns, strict=True)
    ]


def rate_fields(rhythm: RhythmResult, evidence: np.ndarray, due: Sequence[Due]) -> list[bytes]:
    """Of vitals, at each place and hop that is due: both rates, the rhythm's name and why the hop was not judged."""
    at = _at(due)
    hr_bpm, pvc_per_min, reasons = rhythm.hr_bpm[at], rhythm.pvc_per_min[at], rhythm.reason[at]
    columns = hr_bpm.tolist(), pvc_per_min.tolist(), rhythm_names(evidence[at], hr_bpm), reasons.tolist()
    return [
        pb.Vitals(
            heart_rate_bpm=None if isnan(hr) else hr,
            pvc_per_min=None if isnan(pvc) else pvc,
            rhythm=name,
            not_judged=REASON_NAMES[Reason(reason)] if reason else "",
        ).SerializeToString()
        for hr, pvc, name, reason in zip(*columns, strict=True)
    ]


def lead_fields(conditioned: Conditioned, due: Sequence[Due], names: Iterable[tuple[str, ...]]) -> list[bytes]:
    """The field ``leads`` of vitals at each place and hop that is due: reason, and quality to two digits.

    ``names``: of each one's lead slots. Those whose leads go by the same names and reasons are written together.
    """
    i, k = _at(due)
    quality = np.round(conditioned.quality[i, :, k].astype(np.float64), 2).astype("<f4")
    alike: defaultdict[tuple[tuple[str, ...], bytes], list[int]] = defaultdict(list)
    for place, (slots, reasons) in enumerate(zip(names, conditioned.reason[i, :, k], strict=True)):
        alike[slots, reasons.tobytes()].append(place)
    out = [b""] * len(due)
    for leads, places in alike.items():
        template, slots, numbers = _leads(*leads)
        table = np.repeat(template[None], len(places), axis=0)
        table[:, numbers] = quality[np.ix_(places, slots)].view(np.uint8).reshape(len(places), len(slots), 4)
        for place, row in zip(places, table, strict=True):
            out[place] = row.tobytes()
    return out


@lru_cache(maxsize=4096)
def _leads(names: tuple[str, ...], reasons: bytes) -> tuple[np.ndarray, list[int], np.ndarray]:
    """Bytes of the field, which slots are in it, and where the four bytes of each one's quality lie (L, 4)."""
    parts, slots, numbers = b"", [], []
    for slot, (name, reason) in enumerate(zip(names, reasons, strict=True)):
        if reason == _ABSENT:
            continue
        before = pb.LeadQuality(name=name, quality=1.0).ByteSize()
        lead = pb.LeadQuality(name=name, quality=1.0, reason=REASON_NAMES[Reason(reason)])
        whole = pb.Vitals(leads=[lead]).SerializeToString()
        stop = len(parts) + len(whole) - lead.ByteSize() + before
        parts += whole
        slots.append(slot)
        numbers.append(range(stop - _NUMBER, stop))
    return np.frombuffer(parts, np.uint8), slots, np.array(numbers, np.int64).reshape(-1, _NUMBER)


def settings_fields(limits: np.ndarray, presets: Sequence[str]) -> list[bytes]:
    """Of vitals, the fields ``limits`` and ``preset`` of each bed: LIMITS_DTYPE (N,), and the preset's name."""
    return [_settings(kept.tobytes(), preset) for kept, preset in zip(limits, presets, strict=True)]


@lru_cache(maxsize=4096)
def _settings(limits: bytes, preset: str) -> bytes:
    values = np.frombuffer(limits, LIMITS_DTYPE)[0].item()
    named = pb.Limits(**dict(zip(BOUNDS, values, strict=True)))
    return pb.Vitals(limits=named, preset=preset).SerializeToString()


def score_fields(
    models: pb.Diagnosis | pb.Shadow, scores: Scores, due: Sequence[Due], strips: StripScores | None = None
) -> list[bytes]:
    """At each place and hop that is due what ``models`` holds, the scores, those of ``strips`` first, or why there are
    none."""
    at = _at(due)
    reasons, names = scores.reason[at], scores.names
    values = np.where((reasons == Reason.OK)[:, None], scores.values[at], np.float32(np.nan))
    if strips is not None:
        names, values = (*STRIP_NAMES, *names), np.concatenate((strips.values[at], values), axis=1)
    stated, withheld = models.SerializeToString(), {}
    for reason in np.unique(reasons).tolist():
        why = type(models)(withheld=REASON_NAMES[Reason(reason)] if reason else "")
        withheld[reason] = stated + why.SerializeToString()
    said = fields_of_scores(names).write(values)
    return [withheld[reason] + each for reason, each in zip(reasons.tolist(), said, strict=True)]


def _at(due: Sequence[Due]) -> tuple[np.ndarray, np.ndarray]:
    """Places and hops that are due, to index with."""
    places, hops = np.array([(i, k) for i, k, _, _ in due], np.int64).reshape(-1, 2).T
    return places, hops
