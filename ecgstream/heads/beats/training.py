"""Fitting the beat head on DS1 and its variants; what it scores on records that were left out of the fit."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
from rich.table import Table

from ...beats import FEATURES
from ...diagnosis.early import TAUGHT, TOLD, EarlyBeats, weighed
from ...evaluation.beats import SKIP_S
from ...evaluation.ec57 import CLASSES, figures
from ...evaluation.ec57 import NO_BEAT as NO_PARTNER
from ..fitting import fit, fold_of, out_of_fold
from ..head import Head, HeadManifest, load_head, save_head
from .examples import DATA_SET, FLUTTER, NO_BEAT, Examples, code_hash, joined, load_examples
from .strips import CINC2017, PTBXL, load_strips
from .variants import MOVED

OPTIONS = {
    "learning_rate": 0.08, "num_leaves": 7, "min_data_in_leaf": 40, "max_bin": 63, "lambda_l2": 5.0,
    "feature_fraction": 0.2, "bagging_fraction": 0.7, "bagging_freq": 1,
}  # fmt: skip
ROUNDS = 300
CLASS_WEIGHT = (1.0, 1.0, 1.0, 0.3, 1.0)
CROWDING = 0.8
"""n beats of one class in one recording weigh as n to the power of one less this: no patient speaks for all."""
NORMAL_SHARE = 0.2
"""Of the normal beats of variants, which are many and alike."""
STRIPS_SHARE = {CINC2017: 0.3, PTBXL: 0.2}
"""What all strips of a data set weigh together, against DS1 and its variants."""
PAUSED_WEIGHT = 3.0
"""What beats of made pauses weigh more than those of other variants: measures that tell the intervals before an early
beat from others tell those before a pause from others, too."""
OF_THE_RECORDER = frozenset(
    ("polarity_1", "polarity_2", "usual_polarity_1", "usual_polarity_2", "quality", "quality_least", "leads", "known")
)
"""Measures that tell recorders and patients apart rather than beats. No tree asks for them."""
MOST_FALSE = {"S": 0.0008, "V": 0.005}
"""Of the normal beats of hand-held strips, told so: what is gained on DS1 is not to be paid for there."""
ODDS = np.geomspace(0.1, 64, 27)
FUSION_ODDS = (1.0, 3.0, 9.0)
WHOLE = "whole"
PAUSED = "made to pause"
CARD = "card.md"


def train(data: Path, out: Path, cache: Path) -> dict[str, Any]:
    """Fit the head on DS1 in ``data`` and write its directory ``out``; cross-validated figures by variant and record.

    Thresholds are chosen on the cross-validated probabilities. Raises RecordError when a recording cannot be read.
    """
    examples = read_all(data, cache)
    probability = cross_validated(examples)
    thresholds = choose_thresholds(examples, probability)
    manifest = save(fit_on(examples, np.ones(len(examples.label), bool)), out, examples, thresholds)
    found = score(examples, told_in_turn(examples, probability, thresholds))
    (out / CARD).write_text(card(manifest, found))
    return found


def fold_heads(data: Path, cache: Path, thresholds: dict[str, float]) -> Callable[[str], Head]:
    """For a record of DS1, the head fitted without the record's fold; fitted when first asked for, and cached."""

    @functools.cache
    def of_fold(fold: int) -> Head:
        """The head fitted without this fold, from its folder where it lies there."""
        folder = cache / f"beats-{code_hash(Path(__file__))}-fold-{fold}"
        if not (folder / "manifest.json").exists():
            examples = read_all(data, cache)
            train = examples.fold != fold
            save(fit_on(examples, train), folder, examples.take(train), thresholds)
        head = load_head("beats", folder)
        return replace(head, manifest=replace(head.manifest, thresholds=thresholds))

    return lambda record: of_fold(fold_of(DATA_SET, record))


def read_all(data: Path, cache: Path) -> Examples:
    """DS1, its variants, and strips. Raises RecordError when a recording cannot be read."""
    return joined(load_examples(data, cache), load_strips(data, cache))


def cross_validated(examples: Examples) -> np.ndarray:
    """How likely TOLD are, (K, 4), of all beats by trees that have not seen their fold, weighed as a bed's are."""

    def judge(train: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        trees = fit_on(examples, train)
        return lambda rows: trees.predict(examples.features[rows], num_threads=1)

    probability = out_of_fold(examples.fold, judge, len(TAUGHT))
    return weighed(probability, examples.features, examples.fibrillates)


def fit_on(examples: Examples, train: np.ndarray) -> lightgbm.Booster:
    """Trees fitted on the beats marked in ``train`` (K,). What is found where electrodes move and is no beat is taught
    as N: it must be taken for nothing else. N is A where the atria are known to be in no order."""
    chosen = np.random.default_rng(1).random(len(train)) < NORMAL_SHARE
    label = np.where((examples.label == NO_BEAT) & (examples.variant == MOVED), 0, examples.label)
    used = train & (label != NO_BEAT) & (label < len(TOLD))
    used &= chosen | (label != 0) | (examples.variant == WHOLE)
    label = np.where((label == 0) & examples.unordered, TAUGHT.index("A"), label)[used]
    weight = _weight(label, examples.record[used], examples.variant[used])
    asked = [float(name not in OF_THE_RECORDER) for name in FEATURES]
    options = OPTIONS | {"feature_contri": asked}
    return fit(examples.features[used], label, FEATURES, len(TAUGHT), options, ROUNDS, weight)


def _weight(label: np.ndarray, record: np.ndarray, variant: np.ndarray) -> np.ndarray:
    group = np.char.add(np.char.add(record, variant), label.astype(str))
    _, place, count = np.unique(group, return_inverse=True, return_counts=True)
    weight = np.array(CLASS_WEIGHT)[label] * count[place] ** -CROWDING
    of_strips = {name: variant == name for name in STRIPS_SHARE}
    others = weight[~np.logical_or.reduce(list(of_strips.values()))].sum()
    for name, rows in of_strips.items():
        weight[rows] *= STRIPS_SHARE[name] * others / max(weight[rows].sum(), 1e-9)
    weight[variant == PAUSED] *= PAUSED_WEIGHT
    return weight / weight.mean()


def told(probability: np.ndarray, thresholds: dict[str, float]) -> np.ndarray:
    """Class of each row: the greatest probability against its threshold, S taken for rare."""
    return (probability / np.array([thresholds[name] for name in TOLD])).argmax(1)


def told_in_turn(examples: Examples, probability: np.ndarray, thresholds: dict[str, float]) -> np.ndarray:
    """Class of each row as a bed is told it: S more readily where many beats before it were. Every piece of a variant
    is a bed of its own."""
    of = np.char.add(examples.record, examples.variant)
    begins = (of[1:] != of[:-1]) | (np.diff(examples.time_s) < 0)
    bed = np.concatenate(([0], np.cumsum(begins)))
    return EarlyBeats(bed[-1] + 1).told(bed, probability, examples.features, thresholds)


def choose_thresholds(examples: Examples, probability: np.ndarray) -> dict[str, float]:
    """Those, against 1 for N, with which the lesser of Se and +P is greatest, in the sum of VEB and SVEB over whole
    recordings: what is asked of a monitor is asked of both alike. Of the normal beats of CinC 2017 at most
    ``MOST_FALSE`` are told S and V by them."""
    rows = _scored(examples, WHOLE)
    label, of_whole = examples.label[rows], probability[rows]
    of_normal = probability[(examples.variant == CINC2017) & (examples.label == 0)]

    def worth(tried: tuple[float, ...]) -> float:
        thresholds = dict(zip(TOLD, tried, strict=True))
        false = np.bincount(told(of_normal, thresholds), minlength=len(TOLD))
        if any(false[TOLD.index(name)] > most * len(of_normal) for name, most in MOST_FALSE.items()):
            return -1.0
        of = figures(_counts(label, told(of_whole, thresholds)))
        return sum(min(f["se"] or 0.0, f["ppv"] or 0.0) for f in (of["veb"], of["sveb"]))

    best = max(itertools.product((1.0,), ODDS.tolist(), ODDS.tolist(), FUSION_ODDS), key=worth)
    return dict(zip(TOLD, best, strict=True))


def score(examples: Examples, found: np.ndarray) -> dict[str, Any]:
    """Figures of VEB and SVEB by variant, and by record of whole recordings. QRS that were missed are not in them."""
    by_variant = {
        variant: figures(_counts(examples.label[rows], found[rows]))
        for variant in np.unique(examples.variant).tolist()
        for rows in [_scored(examples, variant)]
    }
    whole = _scored(examples, WHOLE)
    by_record = {
        record: figures(_counts(examples.label[rows], found[rows]))
        for record in np.unique(examples.record[whole]).tolist()
        for rows in [whole & (examples.record == record)]
    }
    return {"by_variant": by_variant, "by_record": by_record}


def _scored(examples: Examples, variant: str) -> np.ndarray:
    rows = (examples.variant == variant) & (examples.label != FLUTTER)
    return rows & (examples.time_s >= (SKIP_S if variant == WHOLE else 0.0))


def _counts(label: np.ndarray, found: np.ndarray) -> np.ndarray:
    counts = np.zeros((len(CLASSES) + 1,) * 2, np.int64)
    np.add.at(counts, (np.where(label == NO_BEAT, NO_PARTNER, label), found), 1)
    return counts


def save(trees: lightgbm.Booster, out: Path, examples: Examples, thresholds: dict[str, float]) -> HeadManifest:
    """Write the directory of a head that was fitted on ``examples``."""
    seen = {DATA_SET: [], "nstdb": ["bw", "ma", "118e_6"]}
    for record in np.unique(examples.record).tolist():
        data_set, _, name = record.rpartition("/")
        seen.setdefault(data_set or DATA_SET, []).append(name)
    return save_head(trees, out, name="beats", features=FEATURES, classes=TAUGHT, thresholds=thresholds, seen=seen)


def card(manifest: HeadManifest, found: dict[str, Any]) -> str:
    """What the head is and scores, as Markdown."""
    head = "| | VEB | Se % | +P % | SVEB | Se % | +P % |\n|---|---|---|---|---|---|---|\n"
    rows = [
        head + "".join(_row(name, of) for name, of in found[group].items()) for group in ("by_variant", "by_record")
    ]
    return (Path(__file__).parent / "card.md").read_text().format(
        version=f"{manifest.name}@{manifest.sha256[:12]}", features=len(manifest.features), rounds=ROUNDS,
        thresholds=", ".join(f"{name} {value:.2f}" for name, value in manifest.thresholds.items()),
        by_variant=rows[0], by_record=rows[1],
    )  # fmt: skip


def _row(name: str, of: dict[str, Any]) -> str:
    return f"| {name} | {' | '.join(_cells(of))} |\n"


def _cells(of: dict[str, Any]) -> list[str]:
    figures_of = (of["veb"], of["sveb"])
    return [text for f in figures_of for text in (str(f["tp"] + f["fn"]), _share(f["se"]), _share(f["ppv"]))]


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"


def classes_table(found: dict[str, Any]) -> Table:
    """What ``train`` found, for people."""
    table = Table(title="Classes of found beats, cross-validated by record")
    for heading in ("", "VEB", "Se %", "+P %", "SVEB", "Se %", "+P %"):
        table.add_column(heading, justify="right" if heading else "left")
    for group in ("by_variant", "by_record"):
        for name, of in found[group].items():
            table.add_row(name, *_cells(of))
        table.add_section()
    return table
