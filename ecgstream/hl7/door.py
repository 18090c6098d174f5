"""What becomes of a message: read, handed on, answered. The answer says it was taken only once it is safe elsewhere."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Callable, Coroutine
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import structlog

from ..errors import DeliveryError, Hl7Error, StateError
from ..settings import Hl7Settings
from ..wire import ecgstream_pb2 as pb
from ..wire.codec import alarm_message
from .acknowledgements import NOBODY, answer_code, answers
from .adt import Adt, changed_beds, identifiers
from .chunks import Numbering, chunks
from .message import Header, Message, header_of, parse
from .metrics import Hl7Metrics
from .monitor_alarms import Alarms
from .patients import Keys, Patients, main
from .refusals import Refused
from .waves import waves

MOST_BEDS = 20_000
"""So many PID and PV1 are known as they came."""

log = structlog.get_logger()


class Handover(Protocol):
    """Where chunks and orders go from here."""

    async def chunk(self, stream_id: str, payload: bytes) -> None:
        """Return when the chunk is safe there; calls come in a stream's order. Raises DeliveryError."""
        ...

    async def order(self, control: pb.Control) -> None:
        """Return when the order is safe there, applied or refused by the bed's owner. Raises DeliveryError."""
        ...


class Door:
    """Takes messages of many senders; the patient table changes by one at a time."""

    def __init__(self, settings: Hl7Settings, handover: Handover, metrics: Hl7Metrics, code_vf: int = 0):
        self._settings, self._handover, self._metrics = settings, handover, metrics
        self._zone = ZoneInfo(settings.time_zone)
        self._numbering, self._alarms = Numbering(), Alarms(code_vf)
        self._table_lock = asyncio.Lock()
        self._beds: dict[tuple[str, ...], tuple[str, str]] = {}
        self._keys: Keys
        self.patients: Patients

    def start(self) -> None:
        """Open the patient table. Raises SettingsError, StateError."""
        self._keys = Keys(self._settings.key_file)
        self.patients = Patients(self._settings.patients_file, self._keys)
        self._metrics.beds.set(len(self.patients.table.bed_of))

    async def take(self, block: bytes | Hl7Error) -> list[bytes]:
        """The answers to a block; never raises for what a sender can send."""
        begun_s = time.perf_counter()
        header, error = NOBODY, None
        try:
            if isinstance(block, Hl7Error):
                raise block
            header = header_of(block)
            await self._take(header, block)
        except Hl7Error as refusal:
            error = refusal
        except (DeliveryError, StateError) as fault:
            error = Hl7Error(Refused.NOT_HANDED_ON, f"{fault} Send the message again.")
        except Exception as fault:  # a message nobody thought of must not end the connection of a whole ward
            where = traceback.extract_tb(fault.__traceback__)[-1]  # not its text, which may quote the message
            log.error(
                "an HL7 message met a fault of ours", fault=type(fault).__name__, at=f"{where.name}:{where.lineno}"
            )
            error = Hl7Error(
                Refused.INTERNAL, "ecgstream itself failed on this message; its maker wants to know of it."
            )
        self._count(header, error)
        self._metrics.answer.observe(time.perf_counter() - begun_s)
        return answers(header, error)

    def _count(self, header: Header, error: Hl7Error | None) -> None:
        self._metrics.messages.labels(_kind(header), answer_code(error)).inc()
        if error is not None:
            self._metrics.refused.labels(error.reason).inc()
            log.warning("HL7 message not taken", kind=_kind(header), reason=error.reason, where=error.where)

    async def _take(self, header: Header, block: bytes) -> None:
        code, _, trigger = header.kind.partition("^")
        if not header.field(12).startswith("2") or header.field(11)[:1] not in ("", "P", "T", "D"):
            raise Hl7Error(
                Refused.UNSUPPORTED,
                f"HL7 v2 with processing id P, T or D is spoken here; MSH-12 is {header.field(12)[:10]!r}, MSH-11 "
                f"{header.field(11)[:10]!r}.",
                "MSH-12",
            )
        handler = self._handler(code, trigger)
        await handler(parse(block, header, self._zone))

    def _handler(self, code: str, trigger: str) -> Callable[[Message], Coroutine[Any, Any, None]]:
        match code, trigger:
            case "ORU", "R40":
                return self._monitor_alarm
            case "ORU", "R01" | "W01" | "R30":
                return self._waveforms
            case "ADT", _:
                return self._adt
        raise Hl7Error(
            Refused.UNSUPPORTED,
            f"{code[:10]}^{trigger[:10]} is not spoken here; send ORU^R01 (waveforms), ORU^R40 (alarms) or ADT.",
            "MSH-9",
        )

    # ------------------------------------------------------------------------------------------------- kinds of message

    async def _waveforms(self, message: Message) -> None:
        found = list(waves(message))
        stream_id, pseudonym = self._whose(message)
        ready = chunks(found, stream_id, self._patient(stream_id, pseudonym), self._numbering)
        if not ready:
            self._metrics.ignored.labels("ORU^R01").inc()
        for payload in ready:
            await self._handover.chunk(stream_id, payload)
            self._metrics.chunks.inc()

    def _whose(self, message: Message) -> tuple[str, str]:
        """Bed, and pseudonym of the PID that came with the waveform, empty without one."""
        lines = message.as_it_came("PID", "PV1")
        if lines in self._beds:
            return self._beds[lines]
        pid = next(iter(message.all("PID")), None)
        named = pid is not None and message.text(pid, 3)
        pseudonym = self._keys.pseudonym(main(identifiers(message, pid, 3))) if named else ""
        if lines is not None:
            if len(self._beds) >= MOST_BEDS:
                self._beds.clear()
            self._beds[lines] = message.stream_id, pseudonym
        return message.stream_id, pseudonym

    def _patient(self, stream_id: str, pseudonym: str) -> str:
        """The pseudonym in use, after whatever merges there were."""
        if not pseudonym:
            return ""
        table = self.patients.table
        pseudonym = table.surviving(pseudonym)
        if table.patient_at(stream_id) not in (None, pseudonym):
            self._metrics.other_patient.inc()
        return pseudonym

    async def _monitor_alarm(self, message: Message) -> None:
        if (raised := self._alarms.raised(message)) is None:
            self._metrics.ignored.labels("ORU^R40").inc()
            return
        await self._order(message, message.stream_id, monitor_alarm=alarm_message(raised.alarm))
        self._alarms.begun(raised)

    async def _adt(self, message: Message) -> None:
        async with self._table_lock:
            before = self.patients.table
            after = Adt(message, self._keys, before).apply()
            # Orders first: killed between the two, the message is sent again and a bed told twice, never not at all.
            for stream_id, pseudonym in changed_beds(before, after).items():
                association = pb.Association(patient_reference=pseudonym)
                await self._order(message, stream_id, association=association)
            await asyncio.to_thread(self.patients.save, after)
            self._metrics.beds.set(len(after.bed_of))

    async def _order(self, message: Message, stream_id: str, **order: Any) -> None:
        header = message.header
        control = pb.Control(
            version=1,
            request_id=_printable(header.control_id),
            stream_id=stream_id,
            actor=_printable(f"{header.kind} of {header.field(3).partition(header.component)[0]}"),
            **order,
        )
        await self._handover.order(control)
        self._metrics.orders.labels(control.WhichOneof("order")).inc()


_KINDS = {"ORU^R01", "ORU^R40", "ORU^W01", "ORU^R30"}


def _kind(header: Header) -> str:
    """For a metric: what anybody sends must not make a label of its own."""
    return header.kind if header.kind in _KINDS else "ADT" if header.kind.startswith("ADT^") else "other"


def _printable(text: str) -> str:
    return "".join(character for character in text if character.isprintable())[:100]
