"""What operators see of the log: lag, partitions, rebalances, commits, dead letters, whether a broker answers."""

from __future__ import annotations

from .chunk_log import ChunkLog
from .metrics import Metrics


class LogMetrics:
    """Brings metrics up to date with what the log counts for itself."""

    def __init__(self, chunk_log: ChunkLog, metrics: Metrics):
        self._log, self._metrics = chunk_log, metrics
        self._exported: dict[str, int] = {}

    def export(self) -> None:
        """Once a second or so."""
        source, metrics = self._log.source, self._metrics
        metrics.broker_available.set(not source.unreachable_s())
        metrics.partitions.set(len(source.assigned))
        metrics.lag.clear()
        for partition, messages in source.lag().items():
            metrics.lag.labels(partition).set(messages)
        totals = {
            "rebalances": source.rebalances,
            "log_resets": source.resets,
            "commits": self._log.producers.commits,
            "dead_letters": self._log.dead_letters.sent,
            "orders_undecodable": self._log.control.refused,
        }
        for name, total in totals.items():
            getattr(metrics, name).inc(total - self._exported.get(name, 0))
        self._exported = totals
