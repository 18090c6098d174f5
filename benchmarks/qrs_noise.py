"""QRS under noise: ecgstream beside other open detectors, in one run, on the Noise Stress Test of MIT-BIH.

    python benchmarks/qrs_noise.py DATA [--json FILE]

DATA holds ``nstdb`` (118e00 and 118e_6: record 118 of mitdb with electrode motion at 0 and -6 dB) and ``mitdb`` (its
annotations). Figures are EC57's, first five minutes excluded, pooled over both records. Peers hear the first lead, as
their own examples have it, and each lead alone; the better is held against ecgstream, which hears both as the daemon
does. ``pip install -e .[peers]`` installs the peers; one that is not there is named and left out.
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import wfdb
from rich.console import Console
from rich.table import Table

from ecgstream.evaluation.ec57 import BeatList, confusion, figures, reference_beats
from ecgstream.evaluation.records import read_annotations, read_record
from ecgstream.evaluation.runner import run_rules
from ecgstream.waveform import GRID_HZ

RECORDS = ("118e00", "118e_6")
REFERENCE = "118"
SKIP_S = 300.0
Detector = Callable[[np.ndarray, float], np.ndarray]
"""From one lead, mV, and its rate to the samples of its QRS."""


def peers() -> dict[str, Detector]:
    """The detectors that are installed."""
    from wfdb.processing import gqrs_detect, xqrs_detect

    found: dict[str, Detector] = {
        "wfdb xqrs": lambda ecg, fs: xqrs_detect(ecg, fs, verbose=False),
        "wfdb gqrs": lambda ecg, fs: gqrs_detect(sig=ecg, fs=fs),
    }
    try:
        import sleepecg

        found["sleepecg"] = sleepecg.detect_heartbeats
    except ImportError as error:
        Console(stderr=True).print(f"Left out: {error}.")
    try:
        import neurokit2

        found["neurokit2"] = lambda ecg, fs: neurokit2.ecg_peaks(
            neurokit2.ecg_clean(ecg, sampling_rate=int(fs)), sampling_rate=int(fs)
        )[1]["ECG_R_Peaks"]
    except ImportError as error:
        Console(stderr=True).print(f"Left out: {error}.")
    return found


def measure(data: Path) -> dict[str, dict]:
    """Counts, Se, +P and F1 by detector."""
    counts = {"ecgstream": np.zeros((6, 6), np.int64)}
    annotations = read_annotations(data / "mitdb" / REFERENCE)
    reference = reference_beats(annotations.time_s, annotations.symbol)
    for name in RECORDS:
        path = data / "nstdb" / name
        record, source = read_record(path), wfdb.rdrecord(str(path))
        found = run_rules(record)
        beats = np.sort(np.concatenate([found.beats.sample, found.beats_in_noise.sample])) / GRID_HZ
        counts["ecgstream"] += confusion(reference, BeatList(beats), SKIP_S, record.duration_s)
        for lead in range(source.n_sig):
            for peer, detect in peers().items():
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    found = np.asarray(detect(source.p_signal[:, lead], source.fs)) / source.fs
                label = f"{peer}, lead {lead + 1}"
                counts.setdefault(label, np.zeros((6, 6), np.int64))
                counts[label] += confusion(reference, BeatList(np.sort(found)), SKIP_S, record.duration_s)
    return {name: _figure(of) for name, of in counts.items()}


def _figure(counts: np.ndarray) -> dict:
    qrs = figures(counts, with_classes=False)["qrs"]
    errors = qrs["fn"] + qrs["fp"]
    return {**qrs, "errors": errors, "f1": 200.0 * qrs["tp"] / (2 * qrs["tp"] + errors)}


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    result = measure(asked.data)
    table = Table(title="QRS under electrode motion, nstdb 118e00 and 118e_6 pooled, EC57, after 5 min")
    for heading in ("detector", "F1 %", "Se %", "+P %", "missed", "extra"):
        table.add_column(heading, justify="left" if heading == "detector" else "right")
    for name, of in sorted(result.items(), key=lambda item: -item[1]["f1"]):
        shares = [f"{of[key]:.2f}" for key in ("f1", "se", "ppv")]
        table.add_row(name, *shares, str(of["fn"]), str(of["fp"]))
    Console().print(table)
    if asked.json:
        asked.json.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
