"""Settings of the HL7 edge: where it listens, whom it trusts, how much it takes on at once."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from .sections import _Section


class MllpTlsSettings(_Section):
    """TLS of the listener; with ``client_ca_file`` senders must show a certificate of that authority."""

    certificate_file: Path
    key_file: Path
    client_ca_file: Path | None = None


class Hl7Settings(_Section):
    """The HL7 listener, for a source of kind ``hl7`` and for ``ecgstream bridge``."""

    host: str = "127.0.0.1"
    port: int = Field(2575, ge=0, le=65_535)
    tls: MllpTlsSettings | None = None
    key_file: Path | None = Field(None, description="secret for pseudonyms and the patient table; 32 bytes at least")
    patients_file: Path = Field(Path("ecgstream-patients.bin"), description="who lies where, encrypted")
    time_zone: str = Field("UTC", description="of times that name none, such as Europe/Berlin")
    largest_message_bytes: int = Field(1_000_000, ge=10_000)
    connections: int = Field(256, ge=1, description="senders at once; one more is turned away")
    inflight: int = Field(1_024, ge=1, description="messages taken and not yet answered; then reading waits")

    @field_validator("time_zone")
    @classmethod
    def _is_known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (OSError, ValueError, KeyError) as error:
            raise ValueError(f"{name!r} is no time zone this machine knows; write it like Europe/Berlin") from error
        return name
