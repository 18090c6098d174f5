"""The daemon's stages, side by side: receive, compute, publish, watch, take orders. Queues between them are bounded."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any, TypeVar

import structlog

from .audit import Audit
from .delivery import Delivery, Results
from .errors import DeliveryError, FencedError
from .kafka.control import ControlLog, ControlWriter
from .keeper import Keeper
from .membership import Membership
from .metrics import Metrics
from .outputs import Outgoing
from .overload import Overload
from .passes import in_passes
from .pipeline import Pipeline
from .service_notice import ServiceNotice
from .settings import Settings
from .sources.base import Source
from .sources.control import ControlSocket
from .sources.message import Message
from .tracing import Tracing
from .upkeep import apply_order, watch
from .wire import ecgstream_pb2 as pb

HANDS = 2
"""Threads that blocks are shared out to; the compute thread concludes."""
WAITING_BATCHES = 3
WAITING_RESULTS = 8
FAR_S, NEAR_S = 30.0, 10.0
"""Further behind the log than warm-up and FAR_S, the encoder waits until less than NEAR_S is left."""
WATCH_S = 1.0
"""How often the clock is looked at: stale streams, eviction, saved state."""

T = TypeVar("T")
log = structlog.get_logger()


class Barrier:
    """Goes through the queues behind everything taken in; ``passed`` once all of that has been delivered."""

    def __init__(self, partitions: set[int]):
        self.partitions = partitions
        self.passed = asyncio.Event()
        self.abandoned = False  # nobody waits for it any more


class Stages:
    """Owns the compute thread and the queues; compute owns all signal state."""

    def __init__(self, settings: Settings, metrics: Metrics):
        self._settings, self._metrics = settings, metrics
        self.pipeline: Pipeline
        self.delivery: Delivery
        self.keeper: Keeper | None = None  # state in a file: a source without a log
        self.membership: Membership | None = None  # state in the log
        self.overload: Overload | None = None  # a replay as fast as it goes waits for compute, and leaves nothing out
        self.control_writer: ControlWriter | None = None  # where orders go through the log
        self.audit: Audit
        self.notice = ServiceNotice()
        self.tracing = Tracing(settings.traces)
        metrics.span = self.tracing.span
        self._noting = asyncio.Lock()
        self.pass_on: Callable[[list[Message]], None] | None = None  # chunks as they came, where somebody wants them
        self.on_order: list[Callable[[pb.Control], None]] = []  # shown those that were applied
        self.stopping = asyncio.Event()
        self.heartbeat_s = time.monotonic()
        self._compute_thread = ThreadPoolExecutor(1, thread_name_prefix="compute")
        self.hands = ThreadPoolExecutor(HANDS, thread_name_prefix="hand")  # they begin when they are first wanted
        self._batch = settings.queue_messages // (WAITING_BATCHES + 1)
        self._inbox: asyncio.Queue[list[Message] | Barrier | None] = asyncio.Queue(WAITING_BATCHES)
        self._mark: list[Barrier | None] = []  # taken from the inbox behind messages, and still to be heeded
        self._ahead: list[Message] = []  # of partitions that have come further than others
        self._outbox: asyncio.Queue[Results | Barrier | None] = asyncio.Queue(WAITING_RESULTS)
        for name, queue in (("messages", self._inbox), ("results", self._outbox)):
            metrics.queue.labels(name).set_function(queue.qsize)
            metrics.queue_room.labels(name).set(queue.maxsize)

    async def in_compute(self, function: Callable[..., T], *arguments: Any) -> T:
        """Run in the compute thread, behind whatever runs there."""
        return await asyncio.get_running_loop().run_in_executor(self._compute_thread, function, *arguments)

    async def tell(self, results: Results) -> None:
        """Results that came of no message, in their turn."""
        if results.out or results.records or results.offsets:
            await self._outbox.put(results)

    async def finish(self, partitions: set[int]) -> None:
        """Everything taken in of these partitions is delivered, with every bed's record; then they are parked."""
        barrier = Barrier(partitions)
        await self._inbox.put(barrier)
        try:
            await barrier.passed.wait()
        except asyncio.CancelledError:
            barrier.abandoned = True  # by the time its turn comes, these partitions may be ours anew
            raise

    def close(self) -> None:
        """End the threads."""
        self._compute_thread.shutdown(wait=True, cancel_futures=True)
        self.hands.shutdown(wait=True, cancel_futures=True)

    async def receive(self, source: Source) -> None:
        """Source to inbox, what comes within ``max_wait_s`` at a time; after a stop, what has come, then the end."""
        stopping = asyncio.create_task(self.stopping.wait())
        while not self.stopping.is_set():
            receiving = asyncio.create_task(source.receive(self._batch))
            await asyncio.wait({receiving, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not receiving.done():
                receiving.cancel()
                break
            messages = receiving.result()
            if len(messages) < self._batch:
                await asyncio.sleep(self._settings.max_wait_s)
                messages += source.drain(self._batch - len(messages))
            if self.pass_on:
                self.pass_on(messages)
            await self._inbox.put(messages)
        deadline_s = self.delivery.give_up_s = time.monotonic() + self._settings.drain_s
        while time.monotonic() < deadline_s and (left := source.drain(self._batch)):
            await self._inbox.put(left)
        await self._inbox.put(None)

    async def compute(self) -> None:
        """Inbox to outbox, off the event loop."""
        while (work := await self._next_work()) is not None:
            if isinstance(work, Barrier):
                if work.abandoned:
                    continue
                await self._outbox.put(await self.in_compute(self.membership.park, work.partitions))
                await self._outbox.put(work)
                continue
            for messages in work:
                start_s = time.perf_counter()
                results = await self.in_compute(self._process, messages)
                self._metrics.tick.observe(time.perf_counter() - start_s)
                await self._outbox.put(results)
        if self.membership:
            await self._outbox.put(await self.in_compute(self.membership.park, set(self.membership.owned)))
        await self._outbox.put(None)

    async def _next_work(self) -> list[list[Message]] | Barrier | None:
        """Passes of all messages that wait, as one costs less than several; a mark is never passed by."""
        if self._mark and not self._ahead:
            return self._mark.pop()
        waiting, self._ahead = self._ahead, []
        while not self._mark and len(waiting) < self._batch and not (waiting and self._inbox.empty()):
            more = await self._inbox.get()
            if isinstance(more, list):
                waiting = waiting + more
            elif waiting:
                self._mark.append(more)
            else:
                return more
        passes, self._ahead = in_passes(waiting, more=not self._mark and not self._inbox.empty())
        return passes

    async def publish(self) -> None:
        """Outbox to sink, and what follows from its confirmation: see delivery."""
        while (results := await self._outbox.get()) is not None:
            if isinstance(results, Barrier):
                results.passed.set()
                continue
            with self.tracing.following(results.trace, "delivery"):
                await self._deliver(results)

    async def _deliver(self, results: Results) -> None:
        membership = self.membership
        if membership is None:
            await self.delivery.deliver(results)
        elif results.life == membership.life and not membership.tainted:
            try:
                await self.delivery.deliver(results)
                membership.committed.update(results.offsets)
            except FencedError as error:
                log.error("others have our beds; dropping what is held", text=str(error))
                membership.tainted = True
                membership.log.source.rejoin()

    async def watch(self) -> None:
        """Silence is news: stale streams by the clock; state to disk. Waits while nothing can be told anyway."""
        while True:
            await asyncio.sleep(WATCH_S)
            await self.tell(await self.in_compute(self._look_around))

    async def beat(self) -> None:
        """Whether compute still answers, also while nothing can be delivered."""
        while True:
            await self.in_compute(int)
            self.heartbeat_s = time.monotonic()
            self.notice.works()
            await asyncio.sleep(WATCH_S)

    async def take_requests(self, control: ControlSocket) -> None:
        """Orders over ZeroMQ, and replies back."""
        async for request, reply in control.requests():
            try:
                answer = await self.order(request, "zeromq")
            except DeliveryError as error:
                answer = pb.ControlReply(text=f"{error} The order may or may not have been taken; give it again.")
            await reply(answer)

    async def order(self, request: pb.Control, source: str) -> pb.ControlReply:
        """An order given at this daemon's door. Where there is a log it is written there, as the bed may be another's,
        and an order that lies beside the log is lost with a daemon. Raises DeliveryError."""
        if self.control_writer is not None:
            await self.control_writer.write(request)
            answer = pb.ControlReply(accepted=True, passed_on=True, text="Passed on to the daemon that has the bed.")
        else:
            answer, out = await self.in_compute(self._request, request)
            await self.tell(out)
        await self._note(source, request, answer)
        return answer

    async def take_orders(self, control: ControlLog) -> None:
        """Orders from the control topic; one whose partition has gone is left to the new owner."""
        while True:
            for partition, offset, request in await control.receive():
                answer, results = await self.in_compute(self._order, partition, offset, request)
                await self.tell(results)
                if answer:
                    await self._note("kafka", request, answer)

    async def note_models(self, actor: str, details: dict[str, str], accepted: bool, text: str) -> None:
        """An order about models, into the audit log."""
        async with self._noting:
            await asyncio.to_thread(self.audit.note_models, actor, details, accepted, text)

    async def _note(self, source: str, request: pb.Control, answer: pb.ControlReply) -> None:
        if answer.accepted and not answer.passed_on:
            for show in self.on_order:
                show(request)
        async with self._noting:
            await asyncio.to_thread(self.audit.note, source, request, answer)

    # ------------------------------------------------------------------------------------------ in the compute thread

    def _process(self, messages: list[Message]) -> Results:
        with self.overload.watching(messages) if self.overload else nullcontext():
            return self._pass(messages)

    def _pass(self, messages: list[Message]) -> Results:
        if self.membership:
            messages = self.membership.ours(messages)
            if messages:
                self._note_age(messages)
        with self.tracing.span("pass"):
            results = self._results(self.pipeline.process(messages))
            results.trace = self.tracing.here()
        results.refused = self.pipeline.refused
        return results

    def _note_age(self, messages: list[Message]) -> None:
        """Far behind, the encoder waits, so that lethal rhythms are told as soon as rules can."""
        age_s = (self.pipeline.clock.now_ns() - min(message.position.log_ns for message in messages)) / 1e9
        self._metrics.behind.set(age_s)
        was = self.pipeline.catching_up
        self.pipeline.catching_up = age_s > (NEAR_S if was else self._settings.state.warmup_s + FAR_S)
        if self.pipeline.catching_up != was:
            log.warning("caught up: encoder again" if was else "far behind the log: rules alone", behind_s=age_s)

    def _look_around(self) -> Results:
        if self.membership and self.membership.parked:
            return Results()  # the beds may be another's by now
        with self._metrics.stage("watch"):
            out = watch(self.pipeline) if self._settings.clock == "wall" else []
        if self.keeper:
            self.keeper.keep_all_when_due(out)
            return Results(out)
        return self._results(out)

    def _request(self, request: pb.Control) -> tuple[pb.ControlReply, Results]:
        with self._metrics.stage("orders"):
            answer, out = apply_order(self.pipeline, request)
        return answer, self._results(out, (request.stream_id,))

    def _order(self, partition: int, offset: int, request: pb.Control) -> tuple[pb.ControlReply | None, Results]:
        if partition not in self.membership.owned:
            return None, Results()
        with self._metrics.stage("orders"):
            answer, out = apply_order(self.pipeline, request)
        return answer, self.membership.order_applied(out, request.stream_id, partition, offset)

    def _results(self, out: list[Outgoing], changed: tuple[str, ...] = ()) -> Results:
        """State of beds with new alerts is on disk, or goes to the log with them, before the alerts leave."""
        if self.membership:
            return self.membership.results(out, changed)
        if self.keeper:
            self.keeper.keep(out)
        return Results(out)
