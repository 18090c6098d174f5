"""Which head may class the beats of which record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..diagnosis.beats import load_beat_head
from ..heads import Head
from .records import record_names
from .seen import check_unseen

CACHE = Path(".cache")


@dataclass(frozen=True, slots=True)
class BeatHeads:
    """``of`` gives the head for a record, None where it must not be classed; ``said`` is how, in words."""

    of: Callable[[str], Head | None]
    said: str
    version: str


def heads_for(folder: Path, head_folder: Path | None, cross_validate: bool, allow_seen: bool) -> BeatHeads:
    """Heads for the annotated records of ``folder``. Records that the head has seen are classed by what was fitted
    without their fold (``cross_validate``, which needs DS1 in ``folder`` and nstdb beside it), by the head all the same
    (``allow_seen``), or not at all. Raises RecordError when that leaves none, ModelError.
    """
    from ..heads.beats.training import fold_heads

    head = load_beat_head(head_folder)
    names = record_names(folder, "atr")
    known = {name for names in head.manifest.seen.values() for name in names}
    seen = [name for name in names if name in known]
    if not seen:
        return BeatHeads(lambda name: head, "none of the records has been seen in fitting", head.version)
    if cross_validate:
        of_fold = fold_heads(folder.parent, CACHE, head.manifest.thresholds)
        said = f"{len(seen)} records seen in fitting are classed by trees fitted without their fold"
        return BeatHeads(lambda name: of_fold(name) if name in known else head, said, head.version)
    if allow_seen:
        said = f"{len(seen)} of {len(names)} records HAVE BEEN SEEN in fitting"
        return BeatHeads(lambda name: head, said, head.version)
    if len(seen) == len(names):
        check_unseen(head.manifest.seen, names, allow_seen)
    said = f"{len(seen)} records are left out, as they were seen in fitting (--cross-validate or --allow-seen)"
    return BeatHeads(lambda name: None if name in known else head, said, head.version)
