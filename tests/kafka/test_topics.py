"""``ecgstream topics`` on a real broker: makes what is missing, breaks nothing, and says each fault with its remedy."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import yaml
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from typer.testing import CliRunner, Result

from ecgstream.cli import app
from ecgstream.kafka.topics import needed_s, wanted
from ecgstream.settings import KafkaSettings, Settings

from .brokers import free_port

EIGHT = ("chunks", "control", "state", "alerts", "diagnoses", "vitals", "verdicts", "dead_letters")


@pytest.fixture
def config(fresh_settings: KafkaSettings, tmp_path: Path) -> Path:
    return _written(tmp_path, fresh_settings)


def _written(folder: Path, settings: KafkaSettings) -> Path:
    file = folder / "ecgstream.yaml"
    file.write_text(yaml.safe_dump({"kafka": settings.model_dump(mode="json")}))
    return file


def _topics(command: str, config: Path, *options: str) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, ["topics", command, "--config", str(config), *options])


def _made(result: Result) -> dict[str, list[str]]:
    """Topic -> partitions, keeps and done, as the table tells them."""
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in result.output.splitlines() if "│" in line]
    return {name: cells for name, *cells in rows}


def _partitions(settings: KafkaSettings) -> dict[str, int]:
    async def described() -> dict[str, int]:
        admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap[0])
        await admin.start()
        try:
            return {told["topic"]: len(told["partitions"]) for told in await admin.describe_topics()}
        finally:
            await admin.close()

    all_topics = asyncio.run(described())
    return {field: all_topics[name] for field, name in settings.topics if name in all_topics}


def _with_admin(settings: KafkaSettings, call: str, argument: object) -> None:
    async def called() -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap[0])
        await admin.start()
        try:
            await getattr(admin, call)(argument)
        finally:
            await admin.close()

    asyncio.run(called())


def test_missing_topics_are_each_named_then_made_then_found_right(fresh_settings: KafkaSettings, config: Path):
    before = _topics("check", config)
    assert before.exit_code == 1
    for kind, name in fresh_settings.topics:
        missed = f"{name} does not exist. Run `ecgstream topics create`." in before.output
        assert missed == (kind != "shadow"), name
    assert _partitions(fresh_settings) == {}, "asking must not create"

    made = _topics("create", config)
    assert made.exit_code == 0, made.output
    assert {row[2] for row in _made(made).values()} == {"created"}
    assert _made(made)[fresh_settings.topics.state] == ["12", "newest per key", "created"]
    assert _partitions(fresh_settings) == dict.fromkeys(EIGHT, 12)

    after = _topics("check", config)
    assert after.exit_code == 0 and "The 8 topics are as they should be." in after.output


def test_a_topic_for_the_shadow_is_wanted_where_a_model_may_run_in_it(tmp_path: Path):
    plain = {topic.name for topic in wanted(Settings())}
    for diagnosis in ({"shadow": tmp_path}, {"candidates": tmp_path}):
        assert {topic.name for topic in wanted(Settings(diagnosis=diagnosis))} - plain == {"ecg.shadow"}


def test_creating_again_changes_nothing(fresh_settings: KafkaSettings, config: Path):
    _topics("create", config, "--partitions", "2")
    asyncio.run(_send(fresh_settings, b"said before"))
    again = _topics("create", config)
    assert again.exit_code == 0
    assert {tuple(row) for row in _made(again).values()} == {("2", "as before", "was there")}
    assert asyncio.run(_read_one(fresh_settings)) == b"said before"


def test_only_topics_that_follow_the_chunks_grow(fresh_settings: KafkaSettings, config: Path):
    _topics("create", config, "--partitions", "2")
    grown = _topics("create", config, "--partitions", "5")
    assert grown.exit_code == 0
    assert _made(grown)[fresh_settings.topics.state] == ["5", "as before", "grown from 2 partitions"]
    following = ("chunks", "control", "state")
    assert _partitions(fresh_settings) == {name: 5 if name in following else 2 for name in EIGHT}
    assert _topics("create", config, "--partitions", "3").exit_code == 0, "partitions never shrink"
    assert _partitions(fresh_settings)["chunks"] == 5


def test_chunks_that_grew_alone_are_found_and_followed(fresh_settings: KafkaSettings, config: Path):
    _topics("create", config, "--partitions", "2")
    _with_admin(fresh_settings, "create_partitions", {fresh_settings.topics.chunks: NewPartitions(4)})
    faulty = _topics("check", config)
    names = fresh_settings.topics
    assert faulty.exit_code == 1
    assert f"they have: {names.chunks} 4, {names.control} 2, {names.state} 2." in faulty.output
    assert _topics("create", config).exit_code == 0
    assert _partitions(fresh_settings)["state"] == 4


def test_wrong_settings_are_told_with_their_remedy_and_left_alone(fresh_settings: KafkaSettings, config: Path):
    names = fresh_settings.topics
    wrong = {
        names.chunks: {"retention.ms": "5000", "max.message.bytes": "20000"},
        names.state: {"cleanup.policy": "delete"},
        names.control: {"cleanup.policy": "compact"},
    }
    _with_admin(
        fresh_settings, "create_topics", [NewTopic(name, 2, 1, topic_configs=has) for name, has in wrong.items()]
    )
    for result in (_topics("create", config), _topics("check", config)):
        assert result.exit_code == 1
        said = [line for line in result.output.splitlines() if "kafka-configs.sh" in line]
        assert len(said) == 5, result.output
        assert f"{names.chunks} keeps messages for 5 s; who takes up a bed may read 42 s back" in result.output
        assert f"--entity-name {names.chunks} --add-config retention.ms=21600000`" in result.output
        assert (
            f"{names.chunks} takes at most 20000 bytes; kafka.largest_message_bytes=1000000 may need" in result.output
        )
        assert f"{names.state} takes at most 1048588 bytes; a bed's state may need 8000000." in result.output
        assert (
            f"{names.state} has cleanup.policy=delete, but the newest message of every key must stay" in result.output
        )
        assert f"{names.control} has cleanup.policy=compact, but every message counts" in result.output


def test_unreachable_broker_is_exit_code_2_and_a_sentence(tmp_path: Path):
    nobody = f"127.0.0.1:{free_port()}"
    for command in ("create", "check"):
        result = _topics(command, _written(tmp_path, KafkaSettings(bootstrap=(nobody,))))
        assert result.exit_code == 2
        assert (
            result.output.strip() == f"Kafka at {nobody} cannot be reached (Connection refused); check kafka.bootstrap."
        )


def test_more_copies_than_brokers_are_refused_in_the_brokers_words(broker, config: Path):
    if "Apache" not in broker.kind:
        pytest.skip(f"{broker.kind} may take any number of copies")
    result = _topics("create", config, "--replication", "9")
    assert result.exit_code == 2
    assert "cannot be created" in result.output and "replication factor" in result.output


def test_faulty_settings_file_is_exit_code_2(tmp_path: Path):
    (tmp_path / "ecgstream.yaml").write_text("kafka: {bootstrapp: []}")
    result = _topics("check", tmp_path / "ecgstream.yaml")
    assert result.exit_code == 2 and "kafka.bootstrapp" in result.output


@pytest.mark.parametrize("command", [[], ["create"], ["check"]])
def test_help_is_worth_reading(command: list[str]):
    result = CliRunner().invoke(app, ["topics", *command, "--help"])
    assert result.exit_code == 0 and len(result.output) > 300


def test_wanted_sizes_and_times_follow_the_settings():
    settings = Settings(kafka=KafkaSettings(largest_message_bytes=3_000_000))
    topics = {topic.name: topic for topic in wanted(settings)}
    largest = {name: int(topic.config["max.message.bytes"]) for name, topic in topics.items()}
    assert all(size > 3_000_000 for size in largest.values())
    assert largest["ecg.state"] >= 8_000_000, "the alerts told with a bed's record stand in it with their strips"
    assert largest["ecg.chunks.dlt"] > largest["ecg.chunks"], "a chunk refused for its size has to fit, with headers"
    assert int(topics["ecg.chunks"].config["retention.ms"]) / 1000 > needed_s(settings)
    assert [topic.name for topic in topics.values() if topic.follows_chunks] == [
        "ecg.chunks",
        "ecg.control",
        "ecg.state",
    ]


async def _send(settings: KafkaSettings, value: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=settings.bootstrap[0]) as producer:
        await producer.send_and_wait(settings.topics.chunks, value)


async def _read_one(settings: KafkaSettings) -> bytes:
    options = {"bootstrap_servers": settings.bootstrap[0], "auto_offset_reset": "earliest"}
    async with AIOKafkaConsumer(settings.topics.chunks, **options) as consumer, asyncio.timeout(20):
        return (await consumer.getone()).value
