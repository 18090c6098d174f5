"""What a run in real time gave: how late results were heard, what the daemons spent, and whether they kept up."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import numpy as np
from prometheus_client.parser import text_string_to_metric_families

from ..wire.codec import decode
from .percentiles import percentiles

KEPT_UP_S = 1.0
"""A daemon whose 99th percentile is above this is falling behind chunks of 1 s."""

Samples = dict[tuple[str, str], float]
_RSS = ("process_resident_memory_bytes", "")


class Heard:
    """Results as they were heard, and how late each was."""

    def __init__(self):
        self.clear()

    def clear(self) -> None:
        """Forget everything heard so far."""
        self.diagnosis_s: list[float] = []
        self.alert_s: list[float] = []
        self.withheld: Counter[str] = Counter()

    def take(self, payload: bytes, content_type: str) -> None:
        """A diagnosis or an alert, heard now."""
        now_ns = time.time_ns()
        message = decode(payload, content_type)
        if content_type.startswith("application/vnd.ecgstream.diagnosis"):
            self.diagnosis_s.append((now_ns - message.time_ns) / 1e9)
            self.withheld[message.withheld or "scored"] += 1
        else:
            self.alert_s.append(message.late_s + (now_ns - message.published_time_ns) / 1e9)


def samples(*texts: str) -> Samples:
    """Value of each metric by name and first label value, added up over daemons."""
    found: Counter[tuple[str, str]] = Counter()
    for text in texts:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                found[sample.name, next(iter(sample.labels.values()), "")] += sample.value
    return found


def result(
    heard: Heard, beds: int, measured_s: float, before: Samples, after: Samples, empty: Samples
) -> dict[str, Any]:
    """Latency, and CPU seconds per bed-second by stage, of what was heard between two looks at the metrics;
    ``empty``: a look before the first bed came."""

    def spent(name: str, label: str = "") -> float:
        return after.get((name, label), 0.0) - before.get((name, label), 0.0)

    bed_s = beds * measured_s
    stages = sorted({label for name, label in after if name == "ecgstream_stage_cpu_seconds_total"})
    latency = percentiles(heard.diagnosis_s)
    lost = sum(spent("ecgstream_intake_total", kind) for kind in ("gap", "late", "restart"))
    whole = len(heard.diagnosis_s) >= 0.98 * bed_s and lost == 0 and heard.withheld["overload"] == 0
    kept_up = whole and (latency["p99"] or np.inf) <= KEPT_UP_S
    return {
        "beds": beds,
        "seconds": round(measured_s, 2),
        "kept_up": bool(kept_up),
        "diagnoses": len(heard.diagnosis_s),
        "withheld": dict(heard.withheld),
        "latency_s": latency,
        "sample_to_alert_s": percentiles(heard.alert_s),
        "cpu_s_per_bed_s": spent("process_cpu_seconds_total") / bed_s,
        "stages": {stage: spent("ecgstream_stage_cpu_seconds_total", stage) / bed_s for stage in stages},
        "rss_bytes": after.get(_RSS, 0.0),
        "rss_bytes_per_bed": round((after.get(_RSS, 0.0) - empty.get(_RSS, 0.0)) / beds),
    }
