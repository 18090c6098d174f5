"""``ecgstream analyse``: whole recordings through the daemon's own pipeline, as fast as it can."""

from .feed import Feed
from .findings import Findings
from .run import analyse

__all__ = ["Feed", "Findings", "analyse"]
