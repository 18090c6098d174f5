"""Fitting: no record judges itself, thresholds serve both classes, and the directory says what it has seen."""

from dataclasses import replace

import numpy as np
import pytest

from ecgstream.beats import FEATURES
from ecgstream.diagnosis.beats import load_beat_head
from ecgstream.heads.beats import training
from ecgstream.heads.beats.examples import FLUTTER, NO_BEAT, Examples, joined
from ecgstream.heads.fitting import fold_of

RECORDS = ("101", "108", "109", "118", "208")
EARLY, LIKE = FEATURES.index("rr_to_median32"), FEATURES.index("like_usual")
P_LIKE = FEATURES.index("p_usual_like")


@pytest.fixture(scope="module")
def examples() -> Examples:
    """1,500 beats of five records: S are early, V early and unlike, the atria are in order, all else is chance."""
    rng = np.random.default_rng(0)
    label = rng.choice([0, 1, 2, 3], 1500, p=[0.8, 0.08, 0.08, 0.04])
    features = rng.normal(size=(1500, len(FEATURES))).astype(np.float32)
    features[:, EARLY] = np.where(np.isin(label, (1, 2)), 0.7, 1.0) + rng.normal(0, 0.02, 1500)
    features[:, LIKE] = np.where(np.isin(label, (2, 3)), 0.4, 0.95) + rng.normal(0, 0.02, 1500)
    features[:, P_LIKE] = np.abs(features[:, P_LIKE]) + 0.5
    variant = rng.choice(["whole", "noisy"], 1500)
    return _of(features, label, rng.choice(RECORDS, 1500), variant, rng.uniform(300, 1800, 1500))


def _of(features, label, record, variant, time_s) -> Examples:
    fold = np.array([fold_of("mitdb", name) for name in record])
    never = np.zeros(len(label), bool)
    return Examples(features, label, record, variant, time_s, fold, fibrillates=never, unordered=never)


@pytest.fixture(autouse=True)
def few_rounds(monkeypatch):
    monkeypatch.setattr(training, "ROUNDS", 40)


def test_what_can_be_learnt_is_told_of_records_not_seen(examples):
    probability = training.cross_validated(examples)
    thresholds = training.choose_thresholds(examples, probability)
    found = training.score(examples, training.told(probability, thresholds))["by_variant"]["whole"]
    assert min(found[kind][figure] for kind in ("veb", "sveb") for figure in ("se", "ppv")) > 80


class Unsure:
    """Stands for trees: cannot decide, and finds that the atria may fibrillate."""

    def predict(self, features: np.ndarray, num_threads: int) -> np.ndarray:
        return np.tile([0.25, 0.25, 0.1, 0.1, 0.3], (len(features), 1))


def test_an_early_beat_is_less_likely_where_the_atria_fibrillate(examples, monkeypatch):
    monkeypatch.setattr(training, "fit_on", lambda examples, train: Unsure())
    fibrillates = np.arange(1500) % 2 == 0
    likely = training.cross_validated(replace(examples, fibrillates=fibrillates))
    np.testing.assert_allclose(likely[fibrillates, 1], likely[~fibrillates, 1] / 20)
    assert likely[:, [0, 2, 3]] == pytest.approx(np.tile([0.55, 0.1, 0.1], (1500, 1)))


def test_normal_beats_of_atria_in_no_order_are_taught_as_a_class_of_their_own(examples):
    features = examples.features.copy()
    unordered = np.arange(1500) % 2 == 0
    features[:, P_LIKE] = np.where(unordered, 0.1, 0.9)
    trees = training.fit_on(replace(examples, features=features, unordered=unordered), np.ones(1500, bool))
    told = trees.predict(features).argmax(1)
    normal = examples.label == 0
    assert (told[normal & unordered] == 4).mean() > 0.9 and (told[normal & ~unordered] == 0).mean() > 0.9
    assert (told[~normal] != 4).mean() > 0.9


def test_every_piece_is_told_as_a_bed_of_its_own(examples):
    """S beyond doubt, then what may be S: of the same piece, of the next piece, of another record."""
    pieces = examples.take(np.arange(1500) < 60)
    time_s, record = np.tile(np.arange(300.0, 320.0), 3), np.repeat(["101", "101", "208"], 20)
    pieces = replace(pieces, time_s=time_s, record=record, variant=np.full(60, "pieces"))
    sure, doubtful = np.array([0.02, 0.96, 0.01, 0.01]), np.array([0.55, 0.3, 0.1, 0.05])
    probability = np.tile(doubtful, (60, 1))
    probability[:15] = sure
    thresholds = {"V": 1.0, "F": 1.0, "S": 4.0, "N": 1.0}
    assert training.told_in_turn(pieces, probability, thresholds).tolist() == [1] * 20 + [0] * 40


def test_a_record_is_judged_by_trees_that_have_not_seen_it(examples, monkeypatch):
    fitted_on = []
    whole = training.fit_on

    def fit_on(examples, train):
        fitted_on.append(set(examples.record[train]))
        return whole(examples, train)

    monkeypatch.setattr(training, "fit_on", fit_on)
    training.cross_validated(examples)
    tested = {fold: {r for r in RECORDS if fold_of("mitdb", r) == fold} for fold in set(examples.fold.tolist())}
    assert sorted(map(sorted, fitted_on)) == sorted(sorted(set(RECORDS) - records) for records in tested.values())


def test_detections_that_are_no_beats_teach_nothing_and_count_as_extra(examples):
    label = examples.label.copy()
    label[:300], label[300:600] = NO_BEAT, FLUTTER
    changed = replace(examples, label=label)
    training.fit_on(changed, np.ones(1500, bool))
    everything_v = training.score(changed, np.full(1500, 2))["by_variant"]["noisy"]["veb"]
    noisy = changed.variant == "noisy"
    assert everything_v["fp"] == (noisy & np.isin(label, (NO_BEAT, 0, 1))).sum()


def test_what_is_no_beat_where_electrodes_move_is_taught_as_n(examples):
    unlike = np.where(np.isin(examples.label, (0, 1)), examples.label, 0)
    odd = examples.label == 2
    variant = np.where(odd, "moved", "whole")
    changed = replace(examples, label=np.where(odd, NO_BEAT, unlike), variant=variant)
    trees = training.fit_on(changed, np.ones(1500, bool))
    assert (trees.predict(examples.features[odd]).argmax(1) == 0).mean() > 0.9


@pytest.mark.parametrize("name", ["S", "V"])
def test_few_normal_beats_of_hand_held_strips_are_told_s_or_v(examples, name):
    probability = np.eye(4)[examples.label] * 0.4 + 0.15
    normal = np.tile([0.4, 0.05, 0.05, 0.05], (1000, 1))
    normal[:, training.TOLD.index(name)] = 0.5
    strips = examples.take(np.arange(1500) < 1000)
    strips = replace(strips, label=np.zeros(1000, int), variant=np.full(1000, "cinc2017"))
    both, of_both = joined(examples, strips), np.concatenate([probability, normal])
    thresholds = training.choose_thresholds(both, of_both)
    assert (training.told(normal, thresholds) == 0).all() and thresholds[name] > 1.25


def test_strips_weigh_what_they_are_given_however_many_they_are(examples):
    record = np.concatenate([examples.record, np.repeat([f"cinc2017/A{n:05d}" for n in range(50)], 30)])
    variant = np.concatenate([examples.variant, np.full(1500, "cinc2017")])
    weight = training._weight(np.concatenate([examples.label, np.zeros(1500, int)]), record, variant)
    assert weight[1500:].sum() / weight[:1500].sum() == pytest.approx(training.STRIPS_SHARE["cinc2017"])
    assert weight.mean() == pytest.approx(1)


def test_beats_of_made_pauses_weigh_more(examples):
    weight = [
        training._weight(examples.label, examples.record, np.where(examples.variant == "noisy", name, "whole"))
        for name in ("stretched", training.PAUSED)
    ]
    noisy = examples.variant == "noisy"
    shares = [each[noisy].sum() / each[~noisy].sum() for each in weight]
    assert shares[1] / shares[0] == pytest.approx(3)


def test_no_tree_asks_which_recorder_it_was(examples):
    features = examples.features.copy()
    features[:, FEATURES.index("leads")] = examples.label
    trees = training.fit_on(replace(examples, features=features), np.ones(1500, bool))
    used = {name for name, gain in zip(FEATURES, trees.feature_importance("gain"), strict=True) if gain}
    assert "rr_to_median32" in used and not used & training.OF_THE_RECORDER


def test_the_directory_is_a_beat_head_with_a_card(examples, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "read_all", lambda data, cache: examples)
    found = training.train(tmp_path, tmp_path / "head", tmp_path)
    head = load_beat_head(tmp_path / "head")
    assert head.manifest.seen == {"mitdb": sorted(RECORDS), "nstdb": ["bw", "ma", "118e_6"]}
    card = (tmp_path / "head" / "card.md").read_text()
    assert head.version in card and f"{found['by_variant']['whole']['sveb']['se']:.1f}" in card and "208" in card


def test_heads_of_folds_are_fitted_once(examples, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "read_all", lambda data, cache: examples)
    thresholds = dict.fromkeys("NSVF", 1.0)
    first = training.fold_heads(tmp_path, tmp_path, thresholds)("101")
    monkeypatch.setattr(training, "fit_on", None)
    again = training.fold_heads(tmp_path, tmp_path, thresholds)("101")
    assert first.version == again.version and "101" not in first.manifest.seen["mitdb"]
