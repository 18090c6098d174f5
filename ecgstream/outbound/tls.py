"""TLS towards a destination."""

from __future__ import annotations

import ssl

from ..errors import SettingsError
from ..settings import TlsSettings


def client_context(tls: TlsSettings, section: str) -> ssl.SSLContext:
    """Raises SettingsError, naming the section, when a certificate or key file cannot be used."""
    try:
        context = ssl.create_default_context(cafile=tls.ca_file)
        if tls.certificate_file:
            password = tls.key_password.get_secret_value() if tls.key_password else ""
            context.load_cert_chain(tls.certificate_file, tls.key_file, password)
    except OSError as error:
        why = getattr(error, "reason", None) or error.strerror or "not in PEM form"
        raise SettingsError(f"{section}: a certificate or key cannot be used ({why}); check its files.") from error
    return context
