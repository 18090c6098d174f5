"""A new diagnosis from at most 40 positive recordings: a head on a trunk that never met it, or from scratch.

    python benchmarks/transfer.py DATA --out transfer.json

CLBBB, CRBBB and PVC were named beforehand. The trunk is trained on PTB-XL without fold 4 and without any recording that
states one of the three. Each head is then taught by 10 or by up to 40 positive recordings and four times as many others
of folds 0 to 3 (a fifth of them to stop by) and tested on all of fold 4. How heads are fine-tuned was chosen on folds 0
to 3. What is done is written at once: stopped, it goes on where it was.
"""

from __future__ import annotations

import argparse
import copy
import json
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import torch

from ecgstream.evaluation.label_scores import label_aucs, patient_draws
from ecgstream.labelled import LabelledRecords, targets
from ecgstream.labelled.reading import read_ptbxl
from ecgstream.models.trunk import Classifier, Trunk, build_trunk
from ecgstream.training.finetune import CHECK_EVERY, PATIENCE, STEPS, Parts, balanced, fit_head
from ecgstream.training.foundation import CNN_SETTINGS, CNN_TEACHING, DROPOUT, taught_by
from ecgstream.training.loop import Schedule
from ecgstream.training.supervised import fit_labels, predict_logits

NEW = ("CLBBB", "CRBBB", "PVC")
SEEDS = range(5)
POSITIVES, OTHERS = (10, 40), 4
"""Recordings with the diagnosis, and how many times as many without."""
TEST_FOLD = 4
TEACHING = replace(CNN_TEACHING, batch=32, test_crops=3)
WAYS = ("scratch", "frozen", "fine-tuned")


def trunk_without(records: LabelledRecords, passes: int, cache: Path) -> Trunk:
    """The convolutional trunk, taught everything but the new diagnoses, by recordings without them."""
    kept = np.array([not each & set(NEW) for each in records.stated]) & (records.fold != TEST_FOLD)
    taught = taught_by(records.take(kept))
    assert not set(NEW) & set(taught.labels)
    torch.manual_seed(7)
    classifier = Classifier(build_trunk("foundation_cnn", CNN_SETTINGS), len(taught.labels), DROPOUT)
    steps = passes * (len(taught.records) // CNN_TEACHING.batch)
    schedule = Schedule(steps, 7, peak_rate=3e-3, average=0.99, save_every=50)
    checkpoint = cache / f"transfer-trunk-{passes}.pt"
    fit_labels(classifier, taught.records, taught.targets, schedule, CNN_TEACHING, checkpoint=checkpoint, title="trunk")
    return classifier.trunk


def few(records: LabelledRecords, label: np.ndarray, number: int, seed: int) -> tuple[np.ndarray, Parts]:
    """Rows to learn from, and which of them to fit on and which to stop by."""
    rng, open_to = np.random.default_rng(seed), records.fold != TEST_FOLD
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
    schedule = Schedule(STEPS, seed, peak_rate=3e-3, average=0.95, check_every=CHECK_EVERY, patience=PATIENCE)
    fit_labels(
        classifier, records.take(parts.fit), wanted[parts.fit], schedule, TEACHING,
        validation=(records.take(parts.validation), wanted[parts.validation]), weight=balanced(label[parts.fit]),
        title="scratch",
    )  # fmt: skip
    return classifier


def taught_way(
    way: str, trunk: Trunk, records: LabelledRecords, label: np.ndarray, parts: Parts, seed: int
) -> Classifier:
    """A classifier of one label, taught one of the three ways."""
    if way == "scratch":
        return from_scratch(records, label, parts, seed)
    return fit_head(copy.deepcopy(trunk), records, label, parts, TEACHING, seed, frozen=way == "frozen")


def table(found: dict[str, list[float]], names: list[str], numbers: list[int], records: LabelledRecords) -> dict:
    """Mean AUC of each way and its gain over scratch, with 95 % intervals over patients and seeds."""
    test = records.take(records.fold == TEST_FOLD)
    draws, rng = patient_draws(test.patient), np.random.default_rng(0)
    seeds = rng.integers(0, len(SEEDS), (len(draws), len(SEEDS)))
    result: dict = {}
    for name in names:
        truth = targets(test.stated, [name])
        for number in numbers:
            said = {way: [np.array(found[keyed(name, number, way, seed)]) for seed in SEEDS] for way in WAYS}
            positive = int(truth.sum())
            result[f"{name}, {number}"] = {"positives in the test": positive} | compared(said, truth, draws, seeds)
    return result


def keyed(name: str, number: int, way: str, seed: int) -> str:
    """Name of a run."""
    return f"{name} {number} {way} {seed}"


def compared(said: dict[str, list[np.ndarray]], truth: np.ndarray, draws: np.ndarray, seeds: np.ndarray) -> dict:
    """Each way's mean AUC of ``said`` (N,) by seed, and gain over scratch, over the same draws."""
    drawn = {
        way: np.stack([label_aucs(truth, one[:, None], draws)[:, 0] for one in each]) for way, each in said.items()
    }
    value = {way: np.mean([label_aucs(truth, one[:, None])[0] for one in each]) for way, each in said.items()}
    mean = {way: np.stack([each[rows, k] for k, rows in enumerate(seeds)]).mean(axis=1) for way, each in drawn.items()}
    result: dict = {}
    for way in said:
        result[way] = {"auc": round(float(value[way]), 4), "ci95": _interval(mean[way])}
        if way != "scratch":
            gain = round(float(value[way] - value["scratch"]), 4)
            result[way] |= {"gain": gain, "gain_ci95": _interval(mean[way] - mean["scratch"])}
    return result


def _interval(values: np.ndarray) -> list[float]:
    return [round(float(each), 4) for each in np.nanpercentile(values, [2.5, 97.5])]


def main() -> None:
    """Run what is left, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("transfer.json"))
    parser.add_argument("--only", choices=NEW, nargs="*", default=NEW, help="of the three")
    parser.add_argument("--positives", type=int, nargs="*", default=POSITIVES, help="recordings with the diagnosis")
    parser.add_argument("--passes", type=int, default=20, help="of the trunk over its recordings")
    options = parser.parse_args()
    cache = Path(".cache")
    records = read_ptbxl(options.data, cache)
    trunk = trunk_without(records, options.passes, cache)
    done = json.loads(options.out.read_text()) if options.out.exists() else {"logits": {}}
    test = records.take(records.fold == TEST_FOLD)
    for number, name, seed, way in product(options.positives, options.only, SEEDS, WAYS):
        if (key := keyed(name, number, way, seed)) not in done["logits"]:
            label = targets(records.stated, [name])[:, 0].astype(int)
            rows, parts = few(records, label, number, seed)
            classifier = taught_way(way, trunk, records.take(rows), label[rows], parts, seed)
            done["logits"][key] = predict_logits(classifier, test, TEACHING)[:, 0].round(4).tolist()
            options.out.write_text(json.dumps(done))
    done["table"] = table(done["logits"], options.only, options.positives, records)
    options.out.write_text(json.dumps(done))
    print(json.dumps(done["table"], indent=1))


if __name__ == "__main__":
    main()
