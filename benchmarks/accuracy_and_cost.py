"""Every model that states superclasses: how well, and how many beds one core carries.

    python benchmarks/accuracy_and_cost.py --pretraining pretraining.json --json found.json --picture found.png

Macro AUC of the PTB-XL superclasses, five folds by patient where a model has them: of shipped networks from their
cards (``ecgstream train-foundation``), of pretrained ones from the JSON files of ``benchmarks/pretraining.py``; of the
streaming encoder, which has seen those records, from its card (``ecgstream evaluate model``: others that were kept
back). Bed-seconds per CPU second of one thread, measured here: networks over whole recordings as the daemon serves a
head, eight beds at once, each every ten seconds; the encoder on seconds of signal in the batch that suits it best.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from scipy import stats

from ecgstream.bench.encoder import CHUNK_BATCHES, CHUNK_HOPS, _cost_s
from ecgstream.diagnosis.loader import load_model
from ecgstream.diagnosis.model import SHIPPED as ENCODER
from ecgstream.labelled import N_LEADS, SAMPLES
from ecgstream.models.card import SHEET
from ecgstream.models.folder import Network, NetworkManifest, load_network, shipped_networks
from ecgstream.models.inventory import STREAMING
from ecgstream.models.trunk import Classifier, build_trunk
from ecgstream.record_heads import MOST_ROWS
from ecgstream.served_head import Served
from ecgstream.waveform import HOP_S

TAUGHT = {"pretrained": "fine-tuned", "probe": "linear probe"}
"""How a pretrained network came to its labels."""
EVERY_S = 10.0
REPEATS = 7


@dataclass(frozen=True)
class Found:
    """A row of the table."""

    model: str
    macro_auc: float
    ci95: list[float] | None
    judged: str
    bed_seconds_per_s: float


def main(
    pretraining: Annotated[list[Path] | None, typer.Option(help="Of benchmarks/pretraining.py.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
    picture: Annotated[Path | None, typer.Option(help="PNG or SVG.")] = None,
) -> None:
    """Print the table, dearest last."""
    torch.set_num_threads(1)
    rows = [of_encoder(), *of_shipped()]
    rows += [row for file in pretraining or [] for row in of_pretraining(json.loads(file.read_text()))]
    rows.sort(key=lambda row: -row.bed_seconds_per_s)
    for row in rows:
        around = "" if row.ci95 is None else f" ({row.ci95[0]:.3f}–{row.ci95[1]:.3f})"
        print(f"| {row.model} | {row.macro_auc:.3f}{around} | {row.judged} | {row.bed_seconds_per_s:,.0f} |")
    if json_file:
        json_file.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    if picture:
        draw(rows, picture)


def of_encoder() -> Found:
    """The daemon's streaming encoder."""
    figures = json.loads((ENCODER / SHEET).read_text())["diagnoses"]
    model = load_model(None, "cpu")
    cost_s = min(_cost_s(model, batch, CHUNK_HOPS) for batch in CHUNK_BATCHES)
    judged = f"{figures['records']} records kept back"
    return Found(STREAMING, figures["superclass_macro_auc"], None, judged, CHUNK_HOPS * HOP_S / cost_s)


def of_shipped() -> list[Found]:
    """``best``, and its two kinds alone."""
    folder = shipped_networks()
    sheet = {name: json.loads((folder[name] / SHEET).read_text())["metrics"] for name in ("best", "rocket")}
    cnn_s, rocket_s = (seconds_a_bed(load_network(name)) for name in ("foundation_cnn_0", "rocket"))
    alone = sheet["best"]["superclass macro_auc of one kind alone"]["foundation_cnn"]
    judged = f"{sheet['best']['records']} records, five folds"
    best, rocket = sheet["best"]["superclass"], sheet["rocket"]["superclass"]
    return [
        Found("best", best["macro_auc"], best["macro_auc_ci95"], judged, EVERY_S / (5 * cnn_s + rocket_s)),
        Found("foundation_cnn", alone, None, judged, EVERY_S / cnn_s),
        Found("rocket", rocket["macro_auc"], rocket["macro_auc_ci95"], judged, EVERY_S / rocket_s),
    ]


def of_pretraining(done: dict[str, float]) -> list[Found]:
    """Pretrained networks, all labels: the mean of five folds, and Student's interval over them."""
    groups: dict[tuple[str, str, str], list[float]] = {}
    for key, value in done.items():
        start, version, sizes, share, *rest = key.split(" ")
        if start in TAUGHT and share == "1.0" and len(rest) == 1:
            groups.setdefault((start, version, sizes), []).append(value)
    return [
        Found(
            f"{name_of(sizes)}, {TAUGHT[start]}", float(np.mean(values)), over_folds(values),
            f"mean of {len(values)} folds", EVERY_S / seconds_a_bed(untrained(sizes)),
        )
        for (start, _, sizes), values in groups.items()
    ]  # fmt: skip


def over_folds(values: list[float]) -> list[float] | None:
    """95 % interval of the mean by Student's t; None of less than two."""
    if len(values) < 2:
        return None
    half = stats.t.ppf(0.975, len(values) - 1) * stats.sem(values)
    return [float(np.mean(values) - half), float(np.mean(values) + half)]


def name_of(sizes: str) -> str:
    """``sizes`` are a trunk's settings, as benchmarks/pretraining.py writes them."""
    return "heartbeit" if sizes.rsplit("-", 1)[1] in ("signal", "image") else "ecg_jepa"


def untrained(sizes: str) -> Network:
    """A network of these sizes, which costs what a trained one costs."""
    dim, depth, heads, kind = sizes.split("-")
    name = name_of(sizes)
    settings = {"dim": int(dim), "depth": int(depth), "heads": int(heads)}
    settings["form" if name == "heartbeit" else "attention"] = kind
    classifier = Classifier(build_trunk(name, settings), 5).eval()
    labels = ("NORM", "MI", "STTC", "CD", "HYP")
    scale, shift = (1.0,) * 5, (0.0,) * 5
    return Network(classifier, NetworkManifest("", name, name, settings, "", 0, labels, scale, shift, {}, 10.0, {}, ""))


def seconds_a_bed(network: Network) -> float:
    """CPU seconds of one bed asked once, as the daemon asks; the least of some runs."""
    served, rng = Served(network), np.random.default_rng(0)
    mv = rng.normal(0, 0.3, (MOST_ROWS, N_LEADS, SAMPLES)).astype(np.float32)
    present, taken_s = np.ones((MOST_ROWS, N_LEADS), bool), []
    for _ in range(3 + REPEATS):
        begun_s = time.process_time()
        served.ask(mv, present)
        taken_s.append(time.process_time() - begun_s)
    return min(taken_s[3:]) / MOST_ROWS


def draw(rows: list[Found], picture: Path) -> None:
    """Accuracy over cost."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    for row in rows:
        error = None if row.ci95 is None else np.abs(np.array(row.ci95)[:, None] - row.macro_auc)
        axes.errorbar(row.bed_seconds_per_s, row.macro_auc, error, fmt="o", color="#1f6f8b", capsize=3)
        axes.annotate(row.model, (row.bed_seconds_per_s, row.macro_auc), xytext=(6, 5), textcoords="offset points")
    axes.set(xscale="log", xlabel="bed-seconds per second of one core", ylabel="PTB-XL superclasses, macro AUC")
    beds = [row.bed_seconds_per_s for row in rows]
    axes.set_xlim(min(beds) / 2, 4 * max(beds))  # room for names
    axes.margins(y=0.15)
    axes.grid(alpha=0.3)
    figure.savefig(picture, dpi=120)


if __name__ == "__main__":
    typer.run(main)
