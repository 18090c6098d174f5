"""The log that chunks come from, with all that is written beside it: state, dead letters, offsets."""

from __future__ import annotations

from collections.abc import Callable

from .errors import DeliveryError, FencedError
from .kafka.control import ControlLog
from .kafka.dead_letters import DeadLetters
from .kafka.producers import Producers
from .kafka.state import StateTopic
from .outputs import Refused
from .settings import KafkaSettings
from .sources.kafka import KafkaSource, Owner


class ChunkLog:
    """Kafka as the source of a daemon. Everything here may raise DeliveryError (try again) or FencedError."""

    def __init__(self, settings: KafkaSettings, producers: Producers, clock_ns: Callable[[], int], owner: Owner):
        self.producers = producers
        self.exactly_once = settings.delivery == "exactly-once"
        self.source = KafkaSource(settings, clock_ns, owner)
        self.state = StateTopic(settings, producers)
        self.control = ControlLog(settings)
        self.dead_letters = DeadLetters(settings, producers)
        producers.lease = self.source.lease

    def save(self, partition: int, stream_id: str, record: bytes | None) -> None:
        """Send a bed's record; None forgets the bed."""
        if record is None:
            self.state.forget(partition, stream_id)
        else:
            self.state.send(partition, stream_id, record)

    def bury(self, refused: Refused) -> None:
        """Send a message that cannot be used to the dead letters."""
        self.dead_letters.send(refused.message, refused.reason, refused.sentence)

    async def confirm(self) -> None:
        """Everything sent is acknowledged."""
        await self.producers.confirm()

    async def commit(self, offsets: dict[int, int]) -> None:
        """The offsets a new owner must go back to. FencedError also where it stays unknown what Kafka has committed."""
        try:
            await self.producers.commit(offsets, self.source.consumer)
        except DeliveryError as error:
            if self.exactly_once:  # to send it all again might tell everything twice; the log knows
                raise FencedError(offsets, f"It is not known whether this was committed: {error}") from error
            raise
