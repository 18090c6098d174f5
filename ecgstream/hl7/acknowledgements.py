"""Acknowledgements: AA, AE or AR with a sentence as the reason; CA, CE, CR before them in enhanced mode."""

from __future__ import annotations

import time
from itertools import count

from ..errors import Hl7Error
from .message import Header, escaped
from .refusals import ERROR_CODES, REJECTED, Refused
from .times import dtm

NOBODY = Header(("|", "^~\\&"))
"""In place of a header that could not be read."""
_numbers = count(time.time_ns() // 1_000_000)


def answer_code(error: Hl7Error | None) -> str:
    """HL7 table 0008, original mode."""
    if error is None:
        return "AA"
    return "AR" if error.reason in REJECTED else "AE"


def answers(header: Header, error: Hl7Error | None) -> list[bytes]:
    """What goes back for a message, none where MSH-15 and MSH-16 want none.

    Both empty is original mode: one answer. Else an accept acknowledgement as MSH-15 wants it, then an application
    acknowledgement as MSH-16 does; both say whether the message was safely handed on.
    """
    code = answer_code(error)
    accept, application = header.field(15), header.field(16)
    if not accept and not application:
        return [_answer(header, code, error)]
    wanted = [("C" + code[1], accept), (code, application)]
    return [_answer(header, one, error) for one, when in wanted if _wants(when, error is None)]


def _wants(when: str, accepted: bool) -> bool:
    """HL7 table 0155."""
    return {"": False, "NE": False, "ER": not accepted, "SU": accepted}.get(when, True)


def _answer(header: Header, code: str, error: Hl7Error | None) -> bytes:
    trigger = header.kind.partition("^")[2]
    msh = [
        "MSH",
        "^~\\&",
        *(_plain(header, number) for number in (5, 6, 3, 4)),
        dtm(time.time_ns()),
        "",
        f"ACK^{trigger}^ACK" if trigger else "ACK",
        str(next(_numbers)),
        _plain(header, 11) or "P",
        _plain(header, 12) or "2.6",
    ]
    sentence = escaped(str(error)) if error else ""
    segments = ["|".join(msh), "|".join(["MSA", code, _plain(header, 10), sentence]).rstrip("|")]
    if error:
        error_code = ERROR_CODES.get(Refused(error.reason), "102")
        segments.append(f"ERR||{escaped(error.where)}|{error_code}^^HL70357|E||||{sentence}")
    return "".join(segment + "\r" for segment in segments).encode("latin-1", "replace")


def _plain(header: Header, number: int) -> str:
    """A field as it came; a sender with separators of its own gets it back without them."""
    text = header.field(number)
    return text if header.fields[:2] == NOBODY.fields else escaped(text)
