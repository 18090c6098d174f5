"""HL7 date and time (DTM) to nanoseconds since 1970, and back."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from ..errors import Hl7Error
from .refusals import Refused

_DTM = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(?:(\d\d)(?:\.(\d{1,9}))?)?([+-]\d{4})?", re.ASCII)


def time_ns(text: str, zone: tzinfo, where: str) -> int:
    """UTC of a DTM of at least minutes; ``zone`` holds where it names none. Raises Hl7Error.

    An hour that comes twice when summer time ends is taken as the first of the two.
    """
    found = _DTM.fullmatch(text)
    if not found:
        raise Hl7Error(
            Refused.BAD_TIME,
            f"A time is YYYYMMDDHHMM[SS[.S…]][+ZZZZ]; found {text[:40]!r}.",
            where,
        )
    *parts, fraction, offset = found.groups()
    try:
        moment = datetime(*(int(part or 0) for part in parts), tzinfo=_offset(offset) if offset else zone)
        whole_s = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)
    except (ValueError, OverflowError) as error:
        raise Hl7Error(Refused.BAD_TIME, f"There is no such time as {text[:40]!r} ({error}).", where) from error
    if whole_s < 0:
        raise Hl7Error(Refused.BAD_TIME, f"Times begin in 1970; found {text[:40]!r}.", where)
    return whole_s * 1_000_000_000 + int((fraction or "").ljust(9, "0"))


def zone_of(text: str) -> tzinfo | None:
    """The offset a DTM ends in, if it does: MSH-7's holds for all times of its message."""
    found = _DTM.fullmatch(text)
    try:
        return _offset(found[8]) if found and found[8] else None
    except ValueError:
        return None


def dtm(ns: int) -> str:
    """UTC as a DTM to a tenth of a millisecond, the finest HL7 knows."""
    tenths = (ns + 50_000) // 100_000
    moment = datetime.fromtimestamp(tenths // 10_000, UTC)
    return f"{moment:%Y%m%d%H%M%S}.{tenths % 10_000:04d}+0000"


def _offset(text: str) -> timezone:
    minutes = int(text[1:3]) * 60 + int(text[3:])
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))
