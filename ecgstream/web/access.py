"""Who may do what on the ward page: tokens with roles, a signed cookie, and no page of another site in between."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass
from enum import IntEnum
from urllib.parse import urlsplit

import yaml
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from ..errors import SettingsError
from ..settings import HttpSettings, WebSettings

COOKIE = "ecgstream-ward"
SESSION_S = 12 * 3600
"""A shift; then the page asks for the token again."""
LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")


class Role(IntEnum):
    """What a token is good for; each may do what those before it may."""

    VIEW = 1
    ACKNOWLEDGE = 2
    CONFIGURE = 3


@dataclass(frozen=True, slots=True)
class Holder:
    """Whoever holds a token: a person, or a place where persons work. An empty name: nobody in particular."""

    name: str
    role: Role


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str = Field(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f]+$")
    role: Role
    token_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")

    @field_validator("role", mode="before")
    @classmethod
    def _by_name(cls, value: object) -> object:
        if str(value).upper() not in Role.__members__:
            raise ValueError(f"a role is one of {', '.join(role.name.lower() for role in Role)}")
        return Role[str(value).upper()]


def new_entry(name: str, role: Role) -> tuple[str, str]:
    """A fresh token, and the lines for ``web.tokens_file`` that let it in. The file never holds the token itself."""
    token = secrets.token_urlsafe(24)
    entry = {"name": name, "role": role.name.lower(), "token_sha256": hashlib.sha256(token.encode()).hexdigest()}
    return token, yaml.safe_dump([entry], sort_keys=False)


class Access:
    """Without a tokens file whoever reaches the port may view, and nobody may do more."""

    def __init__(self, settings: WebSettings, http: HttpSettings):
        self._path, self._secure = settings.tokens_file, http.tls_certificate_file is not None
        self._names = {http.host, *settings.host_names} | (set(LOOPBACK_NAMES) if http.is_loopback else set())
        self._entries: dict[str, _Entry] = {}

    @property
    def needs_token(self) -> bool:
        """Whether one must sign in to see anything."""
        return self._path is not None

    def start(self) -> None:
        """Read the tokens file. Raises SettingsError naming every fault in it."""
        if self._path is None:
            return
        try:
            entries = TypeAdapter(list[_Entry]).validate_python(yaml.safe_load(self._path.read_text()))
        except OSError as error:
            raise SettingsError(f"web.tokens_file: {self._path} cannot be read ({error.strerror}).") from error
        except yaml.YAMLError as error:
            raise SettingsError(f"web.tokens_file: {self._path} is not valid YAML; mend this place: {error}") from error
        except ValidationError as error:
            faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
            raise SettingsError(
                f"web.tokens_file: {self._path}: {faults}. See `ecgstream web-token --help`."
            ) from error
        self._entries = {entry.name: entry for entry in entries}
        if len(self._entries) < len(entries) or not entries:
            raise SettingsError(f"web.tokens_file: {self._path} must have entries, each with a name of its own.")

    def is_foreign(self, request: web.Request) -> bool:
        """Whether the request comes by way of another site's page: a name we are not called by, or another origin."""
        host = request.headers.get("Host", "")
        origin = request.headers.get("Origin")
        return _name(host) not in self._names or (origin is not None and urlsplit(origin).netloc != host)

    def holder(self, request: web.Request) -> Holder | None:
        """Whose token or cookie comes with a request; None where it is wrong, over or not there."""
        if self._path is None:
            return Holder("", Role.VIEW)
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self.holder_of(token.strip())
        return self._of_cookie(request.cookies.get(COOKIE, ""))

    def holder_of(self, token: str) -> Holder | None:
        """Whose token this is."""
        digest = hashlib.sha256(token.encode()).hexdigest()
        found = [e for e in self._entries.values() if hmac.compare_digest(e.token_sha256, digest)]
        return Holder(found[0].name, found[0].role) if found else None

    def sign_in(self, response: web.Response, holder: Holder) -> None:
        """Hand out a cookie in the token's place. It outlives this process, and dies with the token or a shift."""
        until = str(int(time.time()) + SESSION_S)
        name = base64.urlsafe_b64encode(holder.name.encode()).decode()
        cookie = f"{name}.{until}.{self._signature(holder.name, until)}"
        guard = {"httponly": True, "samesite": "Strict", "secure": self._secure, "path": "/ward"}
        response.set_cookie(COOKIE, cookie, max_age=SESSION_S, **guard)

    def sign_out(self, response: web.Response) -> None:
        """Take the cookie back."""
        response.del_cookie(COOKIE, path="/ward")

    def _of_cookie(self, cookie: str) -> Holder | None:
        try:
            encoded, until, signature = cookie.split(".")
            name = base64.urlsafe_b64decode(encoded).decode()
            is_over = int(until) < time.time()
        except ValueError:
            return None
        entry = self._entries.get(name)
        if entry is None or is_over or not hmac.compare_digest(signature, self._signature(name, until)):
            return None
        return Holder(name, entry.role)

    def _signature(self, name: str, until: str) -> str:
        key = bytes.fromhex(self._entries[name].token_sha256)
        return hmac.new(key, f"{name}\0{until}".encode(), hashlib.sha256).hexdigest()


def _name(host: str) -> str:
    """A Host header without its port."""
    return host if host.endswith("]") else host.rpartition(":")[0] or host
