"""No head is scored, unsaid, on recordings that it was fitted on."""

from __future__ import annotations

from ..errors import RecordError

_NAMED = 5


def check_unseen(seen: dict[str, list[str]], records: list[str], allow: bool) -> None:
    """Refuse ``records`` that a head has seen (its manifest's ``seen``, by record name), unless that is allowed.

    Raises RecordError.
    """
    known = {name for names in seen.values() for name in names}
    found = [name for name in records if name in known]
    if found and not allow:
        more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        raise RecordError(
            f"A head is scored on records it has not seen; it was fitted on {', '.join(found[:_NAMED])}{more}. Say "
            "--cross-validate to score each by what was fitted without it, or --allow-seen to score them all the same."
        )
