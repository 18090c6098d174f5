"""The simulators on Kafka, as processes on a real broker: everything arrives, each stream in order."""

import subprocess
import sys
import threading
from collections import defaultdict

import numpy as np
import pytest

from ecgstream.waveform import Chunk
from ecgstream.wire.codec import content_type, decode_chunk
from simulators import destinations
from simulators.destinations import KafkaDestination, NobodyListens, kafka_destination
from simulators.faults import Faults
from simulators.player import Player
from simulators.programme import play_parts
from simulators.ward import ward_parts

from .topics import messages


def run(settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    url = f"kafka://{settings.bootstrap[0]}/{settings.topics.chunks}"
    command = [sys.executable, "-m", "simulators", *arguments, "--to", url]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def arrived(settings) -> dict[str, list[Chunk]]:
    """Chunks of each stream as they lie in the topic; each message is of its key's stream, and says what it is."""
    streams = defaultdict(list)
    for message in messages(settings.bootstrap[0], settings.topics.chunks):
        ((name, kind),) = message.headers
        assert (name, kind) == ("content-type", content_type("chunk").encode())
        chunk = decode_chunk(message.value, kind.decode())
        assert chunk.stream_id == message.key.decode()
        streams[chunk.stream_id].append(chunk)
    return streams


def numbers(streams) -> dict[str, list[int]]:
    return {stream_id: [chunk.sequence for chunk in chunks] for stream_id, chunks in streams.items()}


def test_a_ward_arrives_whole_and_in_order(kafka_settings):
    done = run(kafka_settings, "ward", "--beds", "4", "--seconds", "6", "--speed", "max", "--seed", "4")
    assert done.returncode == 0, done.stderr
    assert "24 messages sent, 0 that nobody took" in done.stderr
    found = arrived(kafka_settings)
    assert numbers(found) == {f"bed-0{bed}": list(range(6)) for bed in (1, 2, 3, 4)}
    for part in ward_parts(4, 6, 4):
        samples = np.concatenate([chunk.ecg.samples for chunk in found[part.stream_id]], axis=1)
        np.testing.assert_array_equal(samples, part.feed.read(0, samples.shape[1])[0].samples)


@pytest.mark.recordings
def test_a_replayed_record_arrives_whole_and_in_order_with_its_faults(kafka_settings, recordings):
    record = str(recordings / "mitdb" / "100")
    done = run(
        kafka_settings, "replay", record, "--beds", "2", "--speed", "max", "--seconds", "10", "--fault", "gap=2@4"
    )
    assert done.returncode == 0, done.stderr
    assert numbers(arrived(kafka_settings)) == {f"100-0{bed}": [*range(4), *range(6, 10)] for bed in (1, 2)}


def test_load_fills_a_topic_faster_than_real_time(kafka_settings):
    done = run(kafka_settings, "load", "--beds", "20", "--seconds", "30", "--leads", "3", "--speed", "max")
    assert done.returncode == 0, done.stderr
    found = arrived(kafka_settings)
    assert numbers(found) == {f"load-{bed:05}": list(range(30)) for bed in range(20)}
    steps_ns = np.diff([chunk.start_ns for chunk in found["load-00007"]])
    np.testing.assert_array_equal(steps_ns, 1_000_000_000)


def test_a_broker_killed_on_the_way_costs_no_chunk_and_no_order(broker, kafka_settings):
    destination = KafkaDestination(kafka_settings)
    due = play_parts(ward_parts(3, 120, 0), 0, 0.25, Faults(), 0)
    half_way, broker_is_back = threading.Event(), threading.Event()

    def play() -> None:
        for number, _ in enumerate(Player(destination, "protobuf", None).play(due, 0)):
            if number == 500:
                half_way.set()
            if number == 1200:
                broker_is_back.wait(30)

    playing = threading.Thread(target=play)
    playing.start()
    half_way.wait(30)
    broker.kill()
    broker.start()
    broker_is_back.set()
    playing.join()
    assert destination.close(30) == 0
    assert numbers(arrived(kafka_settings)) == {f"bed-0{bed}": list(range(480)) for bed in (1, 2, 3)}


def test_live_what_waits_too_long_is_dropped_and_said_so(broker, kafka_settings, monkeypatch):
    monkeypatch.setattr(destinations, "HIGH_WATER_MARK", 4)
    monkeypatch.setattr(destinations, "BATCH_BYTES", 100)
    destination = KafkaDestination(kafka_settings)
    broker.kill()
    taken = [destination.send(b"kind", b"bed-1", b"payload", wait=False) for _ in range(100)]
    assert not all(taken)
    broker.start()
    assert destination.close(30) == 0
    assert len(messages(kafka_settings.bootstrap[0], kafka_settings.topics.chunks)) == sum(taken)


def test_a_topic_that_is_not_there_is_told_of(kafka_settings, monkeypatch):
    monkeypatch.setattr(destinations, "LISTENER_WAIT_S", 0.0)
    nowhere = kafka_settings.model_copy(update={"bootstrap": ("127.0.0.1:1",), "request_timeout_s": 1.0})
    with pytest.raises(NobodyListens, match=r"Kafka at 127.0.0.1:1 does not take messages .* is the broker there"):
        KafkaDestination(nowhere)


@pytest.mark.parametrize(
    "url", ["kafka://127.0.0.1:9092", "kafka://127.0.0.1/ecg.chunks", "kafka:///ecg.chunks", "tcp://127.0.0.1:1/t"]
)
def test_another_url_is_refused_in_a_sentence(url, kafka_settings):
    with pytest.raises(ValueError, match=r"write kafka://HOST:PORT"):
        kafka_destination(url, kafka_settings)


def test_a_password_file_that_is_not_there_is_told_of(kafka_settings, tmp_path):
    settings = tmp_path / "ecgstream.yaml"
    settings.write_text(f"kafka: {{sasl: {{username: ward, password_file: {tmp_path / 'none'}}}}}")
    done = run(kafka_settings, "ward", "--config", str(settings))
    assert done.returncode == 2
    assert "kafka.sasl.password_file" in done.stderr and "Traceback" not in done.stderr


def test_one_destination_at_a_time(kafka_settings):
    done = run(kafka_settings, "ward", "--bind", "tcp://127.0.0.1:*")
    assert done.returncode == 2 and "Give one of --bind and --to" in done.stderr
