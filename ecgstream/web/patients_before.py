"""Where another patient came into a bed before the page's process began: told again among the alerts of that time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from ..errors import WireError
from ..kafka.headers import content_type_of
from ..wire.codec import decode_control


class PatientsBefore:
    """The last association of each bed, until the alerts that are read have passed it: what came before it was the
    last patient's."""

    def __init__(self) -> None:
        self._waiting: dict[bytes, ConsumerRecord] = {}
        self._ends: dict[TopicPartition, int] = {}

    async def read(self, consumer: AIOKafkaConsumer, orders: str, alerts: str, since_ms: int) -> None:
        """Read the topic of ``orders`` from then to its end, and leave the consumer there. Raises KafkaError."""
        places = {place for place in consumer.assignment() if place.topic == orders}
        ends = await consumer.end_offsets(consumer.assignment())
        self._ends = {place: end for place, end in ends.items() if place.topic == alerts}
        found = await consumer.offsets_for_times(dict.fromkeys(places, since_ms)) if places else {}
        for place, at in found.items():
            consumer.seek(place, at.offset if at else ends[place])
        due = {place for place in places if found[place]}
        while due:
            for place, records in (await consumer.getmany(*places, timeout_ms=200)).items():
                self._waiting |= {record.key: record for record in records if associates(record)}
                if records and records[-1].offset >= ends[place] - 1:
                    due.discard(place)
            due = {place for place in due if await consumer.position(place) < ends[place]}

    def among(self, records: Iterable[ConsumerRecord]) -> Iterator[ConsumerRecord]:
        """The records, and each association before the first of its bed that is later."""
        for record in records:
            before = self._waiting.get(record.key)
            if before and record.timestamp > before.timestamp:
                yield self._waiting.pop(record.key)
            yield record

    async def rest(self, consumer: AIOKafkaConsumer) -> list[ConsumerRecord]:
        """Associations after which nothing more was told, once all alerts of before the start have been read."""
        if not self._waiting or any([await consumer.position(place) < end for place, end in self._ends.items()]):
            return []
        waiting, self._waiting = list(self._waiting.values()), {}
        return waiting


def associates(record: ConsumerRecord) -> bool:
    """Whether an order of ``ecg.control`` brings another patient, or none, into a bed."""
    try:
        order = decode_control(record.value or b"", content_type_of(record.headers))
    except WireError:
        return False
    return order.WhichOneof("order") == "association"
