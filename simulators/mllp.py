"""Chunks to an HL7 listener: each as a waveform message over MLLP, its answer awaited by a thread of its own."""

from __future__ import annotations

import socket
import threading
import time

from ecgstream.errors import WireError
from ecgstream.hl7.framing import END, framed
from ecgstream.wire.codec import decode_chunk

from .destinations import LISTENER_WAIT_S, NobodyListens
from .wcm import waveform_message

UNANSWERED = 64
"""Messages that may wait for their answer, as many as the listener lets a sender have."""
ANSWER_S = 30.0


class MllpDestination:
    """One connection, as of a gateway."""

    def __init__(self, host: str, port: int):
        """Raises NobodyListens when nobody has listened there for a minute."""
        self.first_refusal = ""
        self._where = f"{host}:{port}"
        self._socket = self._connected(host, port)
        self._room = threading.Semaphore(UNANSWERED)
        self._sent = self._taken = self._answered = 0
        self._gone = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="mllp-answers", daemon=True)
        self._thread.start()

    def send(self, content_type: bytes, stream_id: bytes, payload: bytes, wait: bool) -> bool:
        """One message. What is no chunk is sent as it is. Raises NobodyListens when the listener has gone."""
        if not self._room.acquire(blocking=wait, timeout=ANSWER_S if wait else None):
            if wait:
                raise NobodyListens(f"The HL7 listener at {self._where} has answered nothing for {ANSWER_S:.0f} s.")
            return False
        try:
            message = waveform_message(decode_chunk(payload, content_type.decode()), f"SIM{self._sent}")
        except WireError:
            message = payload
        try:
            self._socket.sendall(framed(message))
        except OSError as error:
            raise NobodyListens(f"The HL7 listener at {self._where} has closed the connection ({error}).") from error
        self._sent += 1
        return True

    def close(self, linger_s: float) -> int:
        """Wait for the answers that are due; how many messages were refused, or never answered."""
        deadline_s = time.monotonic() + linger_s
        while self._answered < self._sent and time.monotonic() < deadline_s and not self._gone.is_set():
            time.sleep(0.01)
        self._socket.close()
        return self._sent - self._taken

    def _connected(self, host: str, port: int) -> socket.socket:
        deadline_s = time.monotonic() + LISTENER_WAIT_S
        while True:
            try:
                return socket.create_connection((host, port), timeout=None)
            except OSError as error:
                if time.monotonic() > deadline_s:
                    raise NobodyListens(
                        f"No HL7 listener at {self._where} for {LISTENER_WAIT_S:.0f} s ({error.strerror}); start "
                        "`ecgstream run` with source.kind hl7, or `ecgstream bridge mllp`."
                    ) from error
                time.sleep(0.2)

    def _listen(self) -> None:
        received = b""
        try:
            while data := self._socket.recv(65_536):
                *answers, received = (received + data).split(END)
                for answer in answers:
                    self._note(answer)
        except OSError:
            pass
        self._gone.set()

    def _note(self, answer: bytes) -> None:
        acknowledged = next((line for line in answer.split(b"\r") if line.startswith(b"MSA|")), b"MSA||")
        if acknowledged.split(b"|")[1] == b"AA":
            self._taken += 1
        elif not self.first_refusal:
            self.first_refusal = acknowledged.decode("utf-8", "replace")
        self._answered += 1
        self._room.release()


def mllp_destination(url: str) -> MllpDestination:
    """A destination for ``mllp://HOST:PORT``. Raises ValueError for any other form."""
    address = url.removeprefix("mllp://")
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise ValueError(f"{url!r} names no HL7 listener; write mllp://HOST:PORT.")
    return MllpDestination(host, int(port))
