"""Which fibrillation head may judge which record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..diagnosis.waves import load_fibrillation_head
from ..heads import Head
from .records import record_names
from .seen import check_unseen

CACHE = Path(".cache")
HeadOf = Callable[[str], Head]


@dataclass(frozen=True, slots=True)
class FibrillationHeads:
    """``of`` gives the head for a record; ``said`` is how, in words."""

    of: HeadOf
    said: str


def fibrillation_heads(
    folder: Path, head_folder: Path | None, cross_validate: bool, allow_seen: bool
) -> FibrillationHeads:
    """Heads for the annotated records of ``folder``. A record that the head has seen is judged by what was fitted
    without its fold (``cross_validate``; its data set is then fitted on from the folder beside), or by the head all the
    same (``allow_seen``). Raises RecordError when neither is said and a record has been seen, ModelError.
    """
    from ..heads.fibrillation.training import fold_heads

    head = load_fibrillation_head(head_folder)
    known = {name for names in head.manifest.seen.values() for name in names}
    seen = [name for name in record_names(folder, "atr") if name in known]
    if not seen:
        return FibrillationHeads(lambda name: head, f"{head.version}; none of the records has been seen in fitting")
    if cross_validate:
        of_fold = fold_heads(folder.parent, CACHE)
        said = f"{len(seen)} records seen in fitting are judged by trees fitted without their fold"
        return FibrillationHeads(lambda name: of_fold(name) if name in known else head, said)
    check_unseen(head.manifest.seen, seen, allow_seen)
    return FibrillationHeads(lambda name: head, f"{head.version}; {len(seen)} records HAVE BEEN SEEN in fitting")
