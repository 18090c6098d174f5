"""Fitting: no record judges itself, thresholds serve both classes, and the directory says what it has seen."""

import numpy as np
import pytest

from ecgstream.beats import FEATURES
from ecgstream.diagnosis.beats import load_beat_head
from ecgstream.heads.beats import training
from ecgstream.heads.beats.examples import FLUTTER, NO_BEAT, Examples
from ecgstream.heads.fitting import fold_of

RECORDS = ("101", "108", "109", "118", "208")
EARLY, LIKE = FEATURES.index("rr_to_median32"), FEATURES.index("like_usual")


@pytest.fixture(scope="module")
def examples() -> Examples:
    """1,500 beats of five records: S are early, V early and unlike, all else is chance."""
    rng = np.random.default_rng(0)
    label = rng.choice([0, 1, 2, 3], 1500, p=[0.8, 0.08, 0.08, 0.04])
    features = rng.normal(size=(1500, len(FEATURES))).astype(np.float32)
    features[:, EARLY] = np.where(np.isin(label, (1, 2)), 0.7, 1.0) + rng.normal(0, 0.02, 1500)
    features[:, LIKE] = np.where(np.isin(label, (2, 3)), 0.4, 0.95) + rng.normal(0, 0.02, 1500)
    variant = rng.choice(["whole", "noisy"], 1500)
    return Examples(features, label, rng.choice(RECORDS, 1500), variant, rng.uniform(300, 1800, 1500))


@pytest.fixture(autouse=True)
def few_rounds(monkeypatch):
    monkeypatch.setattr(training, "ROUNDS", 10)


def test_what_can_be_learnt_is_told_of_records_not_seen(examples):
    probability = training.cross_validated(examples)
    thresholds = training.choose_thresholds(examples, probability)
    found = training.score(examples, training.told(probability, thresholds))["by_variant"]["whole"]
    assert min(found[kind][figure] for kind in ("veb", "sveb") for figure in ("se", "ppv")) > 80


def test_a_record_is_judged_by_trees_that_have_not_seen_it(examples, monkeypatch):
    fitted_on = []
    whole = training.fit_on

    def fit_on(examples, train):
        fitted_on.append(set(examples.record[train]))
        return whole(examples, train)

    monkeypatch.setattr(training, "fit_on", fit_on)
    training.cross_validated(examples)
    tested = {fold: {r for r in RECORDS if fold_of("mitdb", r) == fold} for fold in set(training.folds(examples))}
    assert sorted(map(sorted, fitted_on)) == sorted(sorted(set(RECORDS) - records) for records in tested.values())


def test_detections_that_are_no_beats_teach_nothing_and_count_as_extra(examples):
    label = examples.label.copy()
    label[:300], label[300:600] = NO_BEAT, FLUTTER
    changed = Examples(examples.features, label, examples.record, examples.variant, examples.time_s)
    training.fit_on(changed, np.ones(1500, bool))
    everything_v = training.score(changed, np.full(1500, 2))["by_variant"]["noisy"]["veb"]
    noisy = changed.variant == "noisy"
    assert everything_v["fp"] == (noisy & np.isin(label, (NO_BEAT, 0, 1))).sum()


def test_the_directory_is_a_beat_head_with_a_card(examples, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "load_examples", lambda data, cache: examples)
    found = training.train(tmp_path, tmp_path / "head", tmp_path)
    head = load_beat_head(tmp_path / "head")
    assert head.manifest.seen == {"mitdb": sorted(RECORDS), "nstdb": ["bw", "ma"]}
    card = (tmp_path / "head" / "card.md").read_text()
    assert head.version in card and f"{found['by_variant']['whole']['sveb']['se']:.1f}" in card and "208" in card


def test_heads_of_folds_are_fitted_once(examples, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "load_examples", lambda data, cache: examples)
    thresholds = dict.fromkeys("NSVF", 1.0)
    first = training.fold_heads(tmp_path, tmp_path, thresholds)("101")
    monkeypatch.setattr(training, "fit_on", None)
    again = training.fold_heads(tmp_path, tmp_path, thresholds)("101")
    assert first.version == again.version and "101" not in first.manifest.seen["mitdb"]
