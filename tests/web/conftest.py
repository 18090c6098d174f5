"""A browser for every test of the page."""

from .browsers import chromium  # noqa: F401
