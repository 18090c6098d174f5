"""Do explanations point at what matters? ``python benchmarks/saliency.py ../shared/data/ludb``.

Of every recording the likeliest score is explained where it is stated (0.5 and more). Then the tenth of the signal that
contributes most is deleted, and as much at random in as long pieces; and the same by LUDB's marked waves.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import astuple, fields
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from scipy.special import expit

from ecgstream.evaluation.deletion import Drops, drops
from ecgstream.evaluation.progress import over_records
from ecgstream.evaluation.records import read_record, record_names
from ecgstream.explanations.attribution import METHODS, stated
from ecgstream.explanations.explanation import explain, likeliest
from ecgstream.explanations.probe import Probe, load_probe
from ecgstream.explanations.window import window_of

LEAST = 0.5
BOOTSTRAPS = 2_000
MAINS_HZ = 50
PAIRS = (("top", "shifted"), ("top_waves", "any_waves"), ("top_waves", "same_waves"))


def main(
    folder: Annotated[Path, typer.Argument(help="LUDB.")],
    model: Annotated[list[str] | None, typer.Option(help="Directories, shipped networks; unset: the encoder.")] = None,
    by: Annotated[str | None, typer.Option(help=f"One of {', '.join(METHODS)}; unset: as each model can be.")] = None,
    most: Annotated[int, typer.Option(help="Recordings at most; 0: all.")] = 0,
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
) -> None:
    """Print mean drops of the logit, with intervals over recordings."""
    torch.set_num_threads(1)
    names = record_names(folder)[: most or None]
    windows = [(folder / name, window_of(read_record(folder / name), None, MAINS_HZ)) for name in names]
    document = {name or "encoder": _measure(load_probe(name), windows, by) for name in model or [None]}
    if json_file:
        json_file.write_text(json.dumps(document, indent=1) + "\n")


def _measure(probe: Probe, windows: list, by: str | None) -> dict:
    rng, found, scores = np.random.default_rng(1), [], Counter()
    for path, window in over_records(windows, probe.version):
        logits, _ = stated(probe, window)
        score = likeliest(probe, logits)
        if expit(logits[probe.names.index(score)]) >= LEAST:
            explanation = explain(probe, window, score, by, marks=path)
            found.append(astuple(drops(probe, explanation, rng)))
            scores[score] += 1
    values = np.array(found)
    print(f"{probe.version}, {explanation.method}: {len(found)} recordings; explained: {dict(scores.most_common())}")
    names = [field.name for field in fields(Drops)]
    result: dict = {"recordings": len(found), "scores": dict(scores)}
    for important, random in PAIRS:
        pair = values[:, [names.index(important), names.index(random)]]
        result[f"{important}/{random}"] = told = _with_intervals(pair, rng)
        print(f"  {important} {told['drop']:.3f}, {random} {told['random']:.3f}: " + _said(told))
    return result


def _with_intervals(pair: np.ndarray, rng: np.random.Generator) -> dict:
    """Mean drops (N, 2), their difference and ratio, with 95 % intervals over recordings."""
    drawn = pair[rng.integers(len(pair), size=(BOOTSTRAPS, len(pair)))].mean(1)
    top, random = pair.mean(0).tolist()
    more = np.quantile(drawn[:, 0] - drawn[:, 1], (0.025, 0.975)).tolist()
    ratio = np.quantile(drawn[:, 0] / drawn[:, 1], (0.025, 0.975)).tolist() if (drawn[:, 1] > 0).all() else None
    return {"drop": top, "random": random, "more": top - random, "more_ci95": more, "ratio_ci95": ratio}


def _said(told: dict) -> str:
    low, high = told["more_ci95"]
    text = f"{told['more']:.3f} more [{low:.3f}, {high:.3f}]"
    if told["ratio_ci95"] is None:
        return text + "; random drops are not surely above 0, so that there is no ratio"
    return text + f", {told['drop'] / told['random']:.1f}x [{told['ratio_ci95'][0]:.1f}, {told['ratio_ci95'][1]:.1f}]"


if __name__ == "__main__":
    typer.run(main)
