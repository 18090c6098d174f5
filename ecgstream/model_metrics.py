"""Which models run, and how their scores are distributed, beside what their cards state: drift."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric

from .diagnosis import Model
from .diagnosis.distribution import SCORE_EDGES, add_scores
from .waveform import Scores

Role = Literal["served", "shadow"]
DIFFERENCE_EDGES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
_LE = [str(edge) for edge in SCORE_EDGES[:-1]] + ["+Inf"]


class _Counted:
    """The scores one model has given."""

    def __init__(self, model: Model):
        self.model = model
        self.counts = np.zeros((len(model.manifest.names), len(SCORE_EDGES)), np.int64)
        self.sums = np.zeros(len(model.manifest.names))


class ModelMetrics:
    """Counts every score stated, in numpy: 40 scores of 500 beds, five times a second, cost no Python each."""

    def __init__(self, registry: CollectorRegistry):
        labels = ["role", "model", "device"]
        self.info = Gauge("ecgstream_model_info", "1 for each model loaded", labels, registry=registry)
        self.findings = Counter(
            "ecgstream_shadow_findings",
            "Hops with a score at its threshold, by which of the two models",
            ["score", "found"],
            registry=registry,
        )
        self._differences: dict[str, np.ndarray] = {}  # by score: counts by bucket, and their sum
        self._in_role: dict[Role, _Counted] = {}
        self._counted: dict[str, _Counted] = {}  # by version, so that a swap begins no series anew
        registry.register(self)

    def set_roles(self, roles: dict[Role, Model | None]) -> None:
        """From now on these models have these roles."""
        self.info.clear()
        in_role: dict[Role, _Counted] = {}
        for role, model in roles.items():
            if model is not None:
                self.info.labels(role, model.version, model.device.type).set(1)
                in_role[role] = self._counted.setdefault(model.version, _Counted(model))
        self._in_role = in_role

    def count(self, role: Role, scores: Scores) -> None:
        """Count the scores a step stated."""
        counted = self._in_role.get(role)
        if counted is not None and scores.names:
            add_scores(scores.values, counted.counts, counted.sums)

    def count_differences(self, score: str, differences: np.ndarray) -> None:
        """Count how far the shadow's scores lie from those in service: (N,), of one score."""
        places = np.searchsorted(DIFFERENCE_EDGES, differences)
        counts = np.bincount(places, minlength=len(DIFFERENCE_EDGES) + 1)
        self._differences[score] = self._differences.get(score, 0) + np.append(counts, differences.sum())

    def count_findings(self, score: str, served: np.ndarray, shadow: np.ndarray) -> None:
        """Count hops (N,) in which both find something, or one alone."""
        for found, hops in (("both", served & shadow), ("served", served & ~shadow), ("shadow", shadow & ~served)):
            if count := int(hops.sum()):
                self.findings.labels(score, found).inc(count)

    def collect(self) -> Iterator[Metric]:
        """Every family, also while it is empty; a score's buckets are cumulative, as Prometheus has them."""
        labels = ["model", "score"]
        given = HistogramMetricFamily("ecgstream_score", "Scores stated, a hop each", labels=labels)
        card = GaugeMetricFamily(
            "ecgstream_score_card_share", "Share of scores up to le on the card's records", labels=[*labels, "le"]
        )
        for version, counted in list(self._counted.items()):
            for name, row, total in zip(
                counted.model.manifest.names, counted.counts.cumsum(axis=1).tolist(), counted.sums, strict=True
            ):
                given.add_metric([version, name], list(zip(_LE, row, strict=True)), float(total))
                for le, share in zip(_LE, counted.model.card_scores.get(name, ()), strict=False):
                    card.add_metric([version, name, le], share)
        apart = HistogramMetricFamily(
            "ecgstream_shadow_difference", "Between the shadow's score and the one stated, a hop each", labels=["score"]
        )
        edges = [*map(str, DIFFERENCE_EDGES), "+Inf"]
        for name, counted in list(self._differences.items()):
            apart.add_metric([name], list(zip(edges, counted[:-1].cumsum().tolist(), strict=True)), float(counted[-1]))
        yield given
        yield card
        yield apart
