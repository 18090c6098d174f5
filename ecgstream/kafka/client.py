"""How we reach the Kafka cluster: what every client is told, and why a broker does not let us in."""

from __future__ import annotations

import logging
import os
import ssl
from typing import Any

from aiokafka.conn import collect_hosts, create_conn
from aiokafka.errors import IllegalSaslStateError, KafkaError, SaslAuthenticationFailed, UnsupportedSaslMechanismError
from aiokafka.protocol.metadata import MetadataRequest

from ..errors import SettingsError
from ..settings import KafkaSettings, SaslSettings, TlsSettings

# At debug level aiokafka logs whole requests; with SASL PLAIN one of them is the password.
logging.getLogger("aiokafka.conn").setLevel(logging.INFO)


def client_options(settings: KafkaSettings) -> dict[str, Any]:
    """Keyword arguments common to aiokafka's consumer, producer and admin client.

    Raises SettingsError when a certificate, key or password file cannot be used.
    """
    options: dict[str, Any] = {
        "bootstrap_servers": list(settings.bootstrap),
        "client_id": settings.instance or "ecgstream",
        "request_timeout_ms": round(settings.request_timeout_s * 1000),
        "security_protocol": _protocol(settings),
    }
    if settings.tls:
        options["ssl_context"] = _tls_context(settings.tls)
    if settings.sasl:
        options["sasl_mechanism"] = settings.sasl.mechanism
        options["sasl_plain_username"] = settings.sasl.username
        options["sasl_plain_password"] = _password(settings.sasl)
    return options


async def why_unreachable(settings: KafkaSettings) -> str | None:
    """A sentence for each bootstrap broker that does not let us in; None as soon as one does.

    aiokafka itself only says that it cannot bootstrap. Takes at most two ``request_timeout_s`` per broker.
    """
    options = client_options(settings)
    sentences = []
    for host, port, _ in collect_hosts(options.pop("bootstrap_servers")):
        try:
            await _ask_for_metadata(host, port, options)
        except (OSError, KafkaError) as error:
            sentences.append(_sentence(f"{host}:{port}", error, settings))
        else:
            return None
    return " ".join(sentences)


async def _ask_for_metadata(host: str, port: int, options: dict[str, Any]) -> None:
    connection = await create_conn(host, port, **options)
    try:
        await connection.send(MetadataRequest([]))  # the first request for which one must be let in
    finally:
        await connection.close()


def _sentence(broker: str, error: Exception, settings: KafkaSettings) -> str:
    match error:
        case SaslAuthenticationFailed():
            return f"Kafka at {broker} refuses the user name or password; check kafka.sasl ({settings.sasl.username})."
        case UnsupportedSaslMechanismError():
            return (
                f"Kafka at {broker} does not offer {settings.sasl.mechanism}; set kafka.sasl.mechanism to one it does."
            )
        case IllegalSaslStateError():
            return f"Kafka at {broker} wants no user name on this listener; unset kafka.sasl or use its SASL port."
        case ssl.SSLCertVerificationError():
            return (
                f"The certificate of Kafka at {broker} is not trusted ({error.verify_message}); "
                "kafka.tls.ca_file must hold the authority that signed it, and the name must be the certificate's."
            )
        case ssl.SSLError():
            return (
                f"TLS with Kafka at {broker} fails ({error.reason}); its listener may speak no TLS, or want a "
                "certificate of ours (kafka.tls.certificate_file)."
            )
        case TimeoutError():
            return f"Kafka at {broker} has not answered in {settings.request_timeout_s:g} s; check kafka.bootstrap."
        case KafkaError() | ConnectionResetError() | ConnectionAbortedError():
            return (
                f"Kafka at {broker} closed the connection at once; its listener may want TLS, a certificate of ours "
                "(kafka.tls) or a user name (kafka.sasl), or have none of these."
            )
        case _:
            why = os.strerror(error.errno) if (error.errno or 0) > 0 else error.strerror or error  # names: negative
            return f"Kafka at {broker} cannot be reached ({why}); check kafka.bootstrap."


def _protocol(settings: KafkaSettings) -> str:
    transport = "SSL" if settings.tls else "PLAINTEXT"
    return f"SASL_{transport}" if settings.sasl else transport


def _tls_context(tls: TlsSettings) -> ssl.SSLContext:
    if tls.key_file and not tls.certificate_file:
        raise SettingsError(f"kafka.tls.key_file is {tls.key_file}; kafka.tls.certificate_file must be set with it.")
    try:
        context = ssl.create_default_context(cafile=tls.ca_file)
    except OSError as error:
        raise SettingsError(_unusable("ca_file", tls.ca_file, "authorities in PEM form", error)) from error
    if tls.certificate_file:
        try:
            context.load_cert_chain(tls.certificate_file, tls.key_file, lambda: _key_password(tls))
        except OSError as error:
            files = " and ".join(str(file) for file in (tls.certificate_file, tls.key_file) if file)
            held = "a certificate and its key in PEM form (and kafka.tls.key_password must open the key)"
            raise SettingsError(_unusable("certificate_file", files, held, error)) from error
    return context


def _key_password(tls: TlsSettings) -> str:
    """Called only for an encrypted key; without this, OpenSSL would ask at the terminal and wait."""
    if tls.key_password is None:
        raise SettingsError(
            f"The key in {tls.key_file or tls.certificate_file} is encrypted; set kafka.tls.key_password."
        )
    return tls.key_password.get_secret_value()


def _unusable(name: str, found: object, held: str, error: OSError) -> str:
    why = getattr(error, "reason", None) or error.strerror or "no such content"
    return f"kafka.tls.{name} must hold {held}; {found} cannot be used ({why})."


def _password(sasl: SaslSettings) -> str:
    if sasl.password is not None:
        return sasl.password.get_secret_value()
    try:
        lines = sasl.password_file.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not text"
        raise SettingsError(f"kafka.sasl.password_file {sasl.password_file} cannot be read ({why}).") from error
    if not lines or not lines[0]:
        raise SettingsError(f"kafka.sasl.password_file {sasl.password_file} must hold the password in its first line.")
    return lines[0]
