"""Who is let in over HTTP where patients are concerned: whoever has the token of ``http.order_token_file``."""

from __future__ import annotations

import hmac
from pathlib import Path

from aiohttp import web

from .errors import SettingsError

LEAST_TOKEN = 16
"""Characters; a shorter token can be guessed."""
CHALLENGE = {"WWW-Authenticate": "Bearer"}
"""Goes with every 401."""


class HttpToken:
    """Lets nobody in where no file is named."""

    def __init__(self, path: Path | None):
        self._path = path
        self._token: bytes | None = None

    def start(self) -> None:
        """Read the token. Raises SettingsError when it is not there, or too short to be a secret."""
        if self._path is None:
            return
        try:
            token = self._path.read_bytes().strip()
        except OSError as error:
            raise SettingsError(
                f"http.order_token_file: {self._path} cannot be read ({error.strerror}); mend the path."
            ) from error
        if len(token) < LEAST_TOKEN:
            raise SettingsError(
                f"http.order_token_file: the token must have at least {LEAST_TOKEN} characters; it has {len(token)}."
            )
        self._token = token

    def refuses(self, request: web.Request, what: str) -> tuple[int, str] | None:
        """Status and sentence where ``what`` is asked for without the token; None where it may be had."""
        if self._token is None:
            return 403, f"{what} over HTTP are switched off; set http.order_token_file."
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), self._token):
            return None
        return 401, "The header Authorization must be 'Bearer' and the token."
