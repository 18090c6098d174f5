"""Takes one destination's messages out of the queue, in order, each until it is confirmed."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_exponential_jitter

from ..settings import OutboundSettings
from .metrics import OutboundMetrics
from .queue import Entry, OutboundQueue
from .receiver import Receiver, Refused, Unreachable

log = structlog.get_logger()


class Sender:
    """One destination's task. A destination that is down holds up only its own messages."""

    def __init__(
        self,
        receiver: Receiver,
        queue: OutboundQueue,
        settings: OutboundSettings,
        metrics: OutboundMetrics,
        clock_ns: Callable[[], int],
    ):
        self._receiver, self._queue, self._settings, self._metrics = receiver, queue, settings, metrics
        self._clock_ns = clock_ns
        self._name = receiver.name
        self._refusals = 0
        self._idled_s = float("-inf")
        self._is_up: bool | None = None

    async def run(self) -> None:
        """Until cancelled. A cancelled message is sent again after the next start: same id, so it is recognised."""
        while True:
            if entry := self._queue.head(self._name):
                await self._deliver(entry)
            else:
                await self._idle()

    async def _deliver(self, entry: Entry) -> None:
        self._refusals = 0
        try:
            await self._retrying()(self._receiver.deliver, entry)
        except Refused as error:
            self._queue.set_aside(self._name, entry, str(error))
            self._metrics.set_aside.labels(self._name).inc()
            log.error("message set aside", destination=self._name, alert_id=entry.alert.alert_id, text=str(error))
            return
        self._told_up(True)
        self._queue.confirmed(self._name, entry)
        self._metrics.delivered.labels(self._name, entry.phase).inc()
        self._metrics.latency.labels(self._name).observe((self._clock_ns() - entry.alert.published_time_ns) / 1e9)

    async def _idle(self) -> None:
        """What stands is told again while there is nothing new; what cannot be told then is no loss."""
        rest_s = self._idled_s + self._receiver.idle_s - time.monotonic()
        if rest_s > 0:
            await self._queue.wait(self._name, rest_s)
            return
        try:
            if await self._receiver.idle(self._queue.standing(self._clock_ns())):
                self._told_up(True)
        except (Unreachable, Refused) as error:
            self._count(error)
        self._idled_s = time.monotonic()

    def _retrying(self) -> AsyncRetrying:
        settings = self._settings
        return AsyncRetrying(
            wait=wait_exponential_jitter(
                multiplier=settings.retry_s, max=settings.longest_retry_s, jitter=settings.retry_s / 4
            ),
            retry=retry_if_exception(self._is_to_try_again),
            before_sleep=self._count_try,
            reraise=True,
        )

    def _is_to_try_again(self, error: BaseException) -> bool:
        if isinstance(error, Refused):
            self._refusals += 1
            if self._refusals >= self._settings.refusals:
                self._count(error)
                return False
            return True
        return isinstance(error, Unreachable)

    def _count_try(self, state: RetryCallState) -> None:
        self._count(state.outcome.exception())

    def _count(self, error: Unreachable | Refused) -> None:
        self._metrics.retries.labels(self._name, error.reason).inc()
        self._told_up(isinstance(error, Refused), str(error))

    def _told_up(self, is_up: bool, text: str = "") -> None:
        """Metric, and one line in the log when it changes, not one for every try."""
        self._metrics.up.labels(self._name).set(is_up)
        if is_up != self._is_up:
            self._is_up = is_up
            (log.info if is_up else log.warning)(
                "destination answers" if is_up else "destination does not answer", destination=self._name, text=text
            )
