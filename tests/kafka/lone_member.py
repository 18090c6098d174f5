"""A member of a group in a process of its own, which a test can freeze: joins, and does as it is told line by line.

``begin``: begin, send one alert of each and confirm; ``commit``: commit offset 1 of each. Answers ``done``, ``again``
or which partitions it was fenced from; ``anew`` once the group has given it partitions again, as what it held until
then is no longer its own. First it says which it has.
"""

import asyncio
import sys

from ecgstream.errors import DeliveryError, FencedError
from ecgstream.kafka.producers import Producers
from ecgstream.logs import configure
from ecgstream.settings import KafkaSettings, LogSettings
from ecgstream.sources.kafka import KafkaSource

from .members import Beds, until


class SendingBeds(Beds):
    """Exactly-once needs its producers before anything else."""

    def __init__(self, producers: Producers):
        super().__init__()
        self._producers = producers

    async def gain(self, partitions, extents):
        await self._producers.gain(partitions)
        return await super().gain(partitions, extents)


async def main(settings: KafkaSettings) -> None:
    producers = Producers(settings)
    source = KafkaSource(settings, lambda: 0, SendingBeds(producers))
    producers.lease = source.lease
    await source.start()
    await until(lambda: source.assigned and not source.faults())
    held, epoch = source.assigned, source.epoch
    print(*sorted(held), flush=True)
    while order := (await asyncio.to_thread(sys.stdin.readline)).strip():
        if source.epoch != epoch:
            print("anew", flush=True)
            continue
        try:
            await obey(order, producers, source, held, settings.topics.alerts)
            print("done", flush=True)
        except DeliveryError:
            print("again", flush=True)
        except FencedError as error:
            print("fenced", *sorted(error.partitions), flush=True)


async def obey(order: str, producers: Producers, source: KafkaSource, held: frozenset[int], topic: str) -> None:
    if order == "begin":
        await producers.begin(held)
        for partition in held:
            producers.send(partition, topic, b"bed-1", b"of the lone member")
        await producers.confirm()
    else:
        await producers.commit(dict.fromkeys(held, 1), source.consumer)


if __name__ == "__main__":
    configure(LogSettings())  # away from standard output, which is for answers
    asyncio.run(main(KafkaSettings.model_validate_json(sys.argv[1])))
