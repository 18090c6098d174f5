"""A new diagnosis from ten positive recordings: a head on a trunk that was never told it, or from scratch.

    python benchmarks/transfer.py DATA --out transfer.json

CLBBB, CRBBB and PVC were named beforehand. Each fold of PTB-XL's patients is the test in turn: its trunk has met none
of the fold's recordings, and no statement of any recording that states one of the three: of those in the other folds
it has the signal alone. Heads see ten seconds at once. They are taught by 10 positive recordings of the other folds and
four times as many others, a fifth of them to stop by, and tested on the whole fold. Every seed is tested on all folds,
so on every patient once: it draws the recordings, the others among them, the first weights and the crops.

The trunk is that of ``training.broad``. It was chosen on IRBBB, LAFB, PAC and AFIB, withheld from it for the purpose,
and on no result of the three. How heads are taught, from scratch and fine-tuned, is as it was before, but that steps
of both, and of the trunk, are computed in bf16 to be done sooner.

What is asked was fixed before these runs: the gain over scratch in AUC, mean of folds and seeds, with two 95 %
intervals: Student's t over the seeds, and a bootstrap in which the patients of the test and the seeds are drawn anew,
both ways judged on the same draw. **A trunk counts as worth it if, at 10 positives, both intervals of the fine-tuned
one's gain lie above 0 for two of the three.** Beside it: average precision, the frozen trunk with the first seed alone,
and each fold's gain. Seeds 0 to 9 had been seen with another trunk; these are 10 to 14.

What is done is written at once: stopped, it goes on where it was.
"""

from __future__ import annotations

import argparse
import copy
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import torch
from scipy import stats

from ecgstream.evaluation.label_scores import label_aucs, patient_draws
from ecgstream.heads.fitting import FOLDS
from ecgstream.labelled import LabelledRecords, targets
from ecgstream.labelled.reading import read_ptbxl
from ecgstream.models.trunk import Classifier, Trunk, build_trunk
from ecgstream.training import finetune
from ecgstream.training.broad import STEPS, fit_broad
from ecgstream.training.finetune import CHECK_EVERY, PATIENCE, Parts, balanced, fit_head
from ecgstream.training.foundation import CNN_SETTINGS, CNN_TEACHING, DROPOUT
from ecgstream.training.loop import Schedule
from ecgstream.training.supervised import fit_labels, predict_logits

NEW = ("CLBBB", "CRBBB", "PVC")
POSITIVES, OTHERS = (10,), 4
"""Recordings with the diagnosis, and how many times as many without."""
SEEDS = (10, 11, 12, 13, 14)
WAYS = ("scratch", "fine-tuned", "frozen")
TEACHING = replace(CNN_TEACHING, batch=16, crop_s=10.0, test_crops=1, bf16=True)


def trunk_without(records: LabelledRecords, fold: int, checkpoint: Path) -> Trunk:
    """The convolutional trunk, taught by the other folds; of recordings with a new diagnosis by their signal alone."""
    known = records.take(records.fold != fold)
    told = np.array([not each & set(NEW) for each in known.stated])
    return fit_broad(known, told, 7, STEPS, checkpoint)


def few(records: LabelledRecords, label: np.ndarray, number: int, fold: int, seed: int) -> tuple[np.ndarray, Parts]:
    """Rows to learn from, none of ``fold``, and which of them to fit on and which to stop by."""
    rng, open_to = np.random.default_rng(seed), records.fold != fold
    positive = rng.permutation(np.flatnonzero(open_to & (label == 1)))[:number]
    others = rng.permutation(np.flatnonzero(open_to & (label == 0)))[: OTHERS * number]
    rows = np.concatenate([positive, others])
    stop = np.concatenate([np.arange(len(part)) % 5 == 0 for part in (positive, others)])
    return rows, Parts(~stop, stop, np.zeros(len(rows), bool))


def from_scratch(records: LabelledRecords, label: np.ndarray, parts: Parts, seed: int) -> Classifier:
    """The same network, untrained, taught as long as it gains on the part to stop by."""
    torch.manual_seed(seed)
    classifier = Classifier(build_trunk("foundation_cnn", CNN_SETTINGS), 1, DROPOUT)
    wanted = label[:, None].astype(np.float32)
    schedule = Schedule(finetune.STEPS, seed, peak_rate=3e-3, average=0.95, check_every=CHECK_EVERY, patience=PATIENCE)
    fit_labels(
        classifier, records.take(parts.fit), wanted[parts.fit], schedule, TEACHING,
        validation=(records.take(parts.validation), wanted[parts.validation]), weight=balanced(label[parts.fit]),
        title="scratch",
    )  # fmt: skip
    return classifier


def said_of_fold(
    records: LabelledRecords, trunk: Callable[[int], Trunk], name: str, number: int, way: str, fold: int, seed: int
) -> list[float]:
    """Logits of the fold's recordings by a head for ``name`` taught one of the ways."""
    label = targets(records.stated, [name])[:, 0].astype(int)
    rows, parts = few(records, label, number, fold, seed)
    known = records.take(rows)
    if way == "scratch":
        classifier = from_scratch(known, label[rows], parts, seed)
    else:
        start = copy.deepcopy(trunk(fold))
        classifier = fit_head(start, known, label[rows], parts, TEACHING, seed, frozen=way == "frozen")
    return predict_logits(classifier, records.take(records.fold == fold), TEACHING)[:, 0].round(4).tolist()


def keyed(*parts: str | int) -> str:
    """Name of a run: diagnosis, positives, way, fold, seed."""
    return " ".join(map(str, parts))


def runs(numbers: Sequence[int], seeds: Sequence[int], names: Sequence[str]) -> Iterator[tuple]:
    """Diagnosis, positives, way, fold and seed of every run, one seed after the other; frozen with the first alone."""
    for number, seed, fold, name, way in product(numbers, seeds, range(FOLDS), names, WAYS):
        if way != "frozen" or seed == SEEDS[0]:
            yield name, number, way, fold, seed


def precisions(truth: np.ndarray, scores: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Average precision (D, L) of ``scores`` (N, L) for one ``truth`` (N,), recordings counted by ``weight`` (D, N)."""
    found = []
    for score in scores.T:
        order = np.argsort(-score, kind="stable")
        ends = np.flatnonzero(np.r_[np.diff(score[order]) != 0, True])
        above = np.cumsum(weight[:, order] * truth[order], axis=1)[:, ends]
        all_above = np.cumsum(weight[:, order], axis=1)[:, ends]
        hits = np.diff(above, axis=1, prepend=0)
        sums = (hits * above / np.maximum(all_above, 1)).sum(axis=1)
        found.append(np.divide(sums, above[:, -1], out=np.full(len(weight), np.nan), where=above[:, -1] > 0))
    return np.stack(found, axis=1)


def aucs(truth: np.ndarray, scores: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """AUC (D, L), as ``precisions``."""
    return label_aucs(np.repeat(truth[:, None], scores.shape[1], axis=1), scores, weight)


MEASURES: dict[str, Callable] = {"auc": aucs, "average precision": precisions}


def row(records: LabelledRecords, logits: dict, name: str, number: int, seeds: Sequence[int]) -> dict:
    """Of a diagnosis and number of positives: each way's figures, and gains over scratch with both intervals."""
    truth = targets(records.stated, [name])[:, 0]
    draws = np.concatenate([np.ones((1, len(truth)), int), patient_draws(records.patient)])
    result: dict = {"positives in the test": int(truth.sum())}
    for measure, of in MEASURES.items():
        result[measure] = {}
        for way in WAYS:
            ran = [seed for seed in seeds if keyed(name, number, way, 0, seed) in logits]
            figures, scratch = (
                judged(records.fold, truth, logits, draws, of, (name, number, each), ran) for each in (way, WAYS[0])
            )
            result[measure][way] = round(float(figures[:, 0].mean()), 4)
            if way != WAYS[0]:
                result[measure][f"{way}, gain"] = gain(figures - scratch)
    return result


def judged(
    fold: np.ndarray, truth: np.ndarray, logits: dict, draws: np.ndarray, of: Callable, what: tuple,
    seeds: Sequence[int],
) -> np.ndarray:  # fmt: skip
    """A measure of every fold, draw and seed (K, D, S), NaN where a draw leaves a fold no positive."""
    by_fold = []
    for k in range(FOLDS):
        said = np.array([logits[keyed(*what, k, seed)] for seed in seeds]).T
        by_fold.append(of(truth[fold == k], said, draws[:, fold == k]))
    return np.array(by_fold)


def gain(by_fold: np.ndarray) -> dict[str, float | list[float]]:
    """Mean gain and its 95 % intervals from (K, 1 + D, S): the test as it is, then D times patients drawn anew.

    Over seeds by Student's t; over patients and seeds by percentiles, as many seeds drawn anew in each draw.
    """
    by_draw = np.nanmean(by_fold, axis=0)
    seen, drawn = by_draw[0], by_draw[1:]
    n = len(seen)
    which = np.random.default_rng(0).integers(0, n, drawn.shape)
    result = {"mean": seen.mean(), "by fold": by_fold[:, 0].mean(axis=1)}
    if n > 1:
        result["over seeds"] = seen.mean() + stats.t.ppf(0.975, n - 1) * stats.sem(seen) * np.array([-1, 1])
    result["over patients and seeds"] = np.percentile(np.take_along_axis(drawn, which, 1).mean(axis=1), [2.5, 97.5])
    return {name: np.round(value, 4).tolist() for name, value in result.items()}


def main() -> None:
    """Run what is left, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("transfer.json"))
    parser.add_argument("--positives", type=int, nargs="*", default=POSITIVES, help="recordings with the diagnosis")
    parser.add_argument("--only", choices=NEW, nargs="*", default=NEW, help="of the three")
    parser.add_argument("--seeds", type=int, nargs="*", default=SEEDS, help="each is tested on every fold")
    options = parser.parse_args()
    kept = Path(".cache")
    records = read_ptbxl(options.data, kept)
    done = json.loads(options.out.read_text()) if options.out.exists() else {"logits": {}}

    @cache
    def trunk(fold: int) -> Trunk:
        return trunk_without(records, fold, kept / f"transfer-broad-{fold}.pt")

    for run in runs(options.positives, options.seeds, options.only):
        if (key := keyed(*run)) not in done["logits"]:
            done["logits"][key] = said_of_fold(records, trunk, *run)
            options.out.write_text(json.dumps(done))
    done["table"] = {
        f"{name}, {number}": row(records, done["logits"], name, number, options.seeds)
        for number, name in product(options.positives, options.only)
    }
    options.out.write_text(json.dumps(done))
    print(json.dumps(done["table"], indent=1))


if __name__ == "__main__":
    main()
