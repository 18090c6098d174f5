"""What Prometheus sees of each bed, by its stream id: nothing, unless ``http.bed_metrics`` is set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily


class BedFigures(NamedTuple):
    """One bed, now."""

    silence_s: float  # since its last message
    standing: dict[str, int]  # alerts that have not ended, by priority


class BedMetrics:
    """The newest figures of every bed; a bed that leaves takes its series with it."""

    def __init__(self, registry: CollectorRegistry):
        self.beds: dict[str, BedFigures] = {}
        """By stream id; replaced as a whole, as it is read from another thread."""
        registry.register(self)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Both families, also while they are empty."""
        silence = GaugeMetricFamily("ecgstream_bed_silence_seconds", "Since a bed's last message", labels=["stream_id"])
        labels = ["stream_id", "priority"]
        standing = GaugeMetricFamily("ecgstream_bed_alerts_standing", "A bed's alerts not ended", labels=labels)
        for stream_id, figures in self.beds.items():
            silence.add_metric([stream_id], figures.silence_s)
            for priority, count in figures.standing.items():
                standing.add_metric([stream_id, priority], count)
        yield silence
        yield standing
