"""Is atrial fibrillation told, and only that? The daemon's rhythm head on recordings with annotated rhythms.

Evidence counts from the hop in which it was told, without the onset that is claimed for it: a strip is half a minute
long, so every episode is told late, and so are their ends.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from ..diagnosis.strips import StripRhythms
from ..errors import RecordError
from ..heads import Head, load_head
from ..rhythm import Rhythm
from ..waveform import HOP_S
from .beats import percent
from .cases import Worst, offer_stretches
from .folders import recordings_in
from .progress import over_records
from .records import Annotations, Record, read_annotations, read_record, record_names
from .runner import condition
from .seen import check_unseen

SEGMENT_S = 30.0
SKIP_S = 300.0
"""EC57 leaves out the first five minutes; where a recording is no longer than twice that, nothing is left out."""
FIBRILLATION = ("(AFIB", "(AFL")
Spans = list[tuple[float, float]]


def evaluate_af(
    path: Path, allow_seen: bool = False, head_folder: Path | None = None, worst: Worst | None = None
) -> dict[str, Any]:
    """EC57 episode and duration figures of fibrillation and flutter, and of 30 s segments wholly of one class.

    Segments tile the record from sample 0; the decision is the evidence in a segment's last hop. ``worst`` is offered
    what is wrong. Raises RecordError where no rhythm is annotated, or a record has been seen; ModelError.
    """
    head = load_head("rhythm", head_folder)
    with recordings_in(path) as folder:
        names = [name for name in record_names(folder, "atr") if _has_rhythm(read_annotations(folder / name))]
        if not names:
            raise RecordError(f"{path} annotates no rhythm, such as (AFIB or (N, in any .atr; name a folder that does.")
        check_unseen(head.manifest.seen, names, allow_seen)
        scores = [_score(folder / name, head, worst) for name in over_records(names, "atrial fibrillation")]
    counts = {key: sum(score[key] for score in scores) for key in scores[0] if key != "record"}
    return {"by": head.version, "seen_allowed": allow_seen, **_figures(counts), "counts": counts, "records": scores}


def _has_rhythm(annotations: Annotations) -> bool:
    return any(note.startswith("(") for note in annotations.note)


def _figures(counts: dict[str, float]) -> dict[str, dict[str, float | None]]:
    return {
        "segments": {
            "se": _share(counts["segments_hit"], counts["segments_af"]),
            "sp": _share(counts["segments_quiet"], counts["segments_other"]),
        },
        "episodes": {
            "se": _share(counts["episodes_hit"], counts["episodes"]),
            "ppv": _share(counts["told_hit"], counts["told"]),
        },
        "duration": {"se": _share(counts["both_s"], counts["af_s"]), "ppv": _share(counts["both_s"], counts["told_s"])},
    }


def _share(part: float, whole: float) -> float | None:
    return 100 * part / whole if whole else None


def _score(path: Path, head: Head, worst: Worst | None) -> dict[str, Any]:
    record = read_record(path)
    signal = condition(record)
    told_hops = StripRhythms(head, 1).step(signal, Rhythm(1).step(signal).beats).fibrillates[0]
    skip_s = SKIP_S if record.duration_s > 2 * SKIP_S else 0.0
    reference = fibrillation(read_annotations(path), record.duration_s)
    if worst:
        _offer(worst, record, _cut(reference, skip_s, record.duration_s), told_hops, skip_s)
    return {"record": path.name} | count(reference, told_hops, skip_s, record.duration_s)


def _offer(worst: Worst, record: Record, real: Spans, told_hops: np.ndarray, skip_s: float) -> None:
    """What is drawn: where fibrillation was told and is not annotated, or the other way round."""
    told = _cut(_runs(told_hops), skip_s, record.duration_s)
    wrong = [(*span, "Not told") for span in _without(real, told)] + [(*span, "Told") for span in _without(told, real)]
    offer_stretches(worst, record, wrong, [(*span, "AF") for span in real], [(*span, "AF") for span in told])


def _without(spans: Spans, others: Spans) -> Spans:
    """What of ``spans`` lies in none of ``others``; both in order."""
    left = []
    for start, stop in spans:
        for other_start, other_stop in others:
            if other_start < stop and other_stop > start:
                left.append((start, other_start))
                start = other_stop
        left.append((start, stop))
    return [(start, stop) for start, stop in left if start < stop]


def fibrillation(annotations: Annotations, duration_s: float) -> Spans:
    """Spans (s) of annotated fibrillation or flutter, each up to the next note of a rhythm."""
    at = [k for k, note in enumerate(annotations.note) if note.startswith("(")]
    ends = [*annotations.time_s[at[1:]].tolist(), duration_s]
    spans = [
        (float(annotations.time_s[k]), end) for k, end in zip(at, ends, strict=True) if _is_af(annotations.note[k])
    ]
    return _joined(spans)


def _is_af(note: str) -> bool:
    return note in FIBRILLATION


def _joined(spans: Spans) -> Spans:
    joined: Spans = []
    for start, stop in spans:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], stop)
        else:
            joined.append((start, stop))
    return joined


def count(reference: Spans, told_hops: np.ndarray, skip_s: float, duration_s: float) -> dict[str, float]:
    """What the figures of one record are made of; ``told_hops`` bool (hops,) is the evidence.

    Episodes overlap or not, durations are of overlaps, as in EC57's episode comparison; both are cut to what comes
    after ``skip_s``.
    """
    told = _cut(_runs(told_hops), skip_s, duration_s)
    real = _cut(reference, skip_s, duration_s)
    return {
        "episodes": len(real),
        "episodes_hit": sum(_overlap(one, told) > 0 for one in real),
        "told": len(told),
        "told_hit": sum(_overlap(one, real) > 0 for one in told),
        "af_s": sum(stop - start for start, stop in real),
        "told_s": sum(stop - start for start, stop in told),
        "both_s": sum(_overlap(one, told) for one in real),
    } | _segments(reference, told_hops, skip_s, duration_s)


def _runs(told_hops: np.ndarray) -> Spans:
    """Evidence from the end of the hop that first told it."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], told_hops, [0]])))
    return [(a * HOP_S, b * HOP_S) for a, b in (edges.reshape(-1, 2) + (1, 0)).tolist()]


def _cut(spans: Spans, skip_s: float, duration_s: float) -> Spans:
    cut = [(max(start, skip_s), min(stop, duration_s)) for start, stop in spans]
    return [(start, stop) for start, stop in cut if start < stop]


def _overlap(one: tuple[float, float], others: Spans) -> float:
    return sum(max(min(one[1], stop) - max(one[0], start), 0.0) for start, stop in others)


def _segments(reference: Spans, told_hops: np.ndarray, skip_s: float, duration_s: float) -> dict[str, float]:
    counts = dict.fromkeys(("segments_af", "segments_hit", "segments_other", "segments_quiet"), 0)
    for k in range(int(-(-skip_s // SEGMENT_S)), int(duration_s // SEGMENT_S)):
        inside_s = _overlap((k * SEGMENT_S, (k + 1) * SEGMENT_S), reference)
        told = bool(told_hops[round((k + 1) * SEGMENT_S / HOP_S) - 1])
        if inside_s >= SEGMENT_S - 1e-6:
            counts["segments_af"] += 1
            counts["segments_hit"] += told
        elif inside_s == 0:
            counts["segments_other"] += 1
            counts["segments_quiet"] += not told
    return counts


def af_table(result: dict[str, Any]) -> Table:
    """What ``evaluate_af`` found, for people; records with nothing to say are left out."""
    seen = "; SEEN RECORDS ALLOWED" if result["seen_allowed"] else ""
    table = Table(title=f"Atrial fibrillation and flutter, {len(result['records'])} records, by {result['by']}{seen}")
    for heading in ("record", "episodes", "hit", "told", "true", "minutes", "Se %", "+P %", "30 s Se %", "30 s Sp %"):
        table.add_column(heading, justify="left" if heading == "record" else "right")
    for score in result["records"]:
        if score["episodes"] or score["told"]:
            table.add_row(score["record"], *_cells(score, _figures(score)))
    table.add_section()
    table.add_row("gross", *_cells(result["counts"], result), style="bold")
    return table


def _cells(counts: dict[str, float], figures: dict[str, Any]) -> list[str]:
    whole = [str(counts[key]) for key in ("episodes", "episodes_hit", "told", "told_hit")]
    shares = [*figures["duration"].values(), *figures["segments"].values()]
    return [*whole, f"{counts['af_s'] / 60:.1f}", *(percent(share) for share in shares)]
