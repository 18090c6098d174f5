"""A new diagnosis from at most 40 positive recordings: a head on a trunk that never met it, or from scratch.

    python benchmarks/transfer.py DATA --out transfer.json

CLBBB, CRBBB and PVC were named beforehand. Each fold of PTB-XL's patients is the test in turn: its trunk is trained
without the fold and without any recording that states one of the three. Heads are then taught by 40 or by 10 positive
recordings (or as many as there are) of the other folds and four times as many others, a fifth of them to stop by, and
tested on the whole fold, with a seed of its own.

What is asked was fixed before the test was looked at: the gain over scratch in AUC, mean of the folds; average
precision beside it. What is done is written at once: stopped, it goes on where it was.
"""

from __future__ import annotations

import argparse
import copy
import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import torch
from scipy import stats
from sklearn.metrics import average_precision_score, roc_auc_score

from ecgstream.heads.fitting import FOLDS
from ecgstream.labelled import LabelledRecords, targets
from ecgstream.labelled.reading import read_ptbxl
from ecgstream.models.trunk import Classifier, Trunk, build_trunk
from ecgstream.training.finetune import CHECK_EVERY, PATIENCE, STEPS, Parts, balanced, fit_head
from ecgstream.training.foundation import CNN_SETTINGS, CNN_TEACHING, DROPOUT, taught_by
from ecgstream.training.loop import Schedule
from ecgstream.training.supervised import Teaching, fit_labels, predict_logits

NEW = ("CLBBB", "CRBBB", "PVC")
POSITIVES, OTHERS = (40, 10), 4
"""Recordings with the diagnosis, and how many times as many without."""
WAYS = ("scratch", "frozen", "fine-tuned")
CROPS = replace(CNN_TEACHING, batch=32, test_crops=4)  # four crops of 2.5 s are the whole recording
WHOLE = replace(CNN_TEACHING, batch=16, crop_s=10.0, test_crops=1)


def trunk_without(records: LabelledRecords, fold: int, passes: int, checkpoint: Path) -> Trunk:
    """The convolutional trunk, taught everything but the new diagnoses, by recordings without them."""
    kept = np.array([not each & set(NEW) for each in records.stated]) & (records.fold != fold)
    taught = taught_by(records.take(kept))
    assert not set(NEW) & set(taught.labels)
    torch.manual_seed(7)
    classifier = Classifier(build_trunk("foundation_cnn", CNN_SETTINGS), len(taught.labels), DROPOUT)
    steps = passes * (len(taught.records) // CNN_TEACHING.batch)
    schedule = Schedule(steps, 7, peak_rate=3e-3, average=0.99, save_every=50)
    fit_labels(classifier, taught.records, taught.targets, schedule, CNN_TEACHING, checkpoint=checkpoint, title="trunk")
    return classifier.trunk


def few(records: LabelledRecords, label: np.ndarray, number: int, fold: int, seed: int) -> tuple[np.ndarray, Parts]:
    """Rows to learn from, none of ``fold``, and which of them to fit on and which to stop by."""
    rng, open_to = np.random.default_rng(seed), records.fold != fold
    positive = rng.permutation(np.flatnonzero(open_to & (label == 1)))[:number]
    others = rng.permutation(np.flatnonzero(open_to & (label == 0)))[: OTHERS * number]
    rows = np.concatenate([positive, others])
    stop = np.concatenate([np.arange(len(part)) % 5 == 0 for part in (positive, others)])
    return rows, Parts(~stop, stop, np.zeros(len(rows), bool))


def from_scratch(
    records: LabelledRecords, label: np.ndarray, parts: Parts, teaching: Teaching, seed: int
) -> Classifier:
    """The same network, untrained, taught as long as it gains on the part to stop by."""
    torch.manual_seed(seed)
    classifier = Classifier(build_trunk("foundation_cnn", CNN_SETTINGS), 1, DROPOUT)
    wanted = label[:, None].astype(np.float32)
    schedule = Schedule(STEPS, seed, peak_rate=3e-3, average=0.95, check_every=CHECK_EVERY, patience=PATIENCE)
    fit_labels(
        classifier, records.take(parts.fit), wanted[parts.fit], schedule, teaching,
        validation=(records.take(parts.validation), wanted[parts.validation]), weight=balanced(label[parts.fit]),
        title="scratch",
    )  # fmt: skip
    return classifier


def said_of_fold(
    records: LabelledRecords, trunk: Callable[[int], Trunk], teaching: Teaching, name: str, number: int, way: str,
    fold: int,
) -> list[float]:  # fmt: skip
    """Logits of the fold's recordings by a head for ``name`` taught one of the ways."""
    label, seed = targets(records.stated, [name])[:, 0].astype(int), fold
    rows, parts = few(records, label, number, fold, seed)
    known = records.take(rows)
    if way == "scratch":
        classifier = from_scratch(known, label[rows], parts, teaching, seed)
    else:
        start = copy.deepcopy(trunk(fold))
        classifier = fit_head(start, known, label[rows], parts, teaching, seed, frozen=way == "frozen")
    return predict_logits(classifier, records.take(records.fold == fold), teaching)[:, 0].round(4).tolist()


def keyed(*parts: str | int) -> str:
    """Name of a run: diagnosis, positives, way, fold."""
    return " ".join(map(str, parts))


MEASURES: dict[str, Callable] = {"auc": roc_auc_score, "average precision": average_precision_score}


def row(records: LabelledRecords, logits: dict, name: str, number: int) -> dict:
    """Of a diagnosis and number of positives: each way's figures, and gains over scratch with 95 % intervals."""
    result: dict = {"positives in the test": int(targets(records.stated, [name]).sum())}
    for measure, of in MEASURES.items():
        figures = {way: judged(records, logits, of, (name, number, way)) for way in WAYS}
        result[measure] = {way: shown(figures[way]) for way in WAYS}
        for way in WAYS[1:]:
            result[measure][f"{way}, gain"] = shown(figures[way] - figures["scratch"])
    return result


def judged(records: LabelledRecords, logits: dict, of: Callable, what: tuple[str, int, str]) -> np.ndarray:
    """A measure of every fold (FOLDS,)."""
    truth, fold = targets(records.stated, [what[0]])[:, 0], records.fold
    return np.array([of(truth[fold == k], logits[keyed(*what, k)]) for k in range(FOLDS)])


def shown(by_fold: np.ndarray) -> list[float]:
    """Mean of the folds, and its 95 % interval by Student's t over them: other patients and another seed in each."""
    value = by_fold.mean()
    error = stats.t.ppf(0.975, len(by_fold) - 1) * stats.sem(by_fold)
    return [round(float(each), 4) for each in (value, value - error, value + error)]


def main() -> None:
    """Run what is left, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("transfer.json"))
    parser.add_argument("--positives", type=int, nargs="*", default=POSITIVES, help="recordings with the diagnosis")
    parser.add_argument("--only", choices=NEW, nargs="*", default=NEW, help="of the three")
    parser.add_argument("--whole", action="store_true", help="heads see ten seconds at once (a file of its own)")
    parser.add_argument("--passes", type=int, default=20, help="of a trunk over its recordings")
    options = parser.parse_args()
    kept, teaching = Path(".cache"), WHOLE if options.whole else CROPS
    records = read_ptbxl(options.data, kept)
    done = json.loads(options.out.read_text()) if options.out.exists() else {"logits": {}}

    @cache
    def trunk(fold: int) -> Trunk:
        checkpoint = kept / f"transfer-trunk-{options.passes}-{fold}.pt"
        return trunk_without(records, fold, options.passes, checkpoint)

    for number, fold, name, way in product(options.positives, range(FOLDS), options.only, WAYS):
        if (key := keyed(name, number, way, fold)) not in done["logits"]:
            done["logits"][key] = said_of_fold(records, trunk, teaching, name, number, way, fold)
            options.out.write_text(json.dumps(done))
    done["table"] = {
        f"{name}, {number}": row(records, done["logits"], name, number)
        for number, name in product(options.positives, options.only)
    }
    options.out.write_text(json.dumps(done))
    print(json.dumps(done["table"], indent=1))


if __name__ == "__main__":
    main()
