"""The daemon's heads: whatever is wrong with one, everything else goes on without it."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from ..errors import ModelError
from .head import Head

log = structlog.get_logger()


def if_usable(load: Callable[[], Head], otherwise: str) -> Head | None:
    """The head that ``load`` gives; None where that raises ModelError; the log then says ``otherwise``."""
    try:
        return load()
    except ModelError as error:
        log.error(otherwise, fault=str(error))
        return None
