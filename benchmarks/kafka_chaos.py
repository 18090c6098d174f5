"""Nothing lost, nothing told twice: a ward on Kafka whose daemons are killed over and over, against an undisturbed one.

Each round plays the same ward anew to two to four daemons, on fresh topics: some of them are killed at random moments,
some right after one of the six steps of a commit, some are frozen beyond the session time-out, some leave and join, and
in every round the broker is killed, too. The union of the alerts must be that of one undisturbed run. Left out are
conditions that depend on the wall clock (a bed that stopped sending), and of each alert `late_s` and
`published_time_ns`. The takeover time is measured apart, with 50 beds in real time and the encoder on.
"""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer
from kafka_takeover import measure
from own_broker import console, own_broker, say
from rich.progress import Progress

from tests.kafka.alerts import Comparison
from tests.kafka.brokers import Broker
from tests.kafka.chaos import Disturbance, Run, step_kills
from tests.kafka.ward import ill_ward, write_score

BEDS = 10
SECONDS = 600.0
"""Of the ward; a round is over when its disturbances are done, or earlier when the ward is."""
SPEED = 3.0
KILLS_A_ROUND = 7
STEPS = range(1, 7)
TAKEOVER_BEDS = 50
TAKEOVER_KILLS = 3
FAULTS_FOUND = ("lost", "doubled", "differing", "added")


def disturbances(kills: int, first: int, dice: random.Random) -> list[Disturbance]:
    """A round's: this many kills, at steps in turn and at any moment, and one of everything else, shuffled."""
    at_steps = -(-kills * 3 // 5)
    steps = [STEPS[(first + number) % len(STEPS)] for number in range(at_steps)]
    mixed = step_kills(steps, dice) + [Disturbance("kill")] * (kills - at_steps)
    mixed += [Disturbance(kind) for kind in ("join", "leave", "freeze", "broker")]
    dice.shuffle(mixed)
    return mixed


def main(
    kills: Annotated[int, typer.Option(min=1)] = 50,
    delivery: Annotated[str, typer.Option(help="exactly-once or at-least-once")] = "exactly-once",
    json_file: Annotated[Path | None, typer.Option("--json", help="write the result here")] = None,
    seed: Annotated[int, typer.Option(help="other kills for another seed")] = 0,
    model: Annotated[bool, typer.Option("--model", help="with the encoder, too; each start then takes long")] = False,
    keep: Annotated[Path | None, typer.Option(help="leave the daemons' logs in this folder")] = None,
) -> None:
    """Print and write what was lost, doubled and different; exit code 1 unless all is as it must be."""
    with own_broker(keep=keep) as (broker, folder, bars):
        result = _chaos(broker, folder, kills, delivery, random.Random(seed), model, bars)
        bar = bars.add_task(f"takeover of {TAKEOVER_BEDS} beds", total=TAKEOVER_KILLS)
        takeovers = measure(broker, folder, delivery, TAKEOVER_BEDS, TAKEOVER_KILLS, lambda _: bars.advance(bar))
    result["worst_takeover_s"] = max(takeover.worst_s for takeover in takeovers)
    for told in FAULTS_FOUND:
        for sentence in result["which"][told]:
            console.print(f"{told}: {sentence}", style="red", markup=False)
    say(result, json_file)
    doubled = result["doubled"] if delivery == "exactly-once" else 0
    raise typer.Exit(1 if result["lost"] or result["differing"] or result["added"] or doubled else 0)


def _chaos(
    broker: Broker, folder: Path, kills: int, delivery: str, dice: random.Random, model: bool, bars: Progress
) -> dict[str, Any]:
    score = write_score(ill_ward(BEDS, SECONDS), SECONDS)
    run = Run(broker, score, folder, delivery, dice, model=model)
    reference = run.undisturbed()
    bar = bars.add_task(f"kills, {delivery}", total=kills)
    found: list[Comparison] = []
    while run.kills < kills:
        mixed = disturbances(min(KILLS_A_ROUND, kills - run.kills), run.kills, dice)
        found.append(run.disturbed(reference, mixed, SPEED, lambda _: bars.update(bar, completed=run.kills)))
        counts = ", ".join(f"{len(getattr(found[-1], name))} {name}" for name in FAULTS_FOUND)
        bars.console.print(f"round {len(found)}, {run.kills} kills so far: {counts}")
    which = {name: [told for one in found for told in getattr(one, name)] for name in FAULTS_FOUND}
    return {
        "kills": run.kills,
        "delivery": delivery,
        "model": model,
        "rounds": len(found),
        "alerts": len(reference.contents),
        **{name: len(told) for name, told in which.items()},
        "steps_not_reached": len(run.late),
        "disturbances": dict(Counter(done.split(":")[0] for done in run.done)),
        "which": which,
    }


if __name__ == "__main__":
    typer.run(main)
