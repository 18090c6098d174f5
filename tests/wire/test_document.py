"""docs/wire.md is true: its programs run against real sockets, its tables and its JSON are those of the code."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import ecgstream
from ecgstream.kafka.cloudevents import headers
from ecgstream.kafka.headers import content_type_of
from ecgstream.outputs import Outgoing
from ecgstream.settings import (
    ControlSettings,
    IntakeSettings,
    KafkaSettings,
    SinkSettings,
    SourceSettings,
    TopicSettings,
)
from ecgstream.sinks.zeromq import ZeroMqSink
from ecgstream.sources.control import ControlSocket
from ecgstream.sources.zeromq import ZeroMqSource
from ecgstream.waveform import Chunk, Reason
from ecgstream.wire import codec, controls, groups, layouts, sockets
from ecgstream.wire import ecgstream_pb2 as pb
from ecgstream.wire.codec import decode_chunk, encode
from ecgstream.wire.content_types import MESSAGES, content_type
from ecgstream.wire.generate import generate
from ecgstream.wire.leads import LEAD_CODES
from ecgstream.wire.refusals import Refusal

from ..kafka.topics import messages

TEXT = (Path(__file__).parents[2] / "docs" / "wire.md").read_text()
PROGRAMS = dict(re.findall(r"```python\n# (\w+\.py)\n(.*?)```", TEXT, re.DOTALL))
ANY_PORT = "tcp://127.0.0.1:*"
WAIT_S = 20.0


@pytest.fixture
def folder(tmp_path) -> Path:
    """Where a reader of the document stands: its programs, and the module protoc makes."""
    generate(tmp_path)
    for name, text in PROGRAMS.items():
        (tmp_path / name).write_text(text)
    return tmp_path


async def _start(folder: Path, program: str, *arguments: str) -> asyncio.subprocess.Process:
    # No path to ecgstream beyond what pip installed: the programs must do without it.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return await asyncio.create_subprocess_exec(
        sys.executable, program, *arguments, cwd=folder, env=environment, stdout=subprocess.PIPE
    )


async def _chunks(source: ZeroMqSource, count: int) -> list[Chunk]:
    chunks: list[Chunk] = []
    async with asyncio.timeout(WAIT_S):
        while len(chunks) < count:
            chunks += [decode_chunk(m.payload, m.content_type) for m in await source.receive(100)]
    return chunks


def test_the_four_programs_are_there_and_complete():
    assert set(PROGRAMS) == {"producer.py", "consumer.py", "acknowledge.py", "kafka_producer.py"}
    assert not any("import ecgstream\n" in text or "from ecgstream " in text for text in PROGRAMS.values())


async def test_the_producer_sends_what_it_says(folder):
    source = ZeroMqSource(SourceSettings(endpoints=(ANY_PORT,)), lambda: 0)
    await source.start()
    producer = await _start(folder, "producer.py", source.endpoints[0], "2")
    first, second = await _chunks(source, 2)
    assert await producer.wait() == 0
    await source.close()
    assert [chunk.sequence for chunk in (first, second)] == [0, 1]
    assert second.start_ns - first.start_ns == 1_000_000_000
    assert first.ecg.layout is second.ecg.layout
    assert [channel.name for channel in first.ecg.layout.channels] == ["II", "V1"]
    ecg_mv = np.hstack([chunk.ecg.samples for chunk in (first, second)]) / 200.0
    peaks = np.flatnonzero(ecg_mv[0] > 0.99)
    assert peaks.tolist() == [75, 275, 475], "an R wave of 1 mV at 0.3 s, and every 0.8 s"
    np.testing.assert_allclose(ecg_mv[1], -0.6 * ecg_mv[0], atol=0.005)


async def test_the_kafka_producer_sends_the_same_bed_as_the_document_says(folder, kafka_settings):
    topic = kafka_settings.topics.chunks
    producer = await _start(folder, "kafka_producer.py", kafka_settings.bootstrap[0], topic, "2")
    assert await asyncio.wait_for(producer.wait(), WAIT_S) == 0
    found = messages(kafka_settings.bootstrap[0], topic)
    chunks = [decode_chunk(message.value, content_type_of(message.headers)) for message in found]
    assert [(chunk.stream_id, chunk.sequence) for chunk in chunks] == [("ward-3/bed-12", 0), ("ward-3/bed-12", 1)]
    assert {message.key for message in found} == {b"ward-3/bed-12"}
    assert len({message.partition for message in found}) == 1


def test_the_topics_and_headers_told_are_those_of_the_code():
    section = TEXT.split("## Over Kafka")[1].split("\n## ")[0]
    assert set(re.findall(r"`(ecg\.[a-z.]+)`", section)) == set(TopicSettings().model_dump().values()) - {"ecg.state"}
    kind, payload = encode(pb.Alert(alert_id="a", update=1))
    for name, _ in headers("alert", "bed-1", kind, payload, "group"):
        assert f"| `{name}` |" in section
    assert "`kafka.largest_message_bytes` (1 MB)" in section and KafkaSettings().largest_message_bytes == 1_000_000


async def test_the_consumer_prints_an_alert(folder):
    sink = ZeroMqSink(SinkSettings(endpoint=ANY_PORT))
    await sink.start()
    alert = pb.Alert(condition="asystole", state=pb.Alert.LATCHED, priority=pb.Alert.HIGH, alert_id="a1", update=2)
    vitals_type, vitals = encode(pb.Vitals())
    alert_type, payload = encode(alert)
    consumer = await _start(folder, "consumer.py", sink.endpoint)
    reading = asyncio.create_task(consumer.stdout.readline())
    async with asyncio.timeout(WAIT_S):
        while not reading.done():  # until its subscription has arrived
            sink.send(-1, Outgoing("bed-1", "vitals", vitals_type, vitals))
            sink.send(-1, Outgoing("bed-1", "alert", alert_type, payload))
            await asyncio.sleep(0.05)
    consumer.kill()
    await consumer.communicate()
    await sink.close()
    assert reading.result() == b"bed-1 asystole LATCHED HIGH a1 2\n"


@pytest.mark.parametrize(
    ("answer", "printed"),
    [
        (pb.ControlReply(accepted=True), b"accepted\n"),
        (pb.ControlReply(text="No such bed."), b"refused: No such bed.\n"),
    ],
)
async def test_the_acknowledge_program_orders_and_tells(folder, answer, printed):
    control = ControlSocket(ControlSettings(endpoint=ANY_PORT))
    await control.start()
    program = await _start(folder, "acknowledge.py", control.endpoint, "bed-1")
    requests = control.requests()
    request, reply = await asyncio.wait_for(anext(requests), WAIT_S)
    await reply(answer)
    output, _ = await asyncio.wait_for(program.communicate(), WAIT_S)
    await requests.aclose()
    await control.close()
    assert (output, program.returncode) == (printed, 0)
    assert request.stream_id == "bed-1" and request.actor
    assert request.WhichOneof("order") == "acknowledge" and request.acknowledge.alert_id == ""


def test_the_json_example_is_a_chunk():
    (example,) = re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)
    chunk = decode_chunk(example.encode(), content_type("chunk", "json"))
    assert chunk.ecg.samples.tolist() == [[10, 20], [-10, -20]]
    assert (chunk.stream_id, chunk.sequence) == ("ward-3/bed-12", 41)


def test_the_table_of_refusals_is_complete():
    section = TEXT.split("## What is refused")[1].split("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == [str(reason) for reason in Refusal]


def test_the_table_of_leads_is_that_of_the_code():
    section = TEXT.split("## Leads")[1].split("\n## ")[0]
    cells = re.findall(r"(\w+) \| (\d{6})", section)
    assert {name: int(code) for name, code in cells} == LEAD_CODES


def test_every_reason_not_to_judge_is_told_and_has_its_words_on_the_page():
    page = (Path(ecgstream.__file__).parent / "web" / "static" / "words.js").read_text()
    words = page.split("const REASONS = {")[1].split("};")[0]
    names = {reason.name.lower() for reason in Reason} - {"ok", "absent"}
    assert {name for name in names if f"`{name}`" in TEXT} == names
    assert set(re.findall(r"(\w+): \"", words)) == names


def test_every_message_and_every_field_of_a_chunk_is_told():
    for name in MESSAGES:
        assert f"`{name}`" in TEXT
    for message in (pb.Chunk, pb.ChannelGroup, pb.GroupLayout, pb.Channel, pb.SampleRange, pb.MonitorAlarm):
        for field in message.DESCRIPTOR.fields:
            assert re.search(rf"[`.\[]{field.name}\b|{field.name}\)?`", TEXT), f"{message.__name__}.{field.name}"


def test_the_limits_told_are_those_of_the_code():
    text = " ".join(TEXT.split())
    intake = IntakeSettings()
    for told in (
        f"{layouts.RATE_HZ[0]} to {layouts.RATE_HZ[1] // 1000} 000 Hz",
        f"denominator of at most {layouts.MAX_RATE_DENOMINATOR}",
        f"at most {layouts.MAX_CHANNELS} in all groups together",
        f"at most {layouts.MAX_NAME} printable characters",
        f"{layouts.GAIN[0]:.0e} to {layouts.GAIN[1]:.0e}".replace("e-06", "e-6").replace("e+09", "e9"),
        f"1 to {controls.MAX_TEXT} printable characters",
        f"at most {groups.MAX_CHUNK_S} s",
        f"at most {groups.MAX_RANGES} of each",
        f"at most {codec.MAX_MONITOR_ALARMS} monitor alarms",
        f"at most {codec.MAX_PAYLOAD_BYTES >> 20} MiB (a frame above {sockets.LARGEST_FRAME_BYTES >> 20} MiB",
        f"by more than {intake.clock_step_s} s (`intake.clock_step_s`)",
        f"within {intake.lateness_s:g} s (`intake.lateness_s`)",
        f"for {intake.stale_s:g} s (`intake.stale_s`)",
    ):
        assert told in text
    assert intake.wild_clock_s == 86_400, "further than a day"
