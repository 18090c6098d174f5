"""What a PromQL expression asks for, and whether a running daemon has it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import promql_parser
from prometheus_client.metrics_core import Metric

SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "summary": ("_sum", "_count", "")}
BY_PROMETHEUS = {"up": {"job", "instance"}}
BY_TARGET = {"job", "instance"}
"""Labels that Prometheus itself adds."""


def faults(query: str, exposed: dict[str, Metric], recorded: set[str] = frozenset()) -> list[str]:
    """What is wrong with a query: metrics nobody exposes, labels they do not have. ValueError when it is no PromQL."""
    families = {
        family.name + suffix: family for family in exposed.values() for suffix in SUFFIXES.get(family.type, ("",))
    }
    found = []
    for selector in _selectors(promql_parser.parse(re.sub(r"\$__rate_interval", "1m", query))):
        if selector.name in recorded or selector.name in BY_PROMETHEUS:
            continue
        if selector.name not in families:
            found.append(f"no metric {selector.name}")
            continue
        samples = [sample for sample in families[selector.name].samples if sample.name == selector.name]
        for matcher in selector.matchers.matchers:
            if samples and matcher.name not in samples[0].labels.keys() | BY_TARGET:
                found.append(f"{selector.name} has no label {matcher.name}")
    return found


def _selectors(expression: promql_parser.Expr) -> Iterator[promql_parser.VectorSelector]:
    if isinstance(expression, promql_parser.VectorSelector):
        yield expression
    elif isinstance(expression, promql_parser.MatrixSelector):
        yield expression.vector_selector
    for part in ("expr", "lhs", "rhs", "param"):
        if isinstance(inner := getattr(expression, part, None), promql_parser.Expr):
            yield from _selectors(inner)
    for argument in getattr(expression, "args", ()) or ():
        yield from _selectors(argument)
