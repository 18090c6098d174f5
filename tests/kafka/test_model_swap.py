"""Another model takes over in a whole group of daemons, and a bed that moves afterwards goes on with it."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from typer.testing import CliRunner

from ecgstream.cli import app
from ecgstream.diagnosis import Model
from ecgstream.diagnosis.loader import load_model
from ecgstream.kafka.keys import partition_of_key
from ecgstream.kafka.topics import create
from ecgstream.settings import KafkaSettings, Settings
from ecgstream.wire import ecgstream_pb2 as pb

from ..feed import SECONDS, Bed
from ..test_model_roles import _NAMES, pipeline_of, scores, told
from ..untrained import untrained_model
from .fixtures import PARTITIONS
from .test_daemon import running, send, wait_for
from .topics import messages
from .ward import Member

CUTS = tuple(range(125, SECONDS * 250, 125))
SWAPPED_S, KILLED_S, SETTLED_S = 14, 19, 10


def one_bed_a_partition() -> list[Bed]:
    names = [
        next(f"bed-{n}" for n in range(100) if partition_of_key(f"bed-{n}", PARTITIONS) == place)
        for place in range(PARTITIONS)
    ]
    return [Bed(name, seed=seed, cuts=CUTS) for seed, name in enumerate(names)]


def play(settings: KafkaSettings, beds: list[Bed], from_s: float, to_s: float) -> None:
    for bed in beds:
        due = [(m.content_type, m.payload) for end_s, m in bed.messages() if from_s < end_s <= to_s]
        send(settings, settings.topics.chunks, due, bed.stream_id)


def diagnoses(settings: KafkaSettings) -> dict[tuple[str, int], pb.Diagnosis]:
    """By bed and sample; one that was told twice must be the same, but for how a batch of other beds rounds."""
    found: dict[tuple[str, int], pb.Diagnosis] = {}
    for message in messages(settings.bootstrap[0], settings.topics.diagnoses):
        one = pb.Diagnosis.FromString(message.value)
        one.published_time_ns = 0
        first = found.setdefault((one.stream_id, one.sample), one)
        assert without_scores(first) == without_scores(one)
        assert [score.name for score in first.scores] == [score.name for score in one.scores]
        np.testing.assert_allclose(
            [score.probability for score in first.scores], [score.probability for score in one.scores], atol=1e-5
        )
    return found


def without_scores(diagnosis: pb.Diagnosis) -> pb.Diagnosis:
    rest = pb.Diagnosis()
    rest.CopyFrom(diagnosis)
    del rest.scores[:]
    return rest


def until_told(settings: KafkaSettings, beds: list[Bed], up_to_s: float) -> None:
    last = {(bed.stream_id, round(up_to_s * 250)) for bed in beds}
    wait_for(lambda: last <= diagnoses(settings).keys(), f"diagnoses up to {up_to_s} s")


def swap(daemon: Member, version: str, token: Path) -> None:
    order = ["models", "swap", version, "--token-file", str(token), "--url", daemon.http]
    done = CliRunner().invoke(app, order)
    assert done.exit_code == 0, done.output


def diagnoses_of(model: Model, beds: list[Bed]) -> dict[tuple[str, int], pb.Diagnosis]:
    """What one pipeline says that has the model throughout."""
    return told(pipeline_of(model).process([m for bed in beds for _, m in bed.messages()]), "diagnosis")


def assert_served_in_turn(found: dict[tuple[str, int], pb.Diagnosis], beds: list[Bed], models: list[Model]) -> None:
    """Every second by the model of its time; up to the kill, as where that model had been there throughout."""
    local = [diagnoses_of(model, beds) for model in models]
    assert found.keys() == local[0].keys(), "every second of every bed has its diagnosis"
    for (bed, sample), message in found.items():
        which = int(sample > SWAPPED_S * 250)
        assert message.model == models[which].version, (bed, sample)
        assert not message.withheld or sample <= SETTLED_S * 250, (bed, sample, message.withheld)
        if sample <= KILLED_S * 250:
            expected = local[which][bed, sample]
            np.testing.assert_allclose(scores(message, models[which]), scores(expected, models[which]), atol=1e-5)


def test_a_group_swaps_its_model_and_no_hop_is_lost_nor_one_of_a_bed_that_moves(kafka_settings, tmp_path: Path):
    settings = kafka_settings.model_copy(update={"session_timeout_s": 3.0})
    folders = [untrained_model(tmp_path / "models" / f"candidate-{seed}", seed, _NAMES) for seed in (0, 1)]
    models, beds = [load_model(folder, "cpu") for folder in folders], one_bed_a_partition()
    served, shadow = map(str, folders)
    diagnosis = {"model": served, "candidates": str(folders[0].parent), "shadow": shadow, "device": "cpu"}
    token = tmp_path / "token"
    token.write_text("a-token-of-enough-length")
    with ThreadPoolExecutor(1) as pool:  # the topic of shadows
        pool.submit(asyncio.run, create(Settings(kafka=settings, diagnosis=diagnosis), PARTITIONS, 1)).result()
    both = {"diagnosis": diagnosis, "http": {"order_token_file": str(token)}}
    with (
        running(Member(tmp_path / "one", settings, **both)) as one,
        running(Member(tmp_path / "two", settings, **both)) as two,
    ):
        play(settings, beds, 0, SWAPPED_S)
        until_told(settings, beds, SWAPPED_S)
        for daemon in (one, two):
            swap(daemon, models[1].version, token)
        play(settings, beds, SWAPPED_S, KILLED_S)
        until_told(settings, beds, KILLED_S)
        held = [daemon.metric("ecgstream_partitions") for daemon in (one, two)]
        assert sum(held) == PARTITIONS and min(held) > 0
        one.kill()
        play(settings, beds, KILLED_S, SECONDS)
        until_told(settings, beds, SECONDS)
    assert_served_in_turn(diagnoses(settings), beds, models)
