"""What could not be used lies in the dead letters as it came, with the reason and where it lay."""

from contextlib import asynccontextmanager

from ecgstream.kafka.dead_letters import DeadLetters
from ecgstream.kafka.producers import Producers
from ecgstream.sources.message import Message, Position

from .members import KIND, until
from .topics import messages

SENTENCE = "The stream id must be 1 to 200 printable characters; found 0: ''."


@asynccontextmanager
async def dead_letters_of(settings):
    producers = Producers(settings)
    await producers.gain({2})
    await producers.begin({2})
    try:
        yield DeadLetters(settings, producers), producers
    finally:
        await producers.close(1.0)


def buried(settings):
    return messages(settings.bootstrap[0], settings.topics.dead_letters)


async def test_a_refused_message_keeps_payload_key_and_content_type_and_says_why_and_from_where(kafka_settings):
    message = Message(b"\x00payload", KIND, 5, Position(2, 41, 1_700_000_000_123_456_789, 1), b"bed-1")
    async with dead_letters_of(kafka_settings) as (letters, producers):
        letters.send(message, "bad_stream_id", SENTENCE)
        await producers.confirm()
        assert letters.sent == 1
    (found,) = buried(kafka_settings)
    assert (found.value, found.key) == (b"\x00payload", b"bed-1")
    assert dict(found.headers) == {
        "content-type": KIND.encode(),
        "reason": b"bad_stream_id",
        "text": SENTENCE.encode(),
        "original-topic": kafka_settings.topics.chunks.encode(),
        "original-partition": b"2",
        "original-offset": b"41",
        "original-timestamp-ms": b"1700000000123",
    }


async def test_a_payload_larger_than_a_broker_takes_is_cut_and_says_from_what(kafka_settings):
    message = Message(b"x" * 5_000_000, "y" * 100_000, 5, Position(2, 41, 0, 1), b"bed-1")
    async with dead_letters_of(kafka_settings) as (letters, producers):
        letters.send(message, "oversize", "z" * 100_000)
        await producers.confirm()
    (found,) = buried(kafka_settings)
    assert found.value == b"x" * kafka_settings.largest_message_bytes
    headers = dict(found.headers)
    assert headers["original-bytes"] == b"5000000"
    assert len(headers["content-type"]) == len(headers["text"]) == 1000


async def test_a_message_without_position_or_key_is_kept_too(kafka_settings):
    async with dead_letters_of(kafka_settings) as (letters, producers):
        letters.send(Message(b"", "", 5), "malformed", "No content type.")
        await producers.confirm()
    (found,) = buried(kafka_settings)
    assert (found.value, found.key) == (b"", None)
    assert dict(found.headers) == {"content-type": b"", "reason": b"malformed", "text": b"No content type."}


async def test_exactly_once_a_dead_letter_belongs_to_the_transaction_of_its_partition(kafka_settings):
    settings = kafka_settings.model_copy(update={"delivery": "exactly-once"})
    message = Message(b"payload", KIND, 5, Position(2, 41, 0, 1), b"bed-1")
    async with dead_letters_of(settings) as (letters, producers):
        letters.send(message, "bad_stream_id", SENTENCE)
        await producers.confirm()
        assert buried(settings) == []
        await producers.commit({2: 42}, None)
        await until(lambda: buried(settings))  # Kafka shows a transaction a moment after its commit is confirmed
        assert [found.value for found in buried(settings)] == [b"payload"]
