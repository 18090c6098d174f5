"""What is written of each recording, and where; nothing that is there is overwritten unless this wrote it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..diagnosis import Model
from ..errors import RecordError
from ..settings import Settings
from .annotations import EXTENSION, write_annotations
from .feed import Feed
from .findings import Findings
from .report import html_report
from .run import analyse
from .summary import summarise


def check_places(paths: Sequence[Path], names: Sequence[str], folder: Path) -> None:
    """Raises RecordError where two recordings would write the same files, or one's folder would be written into: it may
    hold the reference annotations."""
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise RecordError(f"More than one recording is named {', '.join(twice)}; analyse them one after the other.")
    for path, name in zip(paths, names, strict=True):
        theirs = path.parent / f"{name}.{EXTENSION}"
        if folder.resolve() == path.parent.resolve() and theirs.exists():
            raise RecordError(f"{theirs} is there already and may be the reference; name another folder by --out.")


def analyse_files(
    feeds: Mapping[Path, Feed], folder: Path, model: Model | None, on_progress: Callable[[float], None]
) -> list[dict[str, Any]]:
    """Analyse recordings and write what is found into ``folder``; their summaries, in the order of ``feeds``. Without
    a model by rules alone. Raises RecordError where something cannot be written."""
    names = [feed.stream_id for feed in feeds.values()]
    check_places(list(feeds), names, folder)
    settings, summaries = Settings(diagnosis={"enabled": model is not None}), {}
    for found in analyse(list(feeds.values()), settings, model, on_progress):
        summaries[found.name] = write_findings(found, folder)
    return [summaries[name] for name in names]


def write_findings(found: Findings, folder: Path) -> dict[str, Any]:
    """Write ``NAME.atr``, ``NAME.json`` and ``NAME.html``; the summary."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_annotations(found, folder)
        summary = summarise(found)
        (folder / f"{found.name}.json").write_text(json.dumps(summary, indent=1))
        (folder / f"{found.name}.html").write_text(html_report(found, summary), encoding="utf-8")
    except OSError as error:
        raise RecordError(f"The analysis of {found.name} cannot be written into {folder} ({error}).") from error
    return summary
