"""What the levels of ``alarms.fusion`` cost and bring: ``python benchmarks/fusion_levels.py ../shared/data``.

Recordings that the encoder was not taught: of vfdb and mitdb those kept for validation, whole; of CinC 2015 those kept
whose alarm is of VT or VF, the last 15 s. Rules and fibrillation head speak as in the daemon (on vfdb the head of the
other folds), the encoder beside them. The rule of choice, folds by record: of the pairs of levels that tell the most
episodes on the training folds, those with fewest alarms without cause; of these the shortest delays; of these the pair
that stands now, else the strictest. DS2 of mitdb, unseen as well, is scored with what is chosen, and chooses nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from ecgstream.alarms import fusion
from ecgstream.diagnosis import Model
from ecgstream.diagnosis.diagnosis import Diagnosis
from ecgstream.diagnosis.loader import load_model
from ecgstream.diagnosis.waves import WaveRhythms
from ecgstream.evaluation.alarm_records import read_alarms
from ecgstream.evaluation.episodes import detection_delay_s, has_cause, told_episodes
from ecgstream.evaluation.fibrillation_heads import fibrillation_heads
from ecgstream.evaluation.model_beats import DS2
from ecgstream.evaluation.progress import over_records
from ecgstream.evaluation.records import read_annotations, read_record, record_names
from ecgstream.evaluation.reference import VENTRICULAR, Episode, lethal_episodes
from ecgstream.evaluation.runner import condition
from ecgstream.heads.fitting import FOLDS, fold_of
from ecgstream.rhythm import Rhythm
from ecgstream.training.labels import is_validation
from ecgstream.waveform import RhythmResult

ALONE = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
NOISE = (0.1, 0.3, 0.5, 0.7, 1.01)
STANDS = (fusion.LETHAL_ALONE_MIN, fusion.NOISE_MAX)
BEFORE_ALARM_S = 15.0


@dataclass
class Heard:
    """One recording: what rules and head say of it, what the encoder says, and what is so."""

    fold: int
    hours: float
    result: RhythmResult
    scores: np.ndarray  # float32 (1, n_hops, S)
    reference: list[Episode]
    from_s: float  # what is told before is not looked at


def hear(path: Path, data_set: str, model: Model, head_of, alarm: tuple[str, bool] | None) -> Heard:
    """Run one recording through conditioning, rules, head and encoder."""
    record = read_record(path)
    block = condition(record)
    result = Rhythm(1).step(block)
    WaveRhythms(head_of(path.name), 1).step(block, result).add_to(
        result.evidence, result.onset, np.zeros_like(result.evidence)
    )
    diagnosis = Diagnosis(model, 1)
    diagnosis.take_long_runs()
    scores = diagnosis.step(block)[0].values
    if alarm is None:
        every = lethal_episodes(read_annotations(path), record.duration_s)
        reference, from_s = [one for one in every if one.condition in VENTRICULAR], 0.0
    else:
        from_s = record.duration_s - BEFORE_ALARM_S
        reference = [Episode(VENTRICULAR[0], from_s, record.duration_s)] if alarm[1] else []
    hours = (record.duration_s - from_s) / 3600
    return Heard(fold_of(data_set, path.name), hours, result, scores, reference, from_s)


def told(one: Heard, model: Model, alone: float | None, noise: float) -> tuple[list[float | None], int]:
    """(delay of each episode, None for a miss; alarms without cause) at a pair of levels, or (None) without encoder."""
    result = one.result
    if alone is not None:
        fusion.LETHAL_ALONE_MIN, fusion.NOISE_MAX = alone, noise
        both = fusion.Fusion(1, model.manifest.names, model.manifest.thresholds)
        hops = np.zeros(1, np.int64), np.zeros(1, np.int64)
        padded = np.full((1, result.evidence.shape[1], one.scores.shape[2]), np.nan, np.float32)
        padded[:, : one.scores.shape[1]] = one.scores
        evidence, onset, _ = both.step(*hops, result.evidence, result.onset, padded)
        result = RhythmResult(
            **{name: getattr(result, name) for name in RhythmResult.__slots__} | {"evidence": evidence}
        )
    episodes = [each for each in told_episodes(result, VENTRICULAR) if each.stop_s >= one.from_s]
    delays = [detection_delay_s(each, episodes) for each in one.reference]
    return delays, sum(not has_cause(each, one.reference) for each in episodes)


def summed(heard: list[Heard], model: Model, alone: float | None, noise: float = 0.0) -> tuple[int, int, float]:
    """(episodes told, alarms without cause, seconds of delay of those told)."""
    found = [told(one, model, alone, noise) for one in heard]
    delays = [delay for each, _ in found for delay in each if delay is not None]
    return len(delays), sum(false for _, false in found), round(sum(delays), 1)


def chosen(heard: list[Heard], model: Model) -> tuple[float, float]:
    """The pair of levels by the rule."""
    pairs = {pair: summed(heard, model, *pair) for pair in product(ALONE, NOISE)}
    best = min((-hits, false, delay) for hits, false, delay in pairs.values())
    equal = [pair for pair, (hits, false, delay) in pairs.items() if (-hits, false, delay) == best]
    return STANDS if STANDS in equal else max(equal, key=lambda pair: (pair[0], -pair[1]))


def main(data: Annotated[Path, typer.Argument(help="Folder with vfdb, mitdb and cinc2015.")]) -> None:
    """Print the grid on all recordings, and what the rule chooses fold by fold and scores on the fold kept back."""
    model = load_model(None)
    heads = fibrillation_heads(data / "vfdb", None, cross_validate=True, allow_seen=False)
    kept = [(name, name_of, None) for name in ("vfdb", "mitdb") for name_of in record_names(data / name, "atr")]
    kept += [
        ("cinc2015", one.name, (one.kind, one.is_true))
        for one in read_alarms(data / "cinc2015")
        if one.kind in ("ventricular_tachycardia", "ventricular_fibrillation")
    ]
    mine = [each for each in kept if is_validation(*each[:2])]
    places = over_records([f"{folder}/{name}" for folder, name, _ in mine], "levels")
    heard = [
        hear(data / place, folder, model, heads.of, alarm)
        for place, (folder, _, alarm) in zip(places, mine, strict=True)
    ]
    hours, episodes = sum(one.hours for one in heard), sum(len(one.reference) for one in heard)
    print(f"{len(heard)} recordings, {hours:.1f} h, {episodes} episodes")
    print("without encoder: told, without cause, delay s:", summed(heard, model, None))
    for pair in product(ALONE, NOISE):
        print(*pair, *summed(heard, model, *pair))
    for fold in range(FOLDS):
        train, test = ([one for one in heard if (one.fold == fold) == is_test] for is_test in (False, True))
        pair = chosen(train, model)
        print(f"fold {fold}: {pair} {summed(test, model, *pair)}; stands: {summed(test, model, *STANDS)}")
    pair = chosen(heard, model)
    print("all:", pair)
    unseen = [hear(data / "mitdb" / name, "mitdb", model, heads.of, None) for name in over_records(DS2, "DS2")]
    for name, levels in (("without encoder", (None, 0.0)), ("stands", STANDS), ("chosen", pair), ("any", (0.0, 1.01))):
        print(f"DS2, on which nothing is chosen, {name}: {summed(unseen, model, *levels)}")


if __name__ == "__main__":
    typer.run(main)
