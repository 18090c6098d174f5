"""What pretraining is worth: ``python benchmarks/pretraining.py DATA --model runs/ecg_jepa --json pretraining.json``.

PTB-XL superclasses, macro AUC on the test fold of each seed. Fine-tuned from the model's weights against the same
network, schedule, data and seed from random ones, with a tenth and with all of the labels of the other folds; and a
linear probe on the frozen trunk. ``--against`` names a model pretrained in the same way but for one thing (all
attention instead of cross-pattern attention, say), probed beside it. Runs already in the JSON file are not repeated.
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
from ecgstream.training.probe import embeddings, probe
from ecgstream.training.supervised import Teaching, fit_labels, predict_logits

SEEDS = range(5)
"""Of the first weights, the draw of labels and the batches; seed k is tested on fold k."""
SHARES = {0.1: 200, 1.0: 400}
"""Of the training labels, and the steps of 32 crops taught from them."""
STARTS = ("probe", "scratch", "pretrained")
PEAK_RATE = 1e-3
TEACHING = Teaching(crop_s=5.0, batch=32, fewer_leads=0.0, test_crops=2)


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
    against: Annotated[Path | None, typer.Option(help="Another one, probed only.")] = None,
    json_file: Annotated[Path, typer.Option("--json")] = Path("pretraining.json"),
) -> None:
    """Do the runs that are missing, then print means, and differences with 95 % intervals (t, paired by seed)."""
    records = read_ptbxl(data, Path(".cache"))
    done = json.loads(json_file.read_text()) if json_file.exists() else {}
    for key, run in planned(records, model, against).items():
        if key not in done:
            done[key] = run()
            print(f"{key}: {done[key]:.4f}", flush=True)
            json_file.write_text(json.dumps(done, indent=1) + "\n")
    Console().print(table(done))
    add_to_card(model, done)


def planned(records: LabelledRecords, model: Path, against: Path | None) -> dict:
    """Every run by its name, cheap ones first."""
    runs = {}
    for folder in (model, *([against] if against else [])):
        told = cache(lambda f=folder: embeddings(load_network(f).trunk, records))  # once, for all splits
        for share in SHARES:
            for seed in SEEDS:
                key = named("probe", folder, share, seed)
                runs[key] = lambda t=told, s=share, k=seed: probed(records, t(), s, k)
    for share in SHARES:
        for seed in SEEDS:
            for start in STARTS[1:]:
                key = named(start, model, share, seed)
                runs[key] = lambda w=start, s=share, k=seed: finetuned(records, model, w, s, k)
    return runs


def named(start: str, model: Path, share: float, seed: int) -> str:
    """A run's name: from where, which weights, sizes of the network, share and seed; from scratch, of no weights."""
    network = load_network(model)
    sizes = "-".join(str(value) for value in network.manifest.settings.values())
    return f"{start} {'-' if start == 'scratch' else network.version} {sizes} {share} {seed}"


def split(records: LabelledRecords, share: float, seed: int) -> Split:
    """Fold ``seed`` is for the test; of the other folds' patients a ``share`` is drawn."""
    train = np.flatnonzero(records.fold != seed)
    patients = np.unique(records.patient[train])
    drawn = np.random.default_rng(seed).permutation(patients)[: round(share * len(patients))]
    train, test = train[np.isin(records.patient[train], drawn)], np.flatnonzero(records.fold == seed)
    truth = targets(records.stated, SUPERCLASSES)
    return Split(train, truth[train], test, truth[test])


def probed(records: LabelledRecords, told: np.ndarray, share: float, seed: int) -> float:
    """Macro AUC of a linear probe on embeddings ``told`` (N, D) of all records."""
    parts = split(records, share, seed)
    return macro_auc(parts.known, probe(told[parts.train], parts.taught, told[parts.test]))


def finetuned(records: LabelledRecords, model: Path, start: str, share: float, seed: int) -> float:
    """Macro AUC after training all weights, from the model's or from random ones."""
    parts = split(records, share, seed)
    network = load_network(model)
    torch.manual_seed(seed)
    fresh = build_trunk(network.manifest.network, network.manifest.settings)
    classifier = Classifier(network.trunk if start == "pretrained" else fresh, len(SUPERCLASSES), dropout=0.1)
    schedule = Schedule(steps=SHARES[share], seed=seed, peak_rate=PEAK_RATE)
    title = f"{start} {share} {seed}"
    fit_labels(classifier, records.take(parts.train), parts.taught, schedule, TEACHING, title=title)
    return macro_auc(parts.known, predict_logits(classifier, records.take(parts.test), TEACHING))


def table(done: dict[str, float]) -> Table:
    """Means over seeds, and the gain of pretraining where all seeds are done."""
    shown = Table("what", "labels", "macro AUC", "gain over scratch [95 %]")
    groups: dict[tuple[str, str, str, str], dict[str, float]] = {}
    for key, value in done.items():
        *group, seed = key.split(" ")
        groups.setdefault(tuple(group), {})[seed] = value
    for (start, version, sizes, share), values in groups.items():
        scratch = groups.get(("scratch", "-", sizes, share), {})
        both = sorted(set(values) & set(scratch)) if start == "pretrained" else []
        gain = interval(np.array([values[seed] - scratch[seed] for seed in both])) if len(both) > 1 else ""
        shown.add_row(
            f"{start} {version} {sizes}", share, f"{np.mean(list(values.values())):.4f} ({len(values)} seeds)", gain
        )
    return shown


def add_to_card(model: Path, done: dict[str, float]) -> None:
    """Write means over seeds into the model's card."""
    sheet = json.loads((model / SHEET).read_text())
    stated = {name: sheet.pop(name) for name in ("name", "sha256", "code_version")}
    mine = {named(start, model, share, 0).rsplit(" ", 1)[0]: (start, share) for start in STARTS for share in SHARES}
    groups: dict[str, list[float]] = {}
    for key, value in done.items():
        if found := mine.get(key.rsplit(" ", 1)[0]):
            groups.setdefault(f"superclass auc {found[0]} {found[1]:.0%} of labels", []).append(value)
    sheet["metrics"] |= {name: f"{np.mean(values):.4f} ({len(values)} seeds)" for name, values in groups.items()}
    write_card(model, stated["name"], stated["sha256"], Card(**sheet))


def interval(gains: np.ndarray) -> str:
    """Mean and its 95 % interval by Student's t."""
    mean, error = gains.mean(), stats.sem(gains)
    low, high = mean + np.array([-1, 1]) * stats.t.ppf(0.975, len(gains) - 1) * error
    return f"{mean:+.4f} [{low:+.4f}, {high:+.4f}]"


if __name__ == "__main__":
    typer.run(main)
