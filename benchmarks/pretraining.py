"""What pretraining is worth: ``python benchmarks/pretraining.py DATA --model runs/ecg_jepa --json pretraining.json``.

PTB-XL superclasses, macro AUC on the test fold of each seed. Fine-tuned from the model's weights against the same
network, schedule, data and seed from random ones, both beginning with the head of a linear probe (Kumar et al. 2022),
with a tenth and with all of the labels of the other folds; and a linear probe on the frozen trunk. Each start is taught
at a learning rate of its own, chosen on patients of the training folds. ``--against`` names a model pretrained in the
same way but for one thing (all attention instead of cross-pattern attention, say): probed, and fine-tuned with a tenth
of the labels, beside it. Runs already in the JSON file are not repeated.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from rich.console import Console
from rich.table import Table
from scipy import stats

from ecgstream.evaluation.label_scores import macro_auc
from ecgstream.labelled import LabelledRecords, targets
from ecgstream.labelled.reading import read_ptbxl
from ecgstream.labelled.statements import SUPERCLASSES
from ecgstream.models.card import SHEET, Card, write_card
from ecgstream.models.folder import load_network
from ecgstream.models.trunk import Classifier, build_trunk
from ecgstream.training.loop import Schedule
from ecgstream.training.probe import embeddings, probe, put_head
from ecgstream.training.supervised import Teaching, fit_labels, predict_logits

SEEDS = range(5)
"""Of the first weights, the draw of labels and the batches; seed k is tested on fold k."""
SHARES = {0.1: 120, 1.0: 400}
"""Of the training labels, and the steps of 16 crops taught from them."""
STARTS = ("scratch", "pretrained")
BASES = ("scratch", "probe", "pretrained")
"""What the others are held against; of several models, those of the first."""
RATES = (3e-4, 1e-3, 3e-3)
"""At their peak; each start takes the one that serves it best where CHOICE_SEEDS choose, at the smallest share."""
CHOICE_SEEDS = (0,)
AVERAGE = 0.98
"""Of weights from step to step."""
TEACHING = Teaching(crop_s=5.0, batch=16, fewer_leads=0.0, test_crops=2)


@dataclass(frozen=True)
class Split:
    """Rows of training and of test records, and their labels, of one seed and share."""

    train: np.ndarray  # rows
    taught: np.ndarray
    test: np.ndarray
    known: np.ndarray


def main(
    data: Path,
    model: Annotated[Path, typer.Option(help="A pretrained model directory.")] = Path("runs/ecg_jepa"),
    against: Annotated[list[Path] | None, typer.Option(help="Others, with all labels probed only.")] = None,
    json_file: Annotated[Path, typer.Option("--json")] = Path("pretraining.json"),
) -> None:
    """Do the runs that are missing, then print means and gains."""
    records = read_ptbxl(data, Path(".cache"))
    done = json.loads(json_file.read_text()) if json_file.exists() else {}

    def run(planned: dict) -> None:
        for key, score in planned.items():
            if key not in done:
                done[key] = score()
                print(f"{key}: {done[key]:.4f}", flush=True)
                json_file.write_text(json.dumps(done, indent=1) + "\n")

    starts = [(model, start) for start in STARTS]
    beside = [(other, "pretrained") for other in against or []]
    run(probes(records, [model, *(against or [])]))
    run(choices(records, starts + beside))
    least, *more = sorted(SHARES)
    run(trainings(records, starts + beside, [least], done))
    run(trainings(records, starts, more, done))
    Console().print(table(done))
    add_to_card(model, done)


def probes(records: LabelledRecords, models: list[Path]) -> dict:
    """Runs by name: linear probes of frozen trunks."""
    runs = {}
    for folder in models:
        told = cache(lambda f=folder: embeddings(load_network(f).trunk, records))  # once, for all splits
        for share in SHARES:
            for seed in SEEDS:
                key = named("probe", folder, share, seed)
                runs[key] = lambda t=told, s=share, k=seed: probed(split(records, s, k), t())
    return runs


def choices(records: LabelledRecords, starts: list[tuple[Path, str]]) -> dict:
    """Runs by name: each start (a model, and whether from its weights) at each rate, judged by another fold than the
    seed's own, which is not taught either."""
    share = min(SHARES)
    return {
        f"{named(start, model, share, seed)} choice {rate:g}": lambda m=model, w=start, k=seed, r=rate: trained(
            records, split(records, share, k, test=(k + 1) % 5, without=k), m, w, share, k, r
        )
        for model, start in starts
        for rate in RATES
        for seed in CHOICE_SEEDS
    }


def best_rate(model: Path, start: str, done: dict[str, float]) -> float:
    """Of RATES that of the highest mean over CHOICE_SEEDS."""
    share = min(SHARES)
    means = [
        np.mean([done[f"{named(start, model, share, k)} choice {rate:g}"] for k in CHOICE_SEEDS]) for rate in RATES
    ]
    return RATES[int(np.argmax(means))]


def trainings(
    records: LabelledRecords, starts: list[tuple[Path, str]], shares: list[float], done: dict[str, float]
) -> dict:
    """Runs by name: what the table compares, each start at the rate that ``done`` says is its best."""
    return {
        named(start, model, share, seed): lambda m=model, w=start, s=share, k=seed: trained(
            records, split(records, s, k), m, w, s, k, best_rate(m, w, done)
        )
        for share in shares
        for seed in SEEDS
        for model, start in starts
    }


def named(start: str, model: Path, share: float, seed: int) -> str:
    """A run's name: from where, which weights, sizes of the network, share and seed; from scratch, of no weights."""
    network = load_network(model)
    sizes = "-".join(str(value) for value in network.manifest.settings.values())
    return f"{start} {'-' if start == 'scratch' else network.version} {sizes} {share} {seed}"


def split(records: LabelledRecords, share: float, seed: int, test: int | None = None, without: int = -1) -> Split:
    """Fold ``test`` (unset: ``seed``) is for the test; of the other folds' patients, those of fold ``without`` left
    aside, a ``share`` is drawn."""
    fold, test = records.fold, seed if test is None else test
    train = np.flatnonzero((fold != test) & (fold != without))
    patients = np.unique(records.patient[train])
    drawn = np.random.default_rng(seed).permutation(patients)[: round(share * len(patients))]
    train, test_rows = train[np.isin(records.patient[train], drawn)], np.flatnonzero(fold == test)
    truth = targets(records.stated, SUPERCLASSES)
    return Split(train, truth[train], test_rows, truth[test_rows])


def probed(parts: Split, told: np.ndarray) -> float:
    """Macro AUC of a linear probe on embeddings ``told`` (N, D) of all records."""
    return macro_auc(parts.known, probe(told[parts.train], parts.taught, told[parts.test]))


def trained(
    records: LabelledRecords, parts: Split, model: Path, start: str, share: float, seed: int, rate: float
) -> float:
    """Macro AUC after training all weights, from the model's or from random ones."""
    network, taught = load_network(model), records.take(parts.train)
    torch.manual_seed(seed)
    fresh = build_trunk(network.manifest.network, network.manifest.settings)
    classifier = Classifier(network.trunk if start == "pretrained" else fresh, len(SUPERCLASSES), dropout=0.1)
    put_head(classifier, embeddings(classifier.trunk, taught), parts.taught)
    schedule = Schedule(steps=SHARES[share], seed=seed, peak_rate=rate, average=AVERAGE)
    fit_labels(classifier, taught, parts.taught, schedule, TEACHING, title=f"{start} {share} {seed} {rate:g}")
    return macro_auc(parts.known, predict_logits(classifier, records.take(parts.test), TEACHING))


def table(done: dict[str, float]) -> Table:
    """Means over seeds, and gains over each of BASES, paired by seed."""
    groups: dict[tuple[str, str, str, str], dict[str, float]] = {}
    for key, value in done.items():
        if "choice" not in key:
            *group, seed = key.split(" ")
            groups.setdefault(tuple(group), {})[seed] = value
    shown = Table("what", "labels", "macro AUC", *(f"over the first {base} [95 %]" for base in BASES))
    for (start, version, sizes, share), values in groups.items():
        beside = [next((v for g, v in groups.items() if (g[0], g[3]) == (base, share)), {}) for base in BASES]
        gains = ["" if base is values else gain(values, base) for base in beside]
        mean = f"{np.mean(list(values.values())):.4f} ({len(values)} seeds)"
        shown.add_row(f"{start} {version} {sizes}", share, mean, *gains)
    return shown


def gain(values: dict[str, float], base: dict[str, float]) -> str:
    """Mean difference over the seeds that both have, and its 95 % interval by Student's t; empty below two seeds."""
    both = sorted(set(values) & set(base))
    if len(both) < 2:
        return ""
    gains = np.array([values[seed] - base[seed] for seed in both])
    low, high = gains.mean() + np.array([-1, 1]) * stats.t.ppf(0.975, len(gains) - 1) * stats.sem(gains)
    return f"{gains.mean():+.4f} [{low:+.4f}, {high:+.4f}]"


def add_to_card(model: Path, done: dict[str, float]) -> None:
    """Write means over seeds into the model's card."""
    sheet = json.loads((model / SHEET).read_text())
    stated = {name: sheet.pop(name) for name in ("name", "sha256", "code_version")}
    mine = {
        named(start, model, share, 0).rsplit(" ", 1)[0]: (start, share)
        for start in ("probe", *STARTS)
        for share in SHARES
    }
    groups: dict[str, list[float]] = {}
    for key, value in done.items():
        if found := mine.get(key.rsplit(" ", 1)[0]):
            groups.setdefault(f"superclass auc {found[0]} {found[1]:.0%} of labels", []).append(value)
    sheet["metrics"] |= {name: f"{np.mean(values):.4f} ({len(values)} seeds)" for name, values in groups.items()}
    write_card(model, stated["name"], stated["sha256"], Card(**sheet))


if __name__ == "__main__":
    typer.run(main)
