"""Fit the odds by which the rules refuse a peak as an artefact, and say what they are worth on records kept back.

    python benchmarks/qrs_artefacts.py DATA [--json FILE]

DATA holds ``mitdb``. The odds are fitted to the peaks of DS1 that do not rest between their neighbours; a record of DS1
is judged by odds fitted without its fold, all others by those of DS1. Figures are of the same peaks with and without
the refusals (EC57, first five minutes excluded): what a refused peak would have taught the rules is in neither. What
``ecgstream/rhythm/artefact.py`` holds was fitted before anything was refused; refusals change what the rules learn, so
that the odds of now, the last line, differ from it by a tenth at most.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ecgstream.cutting import cut
from ecgstream.evaluation.beats import SKIP_S, flutter_intervals
from ecgstream.evaluation.ec57 import BeatList, confusion, figures, is_counted, match_beats, reference_beats
from ecgstream.evaluation.records import read_annotations, read_record, record_names
from ecgstream.evaluation.runner import condition
from ecgstream.heads.fitting import FOLDS, fold_of
from ecgstream.rhythm import Rhythm
from ecgstream.rhythm.artefact import REFUSED_FROM
from ecgstream.rhythm.state import RECENT
from ecgstream.training.labels import DS1
from ecgstream.waveform import GRID_HZ

STEP_HOPS = 5
"""Fewer peaks than are remembered fall into so many."""


@dataclass(frozen=True, slots=True)
class Peaks:
    """What stood out like a beat in one recording, with the traits it is judged by."""

    name: str
    time_s: np.ndarray  # float64 (K,)
    traits: np.ndarray  # float32 (K, 4), NaN where a peak rests and nothing was asked
    in_noise_s: np.ndarray  # beats found where no lead can be judged
    reference: BeatList
    excluded_s: list[tuple[float, float]]
    duration_s: float

    @property
    def doubted(self) -> np.ndarray:
        """Peaks that may be refused, bool (K,)."""
        return ~np.isnan(self.traits[:, 0])

    @property
    def is_artefact(self) -> np.ndarray:
        """Peaks without a reference beat, bool (K,)."""
        every = np.sort(np.concatenate([self.time_s, self.in_noise_s]))
        partner = match_beats(self.reference.time_s, every)
        return ~np.isin(self.time_s, every[partner[partner >= 0]])

    def counts(self, refused: np.ndarray) -> np.ndarray:
        """EC57's of all peaks but the refused."""
        found = BeatList(np.sort(np.concatenate([self.time_s[~refused], self.in_noise_s])))
        return confusion(self.reference, found, SKIP_S, self.duration_s, self.excluded_s)


def peaks_of(path: Path) -> Peaks:
    """Peaks of a recording as the rules meet them, second by second."""
    record, annotations = read_record(path), read_annotations(path)
    block, rhythm = condition(record), Rhythm(1)
    time_s, traits, in_noise, seen = [], [], [], 0
    for start in range(0, block.n_hops, STEP_HOPS):
        result = rhythm.step(cut(block, start, min(start + STEP_HOPS, block.n_hops)))
        in_noise.append(result.beats_in_noise.sample / GRID_HZ)
        state = rhythm._state[0]
        for number in range(seen if seen <= state["n_recent"] else 0, int(state["n_recent"])):
            time_s.append(state["recent_sample"][number % RECENT] / GRID_HZ)
            traits.append(state["recent_traits"][number % RECENT].copy())
        seen = int(state["n_recent"])
    return Peaks(
        path.name,
        np.array(time_s),
        np.array(traits),
        np.concatenate(in_noise),
        reference_beats(annotations.time_s, annotations.symbol),
        flutter_intervals(annotations, record.duration_s),
        record.duration_s,
    )


def fit(recordings: list[Peaks]) -> np.ndarray:
    """Log odds for likeness, unrest before and after, step, and none: float64 (5,)."""
    used = [one.doubted & is_counted(one.time_s, 0.0, one.duration_s, one.excluded_s) for one in recordings]
    traits = np.concatenate([one.traits[use] for one, use in zip(recordings, used, strict=True)])
    label = np.concatenate([one.is_artefact[use] for one, use in zip(recordings, used, strict=True)])
    scaler, model = (
        make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(traits, label).named_steps.values()
    )
    slopes = model.coef_[0] / scaler.scale_
    return np.append(slopes, model.intercept_[0] - slopes @ scaler.mean_)


def refused(one: Peaks, odds: np.ndarray) -> np.ndarray:
    """Which peaks these odds refuse, bool (K,)."""
    return one.doubted & (np.nan_to_num(one.traits) @ odds[:4] + odds[4] > REFUSED_FROM)


def measure(data: Path) -> dict:
    """QRS figures with and without the refusals, by set, and the odds."""
    recordings = [peaks_of(data / "mitdb" / name) for name in record_names(data / "mitdb", "atr")]
    half = [one for one in recordings if one.name in DS1]
    of_fold = [fit([one for one in half if fold_of("mitdb", one.name) != fold]) for fold in range(FOLDS)]
    odds = fit(half)
    before, after = {}, {}
    for one in recordings:
        by = of_fold[fold_of("mitdb", one.name)] if one.name in DS1 else odds
        before[one.name] = one.counts(np.zeros(len(one.time_s), bool))
        after[one.name] = one.counts(refused(one, by))
    sets = {"all": list(before), "DS1": [n for n in before if n in DS1], "others": [n for n in before if n not in DS1]}
    return {
        name: {
            "without": figures(sum(before[n] for n in names), with_classes=False)["qrs"],
            "with": figures(sum(after[n] for n in names), with_classes=False)["qrs"],
        }
        for name, names in sets.items()
    } | {"odds": [round(float(each), 2) for each in odds]}


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    result = measure(asked.data)
    for name in ("all", "DS1", "others"):
        for which, of in result[name].items():
            Console().print(
                f"{name}, {which}: Se {of['se']:.3f} +P {of['ppv']:.3f}, {of['fn']} missed, {of['fp']} extra"
            )
    Console().print("odds:", result["odds"])
    if asked.json:
        asked.json.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
