"""Who lies in a bed, as far as we have to know: a pseudonym when an alert comes, a name when it leaves."""

from __future__ import annotations

import structlog

from ..errors import StateError
from ..hl7.patients import Identity, Keys, Patients
from ..settings import Hl7Settings

log = structlog.get_logger()


def patient_table(settings: Hl7Settings) -> Patients | None:
    """The table that ``ecgstream bridge mllp`` writes; None where there is no key to it. SettingsError, StateError."""
    return Patients(settings.patients_file, Keys(settings.key_file)) if settings.key_file else None


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
