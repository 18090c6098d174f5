"""What systemd is told of a service of ``Type=notify``: ready, stopping, and that it still works (sd_notify(3))."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping

import structlog

NOTICE_EVERY_S = 5.0
"""Less than half of the units' WatchdogSec."""

log = structlog.get_logger()


class ServiceNotice:
    """Sends to ``$NOTIFY_SOCKET``, one datagram a notice; where there is none, does nothing."""

    def __init__(self, environment: Mapping[str, str] = os.environ):
        address = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address  # "@": an abstract socket

    def ready(self) -> None:
        """Started: whatever waits for us may start."""
        self._tell("READY=1\nSTATUS=Watching")

    def works(self) -> None:
        """To be told more often than ``WatchdogSec``, else systemd starts the service anew."""
        self._tell("WATCHDOG=1")

    async def works_while_the_loop_turns(self) -> None:
        """Until it is cancelled: an event loop that hangs tells nothing."""
        while True:
            self.works()
            await asyncio.sleep(NOTICE_EVERY_S)

    def stopping(self) -> None:
        """Draining; no watchdog any more."""
        self._tell("STOPPING=1\nSTATUS=Draining")

    def _tell(self, notice: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as to:
                to.setblocking(False)
                to.sendto(notice.encode(), self._address)
        except OSError as error:
            log.warning("systemd was not told", notice=notice, text=str(error))
