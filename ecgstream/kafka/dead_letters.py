"""Messages that cannot be used, kept for whoever must find out why, with the reason and where they lay."""

from __future__ import annotations

from ..settings import KafkaSettings
from ..sources.message import Message
from .producers import NO_PARTITION, Producers

TEXT_BYTES = 1_000
"""Longest sentence and content type; a content type is whatever somebody sent."""


class DeadLetters:
    """Sends to the dead-letter topic."""

    def __init__(self, settings: KafkaSettings, producers: Producers):
        self._topics = settings.topics
        self._largest_bytes = settings.largest_message_bytes
        self._producers = producers
        self.sent = 0

    def send(self, message: Message, reason: str, sentence: str) -> None:
        """Payload, key and content type as they came, the reason in headers. Raises FencedError.

        A payload above ``largest_message_bytes`` is cut, or no broker would take it; ``original-bytes`` says from what.
        """
        headers = [
            ("content-type", message.content_type.encode()[:TEXT_BYTES]),
            ("reason", reason.encode()),
            ("text", sentence.encode()[:TEXT_BYTES]),
        ]
        if message.position is not None:
            headers += [
                ("original-topic", self._topics.chunks.encode()),
                ("original-partition", b"%d" % message.position.partition),
                ("original-offset", b"%d" % message.position.offset),
                ("original-timestamp-ms", b"%d" % (message.position.log_ns // 1_000_000)),
            ]
        if len(message.payload) > self._largest_bytes:
            headers.append(("original-bytes", b"%d" % len(message.payload)))
        self._producers.send(
            message.position.partition if message.position else NO_PARTITION,
            self._topics.dead_letters,
            message.key or None,
            message.payload[: self._largest_bytes],
            headers,
        )
        self.sent += 1
