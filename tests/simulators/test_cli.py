"""The commands, as processes over real sockets."""

import json
import subprocess
import sys

import pytest
import zmq

from ecgstream.wire.codec import decode_chunk


def run(*arguments: str, endpoint: str | None = None) -> subprocess.CompletedProcess[str]:
    connect = ["--connect", endpoint] if endpoint else []
    command = [sys.executable, "-m", "simulators", *arguments, *connect]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def listener():
    with zmq.Context() as context, context.socket(zmq.PULL) as pull:
        pull.setsockopt(zmq.LINGER, 0)
        pull.bind_to_random_port("tcp://127.0.0.1")
        yield pull


def heard(pull: zmq.Socket) -> list:
    out = []
    while pull.poll(200):
        content_type, _, payload = pull.recv_multipart()
        out.append(decode_chunk(payload, content_type.decode()))
    return out


def test_ward_plays_its_script_and_writes_the_truth(listener, tmp_path):
    truth = tmp_path / "truth.json"
    arguments = ("ward", "--beds", "3", "--seconds", "6", "--speed", "max", "--seed", "4", "--truth", str(truth))
    done = run(*arguments, endpoint=listener.get(zmq.LAST_ENDPOINT).decode())
    assert done.returncode == 0, done.stderr
    chunks = heard(listener)
    beds = json.loads(truth.read_text())["beds"]
    assert {c.stream_id for c in chunks} == {bed["stream_id"] for bed in beds} == {"bed-01", "bed-02", "bed-03"}
    assert len(chunks) == 18 and "18 messages sent, 0 that nobody took" in done.stderr


@pytest.mark.recordings
def test_replay_plays_records_as_beds_of_their_names(listener, recordings):
    records = [str(recordings / "mitdb" / "100"), str(recordings / "vfdb" / "418")]
    arguments = ("replay", *records, "--speed", "max", "--seconds", "10", "--chunk-s", "0.5", "--fault", "gap=2@4")
    done = run(*arguments, endpoint=listener.get(zmq.LAST_ENDPOINT).decode())
    assert done.returncode == 0, done.stderr
    numbers = {name: [c.sequence for c in heard_of] for name, heard_of in by_stream(heard(listener)).items()}
    assert numbers == {name: [*range(8), *range(12, 20)] for name in ("100", "418")}


def test_load_sends_beds_in_real_time(listener):
    arguments = ("load", "--beds", "10", "--seconds", "1", "--leads", "3")
    done = run(*arguments, endpoint=listener.get(zmq.LAST_ENDPOINT).decode())
    assert done.returncode == 0, done.stderr
    assert len(by_stream(heard(listener))) == 10


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("ward", "--fault", "dorp=1"), "'dorp=1' is not one"),
        (("replay", "no/such/record"), "no/such/record cannot be read"),
        (("load", "--chunk-s", "0.7"), "take 0.2, 0.5 or 1 s"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_sentence(arguments, says, listener):
    endpoint = listener.get(zmq.LAST_ENDPOINT).decode() if "--connect" not in arguments else None
    done = run(*arguments, endpoint=endpoint)
    assert done.returncode == 2
    assert says in done.stderr and "Traceback" not in done.stderr


def by_stream(chunks) -> dict:
    found: dict = {}
    for chunk in chunks:
        found.setdefault(chunk.stream_id, []).append(chunk)
    return found
