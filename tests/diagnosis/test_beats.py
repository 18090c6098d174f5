"""A beat's class: the head's by its thresholds, or the rules' where there is no head."""

import numpy as np
import pytest

from ecgstream.beats import FEATURES
from ecgstream.cutting import cut
from ecgstream.diagnosis.beats import CLASSES, BeatClasses, load_beat_head
from ecgstream.diagnosis.early import TAUGHT
from ecgstream.errors import ModelError
from ecgstream.heads.fitting import fit
from ecgstream.heads.head import Head, HeadManifest, save_head
from ecgstream.rhythm import Rhythm
from ecgstream.waveform import GRID_HZ, HOP_SAMPLES, Conditioned

from ..rhythm.signals import stack
from ..rhythm.test_invariants import ward_bed

MOST_WAIT = 3 * GRID_HZ
THRESHOLDS = {"N": 1.0, "S": 0.5, "V": 1.0, "F": 1.0}


class Trees:
    """Stands for trees: says the same of every beat, or fails."""

    def __init__(self, *probability: float):
        self.probability = probability

    def predict(self, features: np.ndarray) -> np.ndarray:
        if not self.probability:
            raise RuntimeError("no trees")
        return np.tile(np.array(self.probability, float), (len(features), 1))


def head(*probability: float, thresholds: dict[str, float] = THRESHOLDS) -> Head:
    """Says so of N, S, V and F, and that the atria may fibrillate."""
    manifest = HeadManifest("ecgstream-head-1", "beats", "0" * 64, FEATURES, TAUGHT, thresholds, {})
    return Head(Trees(*probability, *[0.3] * bool(probability)), manifest)


@pytest.fixture(scope="module")
def ward():
    block = ward_bed(1)
    return Rhythm(1).step(block).beats, block


def fibrillating(block: Conditioned, share: float = 0.0) -> np.ndarray:
    """Hops in which the atria fibrillate: the first ``share`` of the block."""
    hops = np.arange(block.n_hops) < share * block.n_hops
    return np.tile(hops, (len(block.rows), 1))


def test_every_beat_the_rules_find_is_classed_once(ward):
    beats, block = ward
    told = BeatClasses(1, head(0, 1, 0, 0)).step(beats, block, fibrillating(block))
    assert np.array_equal(told.sample, beats.sample[: len(told.sample)]) and len(beats.sample) - len(told.sample) <= 1
    assert (told.label == CLASSES.index("S")).all()


def test_a_beat_that_may_be_early_is_none_while_the_atria_fibrillate(ward):
    beats, block = ward
    told = BeatClasses(1, head(0.1, 0.7, 0.1, 0.1)).step(beats, block, fibrillating(block, 0.5))
    early = told.label == CLASSES.index("S")
    middle = block.n_hops // 2 * HOP_SAMPLES
    assert (told.label[told.sample < middle - MOST_WAIT] == CLASSES.index("N")).all()
    assert early[told.sample > middle].all() and 0 < early.sum() < len(early)


def test_a_beat_that_is_early_beyond_doubt_is_told_while_the_atria_fibrillate(ward):
    beats, block = ward
    told = BeatClasses(1, head(0.01, 0.95, 0.03, 0.01)).step(beats, block, fibrillating(block, 1.0))
    assert (told.label == CLASSES.index("S")).all()


@pytest.mark.parametrize("hops", [1, 3, 40])
def test_beats_are_told_in_the_same_hop_however_hops_are_cut(hops):
    rows = np.array([3, 1])
    block = stack([ward_bed(1), ward_bed(2, first_hop=7)], rows)
    fibrillates = np.random.default_rng(0).random((2, block.n_hops)) < 0.5
    rhythm, classes, found = Rhythm(4), BeatClasses(4, head(0.1, 0.7, 0.1, 0.1)), []
    whole = BeatClasses(4, head(0.1, 0.7, 0.1, 0.1)).step(Rhythm(4).step(block).beats, block, fibrillates)
    for start in range(0, block.n_hops, hops):
        piece = cut(block, start, min(start + hops, block.n_hops))
        found.append(classes.step(rhythm.step(piece).beats, piece, fibrillates[:, start : start + hops]))
    for row in rows:
        told = np.concatenate([one.label[one.row == row] for one in found])
        assert told.tolist() == whole.label[whole.row == row].tolist() and len(set(told.tolist())) == 2


@pytest.mark.parametrize("lost", [None, head()], ids=["no head", "a head that fails"])
def test_without_a_head_the_rules_word_stands(ward, lost):
    beats, block = ward
    told = BeatClasses(1, lost).step(beats, block, fibrillating(block))
    ventricular = beats.ventricular[: len(told.sample)]
    assert ventricular.any() and np.array_equal(told.label == CLASSES.index("V"), ventricular)


@pytest.mark.parametrize(
    ("features", "classes"), [(("a", "b"), TAUGHT), (FEATURES, TAUGHT[:4])], ids=["measures", "classes"]
)
def test_a_head_fitted_on_other_measures_or_for_other_classes_is_refused(tmp_path, features, classes):
    random, n = np.random.default_rng(0), len(classes)
    trees = fit(random.normal(size=(20 * n, len(features))), np.arange(20 * n) % n, features, n, {}, 2)
    save_head(trees, tmp_path, name="beats", features=features, classes=classes, thresholds=THRESHOLDS, seen={})
    with pytest.raises(ModelError, match="fit it again"):
        load_beat_head(tmp_path)


def test_the_shipped_head_has_not_seen_ds2():
    from ecgstream.evaluation.model_beats import DS2

    shipped = load_beat_head()
    assert len(shipped.manifest.seen["mitdb"]) == 22 and not set(shipped.manifest.seen["mitdb"]) & set(DS2)
    assert shipped.manifest.classes == TAUGHT
