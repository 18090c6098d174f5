"""An alarm manager behind MLLP: one connection, one message at a time, each acknowledged before the next."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress

import hl7
from hl7.exceptions import HL7Exception
from hl7.mllp import HL7StreamReader, HL7StreamWriter, InvalidBlockError, open_hl7_connection

from ..hl7.patients import Patients
from ..settings import DialectSettings, Pcd04Settings
from ..wire import ecgstream_pb2 as pb
from .patients import identity_of
from .pcd04 import Pcd04Messages
from .queue import Entry, without_strip
from .receiver import Refused, Unreachable, priority_of

LOOK_S = 1.0
"""How often it is looked which alerts are due to be told again."""
NEVER_NS = -(10**18)
MOST_ACK_BYTES = 64 * 2**10


class AlarmManager:
    """A ``Receiver`` that speaks PCD-04."""

    def __init__(
        self,
        settings: Pcd04Settings,
        dialect: DialectSettings,
        tls: ssl.SSLContext | None,
        patients: Patients | None,
        clock_ns: Callable[[], int],
    ):
        self.name, self.idle_s = settings.name, LOOK_S
        self._settings, self._dialect, self._tls = settings, dialect, tls
        self._patients, self._clock_ns = patients, clock_ns
        self._messages = Pcd04Messages(settings, dialect)
        self._streams: tuple[HL7StreamReader, HL7StreamWriter] | None = None
        self._told_ns: dict[str, int] = {}  # when each standing alert was told last
        self._watchdog_ns = NEVER_NS

    def trim(self, alert: pb.Alert) -> pb.Alert | None:
        """Without strip; an update that only completes the strip says nothing new here."""
        if alert.priority < priority_of(self._settings) or (alert.update and alert.HasField("strip")):
            return None
        return without_strip(alert)

    async def deliver(self, entry: Entry) -> None:
        """Send and wait for the acknowledgement."""
        alert = entry.alert
        identity = identity_of(self._patients, entry.pseudonym)
        await self._exchange(self._messages.alert(entry, identity, self._clock_ns()))
        if alert.state == pb.Alert.ENDED:
            self._told_ns.pop(alert.alert_id, None)
        else:
            self._told_ns[alert.alert_id] = self._clock_ns()

    async def idle(self, standing: list[Entry]) -> bool:
        """Tell what stands again where that is due, and that we live."""
        due = [entry for entry in standing if self.trim(entry.alert) and self._is_due(entry.alert.alert_id)]
        for entry in due:
            self._told_ns[entry.alert.alert_id] = self._clock_ns()  # one that is refused must not keep others waiting
            await self.deliver(entry)
        return await self._live_sign() or bool(due)

    def _is_due(self, alert_id: str) -> bool:
        return self._clock_ns() - self._told_ns.get(alert_id, NEVER_NS) >= self._settings.continue_s * 1e9

    async def _live_sign(self) -> bool:
        every_ns, now_ns = self._settings.watchdog_s * 1e9, self._clock_ns()
        if not every_ns or now_ns - self._watchdog_ns < every_ns:
            return False
        self._watchdog_ns = now_ns
        await self._exchange(self._messages.watchdog(now_ns))
        return True

    async def close(self) -> None:
        """Where a watchdog was sent, one last that says that we stop on purpose."""
        if self._watchdog_ns > NEVER_NS:
            with suppress(Unreachable, Refused):  # then it will notice the silence
                await self._exchange(self._messages.watchdog(self._clock_ns(), is_last=True))
        if streams := self._streams:
            self._hang_up()
            with suppress(OSError):
                await streams[1].wait_closed()

    # -------------------------------------------------------------------------------------------------- on the wire

    async def _exchange(self, message: hl7.Message) -> None:
        try:
            async with asyncio.timeout(self._settings.ack_s):
                reader, writer = self._streams or await self._connect()
                writer.writemessage(message)
                await writer.drain()
                await self._acknowledged(reader, str(message.segment("MSH")[10]))
        except (OSError, EOFError, InvalidBlockError, HL7Exception, ValueError, LookupError) as error:
            self._hang_up()
            raise self._unreachable(error) from error
        except asyncio.CancelledError:
            self._hang_up()  # an answer to it must not be taken for the answer to another
            raise

    async def _connect(self) -> tuple[HL7StreamReader, HL7StreamWriter]:
        settings = self._settings
        self._streams = await open_hl7_connection(
            settings.host, settings.port, ssl=self._tls, encoding="utf-8", limit=MOST_ACK_BYTES
        )
        return self._streams

    async def _acknowledged(self, reader: HL7StreamReader, control_id: str) -> None:
        """Until the answer that the dialect awaits; an answer to another message is passed over."""
        good = ("AA",) if self._dialect.application_ack == "AL" else ("AA", "CA")
        while True:
            answer = await reader.readmessage()
            code, about = (str(answer.segment("MSA")[field]) for field in (1, 2))
            if about != control_id:
                continue
            if code in good:
                return
            if code in ("AE", "AR", "CE", "CR"):
                raise Refused(code, f"{self.name} answered {code}{_error_code(answer)}; its own log says why.")

    def _hang_up(self) -> None:
        if self._streams:
            self._streams[1].close()
            self._streams = None

    def _unreachable(self, error: Exception) -> Unreachable:
        address = f"{self._settings.host}:{self._settings.port}"
        if isinstance(error, TimeoutError):
            sentence = f"{self.name} at {address} has not acknowledged within {self._settings.ack_s:g} s."
            return Unreachable("timeout", sentence)
        if isinstance(error, EOFError):
            return Unreachable("closed", f"{self.name} at {address} closed the connection without an answer.")
        if isinstance(error, OSError):
            return Unreachable("connect", f"{self.name} at {address} cannot be reached ({error.strerror or error}).")
        return Unreachable("no_ack", f"{self.name} at {address} answered what is no acknowledgement ({error}).")


def _error_code(answer: hl7.Message) -> str:
    """ERR-3.1, a code of HL7 table 0357. What else the answer says may name the patient: it is not repeated."""
    try:
        code = str(answer["ERR"][0][3]).partition("^")[0]
    except LookupError:
        return ""
    return f" (HL7 error {code})" if code.isdigit() else ""
