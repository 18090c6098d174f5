"""Segments and episodes of fibrillation, by cases worked by hand."""

import numpy as np
import pytest

from ecgstream.diagnosis.waves import shipped_fibrillation_head
from ecgstream.errors import RecordError
from ecgstream.evaluation.fibrillation import count, evaluate_fibrillation, fibrillation_table, figures
from ecgstream.evaluation.fibrillation_heads import fibrillation_heads
from ecgstream.evaluation.records import Annotations
from ecgstream.evaluation.rhythm_spans import NOISE, OTHER, VF, VT, Span, rhythm_spans
from ecgstream.rhythm.waves import FEATURES


def notes(*items: tuple[float, str, str]) -> Annotations:
    time_s, symbol, note = zip(*items, strict=True) if items else ((), (), ())
    return Annotations(np.array(time_s), np.array(symbol, dtype=str), np.array(note, dtype=str))


@pytest.mark.parametrize(
    ("annotations", "spans"),
    [
        pytest.param(notes((2, "+", "(N"), (10, "+", "(VFL")), [Span(OTHER, 2, 10), Span(VF, 10, 60)], id="notes"),
        pytest.param(
            notes((0, "+", "(VFL"), (9, "+", "(VFIB"), (20, "+", "(VT"), (30, "+", "(NOISE"), (40, "+", "(AFIB")),
            [Span(VF, 0, 20), Span(VT, 20, 30), Span(NOISE, 30, 40), Span(OTHER, 40, 60)],
            id="flutter and fibrillation are one",
        ),
        pytest.param(
            notes((1, "N", ""), (10, "[", ""), (20, "]", "")),
            [Span(OTHER, 0, 10), Span(VF, 10, 20), Span(OTHER, 20, 60)],
            id="marks without notes",
        ),
        pytest.param(
            notes((0, "+", "(N"), (10, "[", ""), (10.2, "+", "(VFL"), (20, "]", ""), (20.1, "+", "(N")),
            [Span(OTHER, 0, 10), Span(VF, 10, 20.1), Span(OTHER, 20.1, 60)],
            id="both",
        ),
        pytest.param(notes((10, "[", "")), [Span(OTHER, 0, 10), Span(VF, 10, 60)], id="never closed"),
    ],
)
def test_spans(annotations, spans):
    assert rhythm_spans(annotations, 60.0) == spans


def told_at(*spans_s: tuple[float, float], duration_s: float = 60.0) -> np.ndarray:
    told = np.zeros(round(duration_s * 5), bool)
    for start_s, stop_s in spans_s:
        told[round(start_s * 5) : round(stop_s * 5)] = True
    return told


def counts_of(spans, *told_s):
    return {name: value for name, value in count(spans, told_at(*told_s), 60.0).items() if value}


def test_only_segments_wholly_of_one_rhythm_count_by_their_last_sample():
    spans = [Span(OTHER, 0, 12), Span(VF, 12, 33), Span(OTHER, 33, 60)]
    assert counts_of(spans, (19.8, 34.8)) == {
        "VF_told": 3, "other_not_told": 2 + 5, "episodes": 1, "found": 1, "told": 1, "right": 1,
    }  # fmt: skip


def test_what_is_told_late_or_too_long_is_counted():
    spans = [Span(OTHER, 0, 10), Span(VF, 10, 30), Span(OTHER, 30, 60)]
    found = count(spans, told_at((20.0, 41.0)), 60.0)
    assert (found["VF_told"], found["VF_not_told"], found["other_told"], found["other_not_told"]) == (2, 2, 2, 6)
    assert figures(found)["segments"]["se"] == 50.0
    assert figures(found)["segments"]["sp"] == 75.0


def test_tachycardia_and_noise_are_apart():
    spans = [Span(VT, 0, 20), Span(NOISE, 20, 40), Span(OTHER, 40, 60)]
    found = counts_of(spans, (2, 11), (25, 40))
    assert found == {"VT_told": 2, "VT_not_told": 2, "noise_told": 3, "noise_not_told": 1, "other_not_told": 4}
    assert figures(count(spans, told_at(), 60.0))["segments"]["se"] is None


def test_an_episode_told_away_from_fibrillation_is_wrong_and_a_short_one_need_not_be_found():
    spans = [Span(OTHER, 0, 10), Span(VF, 10, 13), Span(OTHER, 13, 60)]
    assert counts_of(spans, (50, 52)) == {"other_not_told": 2 + 9, "told": 1}


@pytest.mark.recordings
def test_seen_records_are_refused_and_the_head_measures_what_the_rhythm_room_does(recordings):
    assert shipped_fibrillation_head().manifest.features == FEATURES
    with pytest.raises(RecordError, match="--cross-validate"):
        fibrillation_heads(recordings / "vfdb", None, False, False)
    assert "HAVE BEEN SEEN" in fibrillation_heads(recordings / "vfdb", None, False, True).said


@pytest.mark.recordings
def test_flutter_of_a_record_never_seen_is_told(recordings, tmp_path):
    for suffix in ("hea", "dat", "atr"):
        (tmp_path / f"207.{suffix}").symlink_to(recordings / "mitdb" / f"207.{suffix}")
    result = evaluate_fibrillation(tmp_path, fibrillation_heads(tmp_path, None, False, False).of)
    assert result["counts"]["VF_told"] > result["counts"]["VF_not_told"]
    assert result["segments"]["sp"] > 95
    assert fibrillation_table(result).row_count == 2
