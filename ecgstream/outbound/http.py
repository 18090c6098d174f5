"""Destinations that are told by HTTP POST: a FHIR server, a webhook."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ssl
from collections.abc import Callable
from pathlib import Path

import aiohttp

from ..errors import SettingsError
from ..hl7.patients import Patients
from ..settings import FhirSettings, TlsSettings, WebhookSettings
from ..wire import ecgstream_pb2 as pb
from ..wire.codec import encode
from .fhir import transaction
from .patients import identity_of
from .queue import Entry, without_strip
from .receiver import Refused, Unreachable, priority_of
from .tls import client_context

LEAST_KEY_BYTES = 24
NOT_NOW = {401, 403, 407, 408, 425, 429}
"""Statuses that say nothing against the message; so do all from 500 on. 401 and 403: until someone mends the token."""


class _HttpDestination:
    idle_s = 3600.0

    def __init__(self, settings: FhirSettings | WebhookSettings):
        self.name, self._settings = settings.name, settings
        self._least = priority_of(settings)
        self._tls: ssl.SSLContext | bool = True
        if settings.ca_file:
            self._tls = client_context(TlsSettings(ca_file=settings.ca_file), f"outbound.{settings.name}.ca_file")
        self._session: aiohttp.ClientSession | None = None

    async def idle(self, standing: list[Entry]) -> bool:
        """They are told of changes only."""
        return False

    async def close(self) -> None:
        """Let go of the connection."""
        if self._session:
            await self._session.close()

    async def _post(self, body: bytes, headers: dict[str, str]) -> None:
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=self._settings.timeout_s)
            self._session = aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(ssl=self._tls))
        url = self._settings.url
        try:
            async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
                status = answer.status
        except TimeoutError as error:
            sentence = f"{self.name} has not answered within {self._settings.timeout_s:g} s."
            raise Unreachable("timeout", sentence) from error
        except aiohttp.ClientConnectorError as error:
            raise Unreachable("connect", f"{self.name} cannot be reached ({error.os_error.strerror}).") from error
        except aiohttp.ClientError as error:
            raise Unreachable("closed", f"{self.name} broke off ({type(error).__name__}).") from error
        if status in NOT_NOW or status >= 500:
            raise Unreachable(str(status), f"{self.name} answered {status}.")
        if not 200 <= status < 300:
            raise Refused(str(status), f"{self.name} answered {status}; its own log says why.")


class FhirServer(_HttpDestination):
    """A ``Receiver``: each update of an alert is one transaction."""

    def __init__(self, settings: FhirSettings, patients: Patients | None):
        super().__init__(settings)
        self._patients = patients
        self._headers = {"Content-Type": "application/fhir+json"}
        if settings.token_file:
            token = _read(settings.token_file, f"outbound.{settings.name}.token_file").decode("latin-1").strip()
            self._headers["Authorization"] = f"Bearer {token}"

    def trim(self, alert: pb.Alert) -> pb.Alert | None:
        """Strips only once they are complete; repeats are for those who can ring."""
        if alert.priority < self._least or alert.escalation:
            return None
        return alert if alert.strip.complete else without_strip(alert)

    async def deliver(self, entry: Entry) -> None:
        """Post the transaction."""
        bundle = transaction(entry.alert, identity_of(self._patients, entry.pseudonym), self._settings)
        await self._post(bundle.model_dump_json().encode(), self._headers)


class Webhook(_HttpDestination):
    """A ``Receiver``: the alert as JSON, signed as Standard Webhooks (standardwebhooks.com) has it."""

    def __init__(self, settings: WebhookSettings, clock_ns: Callable[[], int]):
        super().__init__(settings)
        self._clock_ns = clock_ns
        self._key = _key(settings.secret_file, f"outbound.{settings.name}.secret_file")

    def trim(self, alert: pb.Alert) -> pb.Alert | None:
        """With strips where the settings say so; else what only completes one is no news."""
        if alert.priority < self._least:
            return None
        if self._settings.strips:
            return alert
        return None if alert.update and alert.HasField("strip") else without_strip(alert)

    async def deliver(self, entry: Entry) -> None:
        """Post it with the time of sending, so that the receiver can turn old copies away."""
        alert = entry.alert
        name = f"{alert.alert_id}/{alert.update}" + (f"/{alert.escalation}" if alert.escalation else "")
        content_type, body = encode(alert, "json")
        sent_s = str(self._clock_ns() // 10**9)
        headers = {"Content-Type": content_type, "webhook-id": name, "webhook-timestamp": sent_s}
        await self._post(body, headers | {"webhook-signature": signature(self._key, name, sent_s, body)})


def signature(key: bytes, name: str, sent_s: str, body: bytes) -> str:
    """HMAC-SHA256 over ``id.timestamp.body``, base64, its version before it."""
    digest = hmac.new(key, f"{name}.{sent_s}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def _key(path: Path, setting: str) -> bytes:
    try:
        key = base64.b64decode(_read(path, setting).strip().removeprefix(b"whsec_"), validate=True)
    except binascii.Error as error:
        raise SettingsError(f"{setting}: {path} must hold base64; make it with: openssl rand -base64 32") from error
    if len(key) < LEAST_KEY_BYTES:
        raise SettingsError(
            f"{setting}: the key must have at least {LEAST_KEY_BYTES} bytes; it has {len(key)}. "
            "Make it with: openssl rand -base64 32"
        )
    return key


def _read(path: Path, setting: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{setting}: {path} cannot be read ({error.strerror}); mend the path.") from error
