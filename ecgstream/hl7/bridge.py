"""``ecgstream bridge mllp``: the HL7 edge as a process of its own, so that names stay where it runs."""

from __future__ import annotations

import asyncio
import signal
from typing import Literal

import structlog
from prometheus_client import CollectorRegistry, ProcessCollector

from ..bridge_health import BridgeHealth
from ..errors import SettingsError
from ..settings import Settings
from .door import Door
from .handovers import KafkaHandover, ZeroMqHandover
from .listener import Listener
from .metrics import Hl7Metrics

log = structlog.get_logger()


async def run(settings: Settings, to: Literal["kafka", "zeromq"]) -> None:
    """Until SIGTERM or SIGINT. Raises EcgstreamError where it cannot start."""
    if settings.hl7.key_file is None:
        raise SettingsError("hl7.key_file must name a file with a secret; make one with: openssl rand -base64 32")
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    metrics = Hl7Metrics(registry)
    handover = KafkaHandover(settings.kafka) if to == "kafka" else ZeroMqHandover(settings.source, settings.control)
    door = Door(settings.hl7, handover, metrics, settings.alarms.code_vf)
    listener = Listener(settings.hl7, door, metrics)
    health = BridgeHealth(registry, handover.faults)
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    try:
        door.start()
        await handover.start()
        async with health.served(settings.http):
            await listener.start()
            health.ready()
            log.info("ready", mllp_port=listener.port, http_port=health.port, to=to)
            await stopping.wait()
            health.stopping()
            log.info("stopping")
            await listener.close()
    finally:
        await listener.close()
        await handover.close()
