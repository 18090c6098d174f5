"""Who lies in a bed, as far as we have to know: a pseudonym when an alert comes, a name when it leaves."""

from __future__ import annotations

from typing import Protocol

import structlog

from ..errors import StateError

log = structlog.get_logger()


class Identifier(Protocol):
    """One repetition of PID-3."""

    value: str
    authority: str
    type: str


class Identity(Protocol):
    """What goes into PID or Patient, as ADT had it."""

    identifiers: tuple[Identifier, ...]
    family: str
    given: str
    birth_date: str  # YYYYMMDD
    sex: str  # HL7 table 0001


class Patients(Protocol):
    """The bed-to-patient table of the hospital edge."""

    def pseudonym_at(self, stream_id: str) -> str | None:
        """Of whoever lies in the bed now."""
        ...

    def identity(self, pseudonym: str) -> Identity | None:
        """Whom a pseudonym stands for."""
        ...


def pseudonym_at(patients: Patients | None, stream_id: str) -> str:
    """To be kept with the alert; "" where nobody is known."""
    try:
        return (patients.pseudonym_at(stream_id) if patients else None) or ""
    except StateError as error:
        _told(error)
        return ""


def identity_of(patients: Patients | None, pseudonym: str) -> Identity | None:
    """To be filled in at sending. An alert leaves without a name rather than not at all."""
    if patients is None or not pseudonym:
        return None
    try:
        return patients.identity(pseudonym)
    except StateError as error:
        _told(error)
        return None


def _told(error: StateError) -> None:
    log.error("alert goes out without patient", text=str(error))
