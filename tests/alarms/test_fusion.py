"""The model adds to the rules' evidence and takes nothing away."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgstream.alarms.fusion import Fusion
from ecgstream.waveform import HOP_SAMPLES, N_CONDITIONS, Condition

NAMES = ("beat.V", "rhythm.af", "rhythm.vt", "rhythm.vf", "noise")
THRESHOLDS = {"rhythm.af": 0.6, "rhythm.vt": 0.7, "rhythm.vf": 0.95, "noise": 0.5}
VT, VF = Condition.VENTRICULAR_TACHYCARDIA, Condition.VENTRICULAR_FIBRILLATION
COLUMN = {VT: 2, VF: 3}
ROWS = np.array([0])


def fused_line(condition, line, noise=0.1, low=0.0, high=0.99, names=NAMES, thresholds=THRESHOLDS):
    """Model-only evidence of a line of scores (``.`` low, ``#`` high, ``?`` withheld), hop by hop."""
    fusion = Fusion(1, names, thresholds)
    scores = np.zeros((1, len(line), len(names)), dtype=np.float32)
    scores[0, :, names.index("noise")] = noise
    scores[0, :, COLUMN[condition]] = [{".": low, "#": high, "?": np.nan}[letter] for letter in line]
    evidence, onset, from_model = fusion.step(ROWS, np.array([100]), *no_rules(len(line)), scores)
    assert (evidence == from_model).all()
    others = np.delete(evidence, condition, axis=2)
    assert not others.any()
    assert (onset[~evidence] == -1).all()
    return "".join("#" if seen else "." for seen in evidence[0, :, condition]), onset[0, :, condition]


def no_rules(n_hops):
    shape = (1, n_hops, N_CONDITIONS)
    return np.zeros(shape, dtype=bool), np.full(shape, -1, dtype=np.int64)


@pytest.mark.parametrize(
    ("condition", "scores", "evidence"),
    [
        (VT, "..################..##", "." * 16 + "##...."),
        (VF, "#" * 22, "." * 19 + "###"),
        (VF, "#" * 19 + "." + "#" * 19, "." * 39),
        (VF, "#" * 19 + "?" + "#" * 20, "." * 39 + "#"),
    ],
    ids=["VT 3 s", "VF 4 s", "a low score starts the run again", "so does a withheld one"],
)
def test_a_score_counts_once_held(condition, scores, evidence):
    assert fused_line(condition, scores)[0] == evidence


def test_the_onset_is_where_the_run_began():
    _, onset = fused_line(VF, "..." + "#" * 22)
    assert set(onset[22:]) == {103 * HOP_SAMPLES}


@pytest.mark.parametrize(
    ("condition", "high", "noise", "counts"),
    [
        (VT, 0.89, 0.1, False),  # above its threshold, below what a lethal alarm on the model's word alone needs
        (VT, 0.91, 0.1, True),
        (VF, 0.94, 0.1, False),  # the model's own threshold is higher
        (VF, 0.99, 0.6, False),
        (VF, 0.99, np.nan, False),
    ],
)
def test_lethal_alarms_of_the_model_alone_need_high_scores_and_little_noise(condition, high, noise, counts):
    evidence, _ = fused_line(condition, "#" * 160, noise=noise, high=high)
    assert ("#" in evidence) == counts


def test_a_model_without_the_score_or_its_threshold_has_no_say():
    fusion = Fusion(1, ("rhythm.vf", "rhythm.vt"), {"rhythm.vf": 0.9})
    scores = np.ones((1, 40, 2), dtype=np.float32)
    evidence, _, _ = fusion.step(ROWS, np.array([0]), *no_rules(40), scores)
    assert set(np.flatnonzero(evidence.any(axis=(0, 1)))) == {VF}


def test_where_the_rules_see_it_the_evidence_is_theirs():
    evidence, onset = no_rules(30)
    evidence[0, 10:25, VF], onset[0, 10:25, VF] = True, 7
    fusion = Fusion(1, NAMES, THRESHOLDS)
    scores = np.full((1, 30, len(NAMES)), 0.99, dtype=np.float32)
    scores[:, :, 4] = 0
    fused, fused_onset, from_model = fusion.step(ROWS, np.array([0]), evidence, onset, scores)
    assert fused[0, :, VF].tolist() == [False] * 10 + [True] * 20
    assert from_model[0, :, VF].tolist() == [False] * 25 + [True] * 5
    assert fused_onset[0, 10:, VF].tolist() == [7] * 15 + [0] * 5


def test_a_missing_hop_starts_the_run_again():
    fusion = Fusion(1, NAMES, THRESHOLDS)
    scores = np.full((1, 19, len(NAMES)), 0.99, dtype=np.float32)
    scores[:, :, 4] = 0
    fusion.step(ROWS, np.array([0]), *no_rules(19), scores)
    evidence, _, _ = fusion.step(ROWS, np.array([20]), *no_rules(19), scores)
    assert not evidence[:, :, VF].any()


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_any_cutting_gives_the_same_and_nothing_of_the_rules_is_lost(data):
    n_rows, n_hops = 3, 60
    random = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    scores = np.where(random.random((n_rows, n_hops, len(NAMES))) < 0.03, np.nan, 0.97).astype(np.float32)
    scores[:, :, 4] = np.where(random.random((n_rows, n_hops)) < 0.02, 0.9, 0.1)
    rules = random.random((n_rows, n_hops, N_CONDITIONS)) < 0.2
    onset = np.where(rules, 5, -1)
    rows, first_hop = np.arange(n_rows), np.array([0, 3, 9])
    whole = Fusion(n_rows, NAMES, THRESHOLDS).step(rows, first_hop, rules, onset, scores)

    cuts = sorted(data.draw(st.sets(st.integers(1, n_hops - 1), max_size=8)))
    fusion, pieces = Fusion(1, NAMES, THRESHOLDS), []
    fusion.grow(n_rows)
    for start, stop in zip([0, *cuts], [*cuts, n_hops], strict=True):
        part = (array[:, start:stop] for array in (rules, onset, scores))
        pieces.append(fusion.step(rows, first_hop + start, *part))
    for whole_array, parts in zip(whole, zip(*pieces, strict=True), strict=True):
        np.testing.assert_array_equal(whole_array, np.concatenate(parts, axis=1))

    evidence, fused_onset, from_model = whole
    assert (evidence >= rules).all() and not (from_model & rules).any()
    assert (evidence == (rules | from_model)).all() and (fused_onset[rules] == 5).all()
    assert from_model.any()


def test_a_reset_row_forgets_its_run():
    fusion = Fusion(1, NAMES, THRESHOLDS)
    scores = np.full((1, 19, len(NAMES)), 0.99, dtype=np.float32)
    scores[:, :, 4] = 0
    fusion.step(ROWS, np.array([0]), *no_rules(19), scores)
    fusion.reset(ROWS)
    evidence, _, _ = fusion.step(ROWS, np.array([0]), *no_rules(19), scores)
    assert not evidence[:, :, VF].any()
