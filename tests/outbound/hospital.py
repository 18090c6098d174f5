"""Stand-ins of the hospital on real sockets: an alarm manager behind MLLP that answers as it is told."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field

import hl7
from hl7.mllp import HL7StreamReader, HL7StreamWriter, start_hl7_server

from ecgstream.wire import ecgstream_pb2 as pb

T0_NS = 1_795_305_600_000_000_000


def alert(alert_id: str = "a1", update: int = 0, state: int = pb.Alert.ACTIVE, **fields: object) -> pb.Alert:
    """An asystole of bed 12 unless told otherwise."""
    usual = {
        "stream_id": "ward-3/bed-12",
        "condition": "asystole",
        "mdc_code": 199684,
        "snomed_code": "397829000",
        "priority": pb.Alert.HIGH,
        "lethal": True,
        "source": "rules",
        "onset_time_ns": T0_NS,
        "delay_s": 4.2,
        "published_time_ns": T0_NS + 4_300_000_000,
    }
    return pb.Alert(version=1, alert_id=alert_id, update=update, state=state, **{**usual, **fields})


@dataclass
class AlarmManagerStandIn:
    """Answers each message by the next word of ``script`` (AA, AE, AR, CA, silence, close, garbage, late), then by
    ``usually``. ``close`` hangs up in the middle of its answer, ``late`` answers after ``late_s``."""

    script: list[str] = field(default_factory=list)
    usually: str = "AA"
    late_s: float = 0.3
    tls: ssl.SSLContext | None = None
    port: int = 0
    accepted: list[hl7.Message] = field(default_factory=list)
    received: list[hl7.Message] = field(default_factory=list)
    _server: asyncio.Server | None = None
    _open: set[HL7StreamWriter] = field(default_factory=set)
    _connections: set[asyncio.Task] = field(default_factory=set)

    async def start(self) -> None:
        """Listen; a second time on the same port."""
        self._server = await start_hl7_server(
            self._connected, "127.0.0.1", self.port, encoding="utf-8", ssl=self.tls, reuse_address=True
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Go down, hanging up on everybody."""
        self._server.close()
        for writer in list(self._open):
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
        await asyncio.gather(*self._connections, return_exceptions=True)
        self._open.clear()

    async def _connected(self, reader: HL7StreamReader, writer: HL7StreamWriter) -> None:
        self._connections.add(asyncio.current_task())
        self._open.add(writer)
        try:
            while not reader.at_eof():
                await self._answer(await reader.readmessage(), writer)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()

    async def _answer(self, message: hl7.Message, writer: HL7StreamWriter) -> None:
        self.received.append(message)
        word = self.script.pop(0) if self.script else self.usually
        if word == "silence":
            return
        if word == "garbage":
            writer.writeblock(b"no HL7 at all")
            return
        if word == "late":
            await asyncio.sleep(self.late_s)
        if word == "close":
            writer.write(b"\x0bMSH|^~\\&|")
            writer.close()
            return
        code = "AA" if word == "late" else word
        if code in ("AA", "CA"):
            self.accepted.append(message)
        writer.writemessage(acknowledgement(message, code))

    def told(self) -> list[tuple[str, str]]:
        """Of the alerts accepted, in order: (id and update, phase)."""
        return [(str(m["OBR"][0][3]).partition("^")[0], facet(m, "3")) for m in self.accepted if not is_watchdog(m)]


def acknowledgement(message: hl7.Message, code: str) -> hl7.Message:
    """As a receiver of v2.6 answers, with a sentence that could name the patient."""
    control_id = message["MSH"][0][10]
    header = f"MSH|^~\\&|AM||ECGSTREAM||20261122120000+0000||ACK^R40^ACK|{control_id}A|P|2.6"
    error = "\rERR||PID^1^3|204^Unknown key identifier^HL70357|E||||Nobody called Mulder" if code[1] != "A" else ""
    return hl7.parse(f"{header}\rMSA|{code}|{control_id}|Mulder is not known{error}\r")


def facet(message: hl7.Message, number: str) -> str:
    """OBX-5 of the facet ``1.0.0.0.number``."""
    return next(str(obx[5]) for obx in message.segments("OBX") if str(obx[4]).endswith(f".{number}"))


def is_watchdog(message: hl7.Message) -> bool:
    """Whether it is one."""
    return str(message["OBR"][0][3]).startswith("watchdog")


def updates(alert_id: str, states: Iterable[int]) -> list[pb.Alert]:
    """One alert's life."""
    return [alert(alert_id, number, state) for number, state in enumerate(states)]
