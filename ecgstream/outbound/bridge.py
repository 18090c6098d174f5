"""``ecgstream bridge alerts``: composition root of the outbound edge, a process of its own beside the daemons."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress

import structlog
from prometheus_client import ProcessCollector

from ..bridge_health import BridgeHealth
from ..clock import Clock, WallClock
from ..errors import EcgstreamError, SettingsError
from ..settings import Destination, HttpSettings, Settings
from .alarm_manager import AlarmManager
from .alerts import alerts_of
from .http import FhirServer, Webhook
from .metrics import OutboundMetrics
from .patients import patient_table, pseudonym_at
from .queue import OutboundQueue
from .receiver import Receiver
from .sender import Sender
from .tls import client_context

FAREWELL_S = 5.0
"""How long destinations may take to be told goodbye."""
AGAIN_S = 0.5
"""After which a task that goes on is cancelled again."""

log = structlog.get_logger()


class Bridge:
    """Reads alerts, queues them on disk, and keeps one sender for each destination."""

    def __init__(self, settings: Settings, clock: Clock | None = None):
        if not settings.outbound.destinations:
            raise SettingsError("outbound.destinations is empty; name at least one, as docs/integration.md shows.")
        self.settings = settings
        self.clock = clock or WallClock()
        self.metrics = OutboundMetrics()
        self.patients = patient_table(settings.hl7)
        self.receivers = [self._receiver(destination) for destination in settings.outbound.destinations]
        self.alerts = alerts_of(settings, self.metrics)
        ProcessCollector(registry=self.metrics.registry)
        self.health = BridgeHealth(self.metrics.registry, self.alerts.faults)
        self.stopping = asyncio.Event()

    async def run(self) -> None:
        """Until SIGTERM or SIGINT. Raises EcgstreamError where it cannot start, or the disk fails."""
        outbound = self.settings.outbound
        trims = {receiver.name: receiver.trim for receiver in self.receivers}
        queue = OutboundQueue(outbound.queue, round(outbound.queue_mb * 2**20), trims, self.metrics)
        address = HttpSettings(host=outbound.http_host, port=outbound.http_port)
        try:
            async with self.health.served(address, ("outbound", "outbound.http_port")):
                await self.alerts.start()
                self.health.ready()
                log.info("ready", destinations=list(trims), http_port=self.health.port)
                await self._work(queue)
        finally:
            await self.alerts.close()
            await self._say_goodbye()
            queue.close()

    async def _work(self, queue: OutboundQueue) -> None:
        """Until told to stop; an unexpected error in one task ends all."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stopping.set)
        senders = [
            Sender(receiver, queue, self.settings.outbound, self.metrics, self.clock.now_ns)
            for receiver in self.receivers
        ]
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(sender.run()) for sender in senders]
                tasks.append(group.create_task(self._take_in(queue)))
                await self.stopping.wait()
                self.health.stopping()
                while tasks:  # more than once: a task that is just being answered may miss that it is cancelled
                    for task in tasks:
                        task.cancel()
                    _, tasks = await asyncio.wait(tasks, timeout=AGAIN_S)
        except* EcgstreamError as failed:
            raise failed.exceptions[0] from None

    async def _take_in(self, queue: OutboundQueue) -> None:
        while True:
            alerts = await self.alerts.receive()
            of_whom = [(alert, pseudonym_at(self.patients, alert.stream_id)) for alert in alerts]
            queue.take_in(of_whom, self.clock.now_ns())
            await self.alerts.confirm()

    async def _say_goodbye(self) -> None:
        farewells = (receiver.close() for receiver in self.receivers)
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*farewells, return_exceptions=True), FAREWELL_S)

    def _receiver(self, destination: Destination) -> Receiver:
        match destination.kind:
            case "fhir":
                return FhirServer(destination, self.patients)
            case "webhook":
                return Webhook(destination, self.clock.now_ns)
        tls = client_context(destination.tls, f"outbound.{destination.name}.tls") if destination.tls else None
        dialect = self.settings.outbound.dialect(destination.dialect)
        return AlarmManager(destination, dialect, tls, self.patients, self.clock.now_ns)
