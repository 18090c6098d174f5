"""``ecgstream train``: from the recordings to a model directory."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ..diagnosis.loader import load_model
from ..diagnosis.model import Manifest
from ..models.encoder import Encoder
from ..models.export import export_model
from . import labels
from .batches import Sources
from .calibrate import Calibration, calibrate, none
from .examples import Example
from .fit import Run, fit, new_run
from .recordings import DATASETS, load
from .refit import refit_beats
from .teachers import softened

TAUGHT = ("ptbxl", "cinc2011", "mitdb", "vfdb", "cinc2017", "cinc2015")
RECORDS = "records.json"
Examples = dict[str, list[Example]]


def train(data: Path, out: Path, steps: int, seed: int) -> Manifest:
    """Train on the recordings under ``data`` for ``steps``, calibrate, measure, write the model directory ``out``.

    Conditioned recordings and the checkpoint lie in ``.cache``; a run that was stopped goes on from its checkpoint.
    """
    from ..evaluation.model_card import measure, write_card  # evaluation itself reads this room

    cache = Path(".cache")
    examples = read_examples(data, cache)
    checkpoint = cache / f"checkpoint-seed{seed}.pt"
    run = new_run(seed)
    sources = training_sources(softened(examples, data, cache, seed))
    encoder = fit(run, sources, steps, checkpoint)
    refit_beats(encoder, sources, seed)
    manifest = finish(encoder, examples, out)
    write_card(out, measure(load_model(out), data, cache), facts(run, seed))
    checkpoint.unlink()
    return manifest


def facts(run: Run, seed: int) -> dict[str, int]:
    """What the card states of the run."""
    return {
        "steps": run.steps,
        "minutes": round(run.trained_s / 60),
        "cpu_minutes": round(run.cpu_s / 60),
        "seed": seed,
    }


def read_examples(data: Path, cache: Path) -> Examples:
    """Every data set's examples, conditioned, by name."""
    return {name: load(name, data, cache) for name in DATASETS}


def training_sources(examples: Examples) -> Sources:
    """What may be trained on: everything that is not kept for validation."""
    taught = {name: [each for each in examples[name] if not each.validation] for name in TAUGHT}
    return Sources(taught, [each.mv for each in examples["nstdb"]])


def validation_examples(examples: Examples) -> Examples:
    """What is kept from training, by data set."""
    return {name: [each for each in examples[name] if each.validation] for name in TAUGHT}


def finish(encoder: Encoder, examples: Examples, out: Path) -> Manifest:
    """Calibrate on the validation records and write the model directory with its list of records seen."""
    with tempfile.TemporaryDirectory() as folder:
        _export(encoder, none(), Path(folder))
        calibration = calibrate(load_model(Path(folder)), validation_examples(examples))
    manifest = _export(encoder, calibration, out)
    (out / RECORDS).write_text(json.dumps(records_seen(examples), indent=1) + "\n")
    return manifest


def records_seen(examples: Examples) -> dict[str, dict[str, Sequence[str]]]:
    """Names of all records trained on and calibrated on, by data set."""
    return {
        purpose: {
            name: sorted(each.record for each in examples[name] if each.validation == (purpose == "validation"))
            for name in (*TAUGHT, "nstdb")
        }
        for purpose in ("training", "validation")
    }


def _export(encoder: Encoder, calibration: Calibration, out: Path) -> Manifest:
    tables = calibration.scale, calibration.shift, calibration.beat_shift
    return export_model(encoder, tables, out, labels.SCORES, calibration.thresholds, RECORDS)
