"""What an operator sees of the outbound bridge. No label names a patient or a bed."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

LATENCY_EDGES_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


class OutboundMetrics:
    """By destination, as named in the settings. The registry is passed in, a fresh one per test."""

    def __init__(self, registry: CollectorRegistry | None = None):
        self.registry = registry or CollectorRegistry()
        r, by = self.registry, ["destination"]
        self.received = Counter("ecgstream_outbound_received", "Alerts read", registry=r)
        self.duplicates = Counter("ecgstream_outbound_duplicates", "Alerts read again, and left out", registry=r)
        self.unreadable = Counter("ecgstream_outbound_unreadable", "Messages read that are no alert", registry=r)
        self.delivered = Counter("ecgstream_outbound_delivered", "Messages confirmed", [*by, "phase"], registry=r)
        self.retries = Counter("ecgstream_outbound_retries", "Tries that failed", [*by, "reason"], registry=r)
        self.set_aside = Counter("ecgstream_outbound_set_aside", "Messages refused for good", by, registry=r)
        self.dropped = Counter("ecgstream_outbound_dropped", "Messages dropped, as the queue was full", by, registry=r)
        self.waiting = Gauge("ecgstream_outbound_waiting", "Messages in the queue", by, registry=r)
        self.up = Gauge("ecgstream_outbound_up", "1 while the destination answers", by, registry=r)
        self.latency = Histogram(
            "ecgstream_outbound_latency_seconds",
            "From an alert's publication to its confirmation by the destination",
            by,
            buckets=LATENCY_EDGES_S,
            registry=r,
        )
