"""Cards: what a model is, what it was taught, what it scores and where it ends; for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

CARD, SHEET = "card.md", "card.json"


@dataclass(frozen=True, slots=True)
class Card:
    """What a card states; figures as measured, each with its interval where it has one."""

    what: str  # one paragraph
    data: str  # what it was taught, with licence and credit
    split: str  # what was kept apart, and how
    metrics: dict[str, Any]  # name of a figure to its value, or to a dictionary of such
    limits: Sequence[str]
    how: str  # the command that measures it again


def write_card(folder: Path, name: str, sha256: str, card: Card) -> None:
    """Write ``card.json`` and, made from it, ``card.md`` into a model directory."""
    sheet = asdict(card) | {"name": name, "sha256": sha256, "code_version": version("ecgstream")}
    (folder / SHEET).write_text(json.dumps(sheet, indent=1) + "\n")
    rows = "\n".join(f"| {figure} | {value} |" for figure, value in _rows(card.metrics))
    limits = "\n".join(f"- {limit}" for limit in card.limits)
    (folder / CARD).write_text(
        f"# Model card: {name}@{sha256[:12]}\n\n"
        "**Not a medical device.** For research and integration tests; its scores must not decide on anyone's care.\n\n"
        f"{card.what}\n\n## What it was taught\n{card.data}\n\n{card.split}\n\n"
        f"## What it scores\n| figure | value |\n|---|---|\n{rows}\n\nMeasured by `{card.how}`, ecgstream "
        f"{sheet['code_version']}.\n\n## What to know before using it\n{limits}\n\nsha256 of the weights: `{sha256}`\n"
    )


def _rows(metrics: dict[str, Any], before: str = "") -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for name, value in metrics.items():
        if isinstance(value, dict):
            rows += _rows(value, f"{before}{name} ")
        elif isinstance(value, list | tuple):
            rows.append((f"{before}{name}", " to ".join(str(each) for each in value)))
        else:
            rows.append((f"{before}{name}", str(value)))
    return rows
