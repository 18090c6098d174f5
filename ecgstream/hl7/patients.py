"""Who lies where: the only place in ecgstream that knows names. Encrypted on disk; everywhere else is the pseudonym.

One process writes the file (whoever listens to ADT); others, such as a sender of PCD-04 or FHIR that fills names in,
read it and see every change at their next question.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ..errors import SettingsError, StateError

LEAST_KEY_BYTES = 32
VERSION = 1
MOST_GONE = 20_000
"""Patients without a bed who are still known, to fill in what is told late of them; the longest gone is forgotten."""


@dataclass(frozen=True, slots=True)
class Identifier:
    """One repetition of PID-3."""

    value: str
    authority: str = ""  # CX.4.1
    type: str = ""  # CX.5: MR, VN, …


@dataclass(frozen=True, slots=True)
class Identity:
    """What ADT said of a patient; times and codes as HL7 has them."""

    identifiers: tuple[Identifier, ...]
    family: str = ""
    given: str = ""
    birth_date: str = ""  # YYYYMMDD
    sex: str = ""  # HL7 table 0001: F, M, O, U, …
    visit: str = ""  # PV1-19, or PID-18


def main(identifiers: tuple[Identifier, ...]) -> Identifier:
    """The identifier that the pseudonym is made of: the first of type MR, else the first."""
    return next((one for one in identifiers if one.type == "MR"), identifiers[0])


class Keys:
    """Two keys derived from the secret of a file, so that neither tells the other (HKDF, RFC 5869)."""

    def __init__(self, path: Path):
        """Raises SettingsError when the secret cannot be read, or could be guessed."""
        try:
            secret = path.read_bytes().strip()
        except OSError as error:
            raise SettingsError(f"hl7.key_file: {path} cannot be read ({error.strerror}); mend the path.") from error
        if len(secret) < LEAST_KEY_BYTES:
            raise SettingsError(
                f"hl7.key_file: the secret must have at least {LEAST_KEY_BYTES} bytes; it has {len(secret)}. "
                "Make one with: openssl rand -base64 32"
            )
        self._pseudonyms = _derived(secret, b"ecgstream pseudonyms")
        self.table = Fernet(base64.urlsafe_b64encode(_derived(secret, b"ecgstream patient table")))

    def pseudonym(self, identifier: Identifier) -> str:
        """The same for the same identifier, and without the key no way back (HMAC-SHA256, 128 bits)."""
        said = f"{identifier.authority}\x1f{identifier.value}".encode()
        return "p-" + hmac.new(self._pseudonyms, said, hashlib.sha256).hexdigest()[:32]


def _derived(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(secret)


@dataclass(frozen=True, slots=True)
class Table:
    """One state of the table; changed by making the next."""

    patients: dict[str, Identity] = field(default_factory=dict)  # by pseudonym, the longest unheard of first
    bed_of: dict[str, str] = field(default_factory=dict)  # pseudonym to stream id
    merged: dict[str, str] = field(default_factory=dict)  # pseudonym that is no longer used, to the one that is

    def surviving(self, pseudonym: str) -> str:
        """The pseudonym in use, after whatever merges there were."""
        while pseudonym in self.merged:
            pseudonym = self.merged[pseudonym]
        return pseudonym

    def patient_at(self, stream_id: str) -> str | None:
        """Pseudonym of whoever lies in the bed."""
        return next((pseudonym for pseudonym, bed in self.bed_of.items() if bed == stream_id), None)

    def with_patient(self, pseudonym: str, identity: Identity) -> Table:
        """``identity`` is the newest that is known."""
        rest = {known: one for known, one in self.patients.items() if known != pseudonym}
        gone = [known for known in rest if known not in self.bed_of]
        for known in gone[: max(0, len(gone) - MOST_GONE)]:
            del rest[known]
        return replace(self, patients=rest | {pseudonym: identity})

    def with_merge(self, prior: str, surviving: str) -> Table:
        """``prior`` is from now on another name of ``surviving``."""
        rest = {known: one for known, one in self.merged.items() if known != prior}
        for known in list(rest)[: max(0, len(rest) - MOST_GONE)]:
            del rest[known]
        return replace(self, merged=rest | {prior: surviving})

    def with_bed(self, pseudonym: str, stream_id: str | None) -> Table:
        """The patient lies there, and nobody else does; None: in no bed."""
        beds = {who: bed for who, bed in self.bed_of.items() if who != pseudonym and bed != stream_id}
        return replace(self, bed_of=beds if stream_id is None else beds | {pseudonym: stream_id})


class Patients:
    """The table in its file."""

    def __init__(self, path: Path, keys: Keys):
        """Raises StateError when the file is there and cannot be opened with this key."""
        self._path, self._keys = path, keys
        self._seen: tuple[int, int, int] | None = None
        self._table = Table()
        self.table  # noqa: B018  a file that cannot be read is told at start

    @property
    def table(self) -> Table:
        """As it stands now; read again when another process has written it. Raises StateError."""
        try:
            stat = self._path.stat()
        except FileNotFoundError:
            return self._table
        if (seen := (stat.st_ino, stat.st_mtime_ns, stat.st_size)) != self._seen:
            self._table, self._seen = self._read(), seen
        return self._table

    def save(self, table: Table) -> None:
        """Put the next state on disk, whole or not at all. Raises StateError."""
        token = self._keys.table.encrypt(json.dumps({"version": VERSION} | asdict(table)).encode())
        partial = self._path.with_name(self._path.name + ".part")
        try:
            with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(token)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(self._path)
        except OSError as error:
            raise StateError(f"The patient table {self._path} cannot be written ({error.strerror}).") from error

    def identity(self, pseudonym: str) -> Identity | None:
        """What is known of a patient, by any pseudonym he ever had."""
        table = self.table
        return table.patients.get(table.surviving(pseudonym))

    def identity_at(self, stream_id: str) -> Identity | None:
        """Who lies in the bed now."""
        table = self.table
        pseudonym = table.patient_at(stream_id)
        return table.patients.get(pseudonym) if pseudonym else None

    def pseudonym_at(self, stream_id: str) -> str | None:
        """Of whoever lies in the bed now: to be kept with what is told of the bed, and asked for by ``identity``."""
        return self.table.patient_at(stream_id)

    def _read(self) -> Table:
        try:
            state = json.loads(self._keys.table.decrypt(self._path.read_bytes()))
        except OSError as error:
            raise StateError(f"The patient table {self._path} cannot be read ({error.strerror}).") from error
        except InvalidToken as error:
            raise StateError(
                f"The patient table {self._path} was not written with the key of hl7.key_file, or is damaged; give the "
                "right key, or move the file away and have ADT sent again."
            ) from error
        if state.pop("version") != VERSION:
            raise StateError(f"The patient table {self._path} is of another version of ecgstream; move it away.")
        patients = {pseudonym: _identity(one) for pseudonym, one in state.pop("patients").items()}
        return Table(patients=patients, **state)


def _identity(state: dict) -> Identity:
    identifiers = tuple(Identifier(**one) for one in state.pop("identifiers"))
    return Identity(identifiers, **state)
