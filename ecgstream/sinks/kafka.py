"""Alerts, diagnoses, vitals and verdicts to Kafka, a topic each, keyed by stream id so that a bed's order holds."""

from __future__ import annotations

from ..kafka.cloudevents import headers
from ..kafka.producers import Producers
from ..settings import KafkaSettings
from .base import Published


class KafkaSink:
    """Sends through producers that somebody else starts and closes, as what comes of one delivery leaves together."""

    def __init__(self, settings: KafkaSettings, producers: Producers):
        self._group = settings.group
        self._producers = producers
        topics = settings.topics
        self._topics = {
            "alert": topics.alerts,
            "diagnosis": topics.diagnoses,
            "vitals": topics.vitals,
            "verdict": topics.verdicts,
            "shadow": topics.shadow,
        }

    async def start(self) -> None:
        """Check the settings. Raises SettingsError."""
        await self._producers.start()

    def send(self, origin: int, outgoing: Published) -> None:
        """Hand over what came of source partition ``origin`` (-1: of none). Raises FencedError."""
        self._producers.send(
            origin,
            self._topics[outgoing.name],
            outgoing.stream_id.encode(),
            outgoing.payload,
            headers(outgoing.name, outgoing.stream_id, outgoing.content_type, outgoing.payload, self._group),
        )

    async def confirm(self) -> None:
        """All replicas have what was sent. Raises DeliveryError, FencedError."""
        await self._producers.confirm()

    async def close(self) -> None:
        """Nothing: the producers are not ours."""
