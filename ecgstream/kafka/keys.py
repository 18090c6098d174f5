"""Which partition a key goes to: as aiokafka and Kafka's own clients choose it."""

from __future__ import annotations

from aiokafka.partitioner import murmur2


def partition_of_key(key: str, partitions: int) -> int:
    """The partition of a message with this key in a topic of so many."""
    return (murmur2(key.encode()) & 0x7FFFFFFF) % partitions
