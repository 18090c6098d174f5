"""Structured logs, JSON or console. They hold no samples, no payloads and no patient reference."""

from __future__ import annotations

import logging
import sys

import structlog

from .settings import LogSettings


def configure(settings: LogSettings) -> None:
    """Send structured logs to standard error in the chosen form."""
    level = getattr(logging, settings.level.upper())
    renderer = (
        structlog.processors.JSONRenderer()
        if settings.format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    # aiokafka logs some eighty lines a second while a broker is away; what matters of it is in our own log.
    logging.getLogger("aiokafka").setLevel(logging.DEBUG if settings.level == "debug" else logging.CRITICAL)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
