"""A message as the edge sees it: the HL7 library's parse of what is short, its sample arrays still bytes beside it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import tzinfo
from functools import cached_property, lru_cache

import hl7

from ..errors import Hl7Error
from ..wire.controls import MAX_TEXT
from .refusals import Refused
from .samples import cut
from .times import time_ns, zone_of

_CHARACTER_SETS = {
    "": "utf-8",
    "ASCII": "ascii",
    "8859/1": "iso-8859-1",
    "8859/2": "iso-8859-2",
    "8859/15": "iso-8859-15",
    "UNICODE": "utf-8",
    "UNICODE UTF-8": "utf-8",
}
"""MSH-18 (HL7 table 0211), as far as they are spoken here."""


_ESCAPED = str.maketrans({"|": "\\F\\", "^": "\\S\\", "~": "\\R\\", "&": "\\T\\", "\\": "\\E\\", "\r": " ", "\n": " "})


def escaped(text: str) -> str:
    """A text as it may stand in a field, with the usual separators."""
    return text.translate(_ESCAPED)


@dataclass(frozen=True, slots=True)
class Header:
    """What the acknowledgement needs, read from MSH even of messages that are refused."""

    fields: tuple[str, ...]  # MSH-1 and on, as they came
    kind: str = "^"  # message code and trigger, ``ADT^A01``

    def field(self, number: int) -> str:
        """MSH-``number``, empty where absent."""
        return self.fields[number - 1] if number <= len(self.fields) else ""

    @property
    def separators(self) -> str:
        """MSH up to MSH-2."""
        return f"MSH{self.field(1)}{self.field(2)}"

    @property
    def component(self) -> str:
        """The component separator."""
        return self.field(2)[:1] or "^"

    @property
    def control_id(self) -> str:
        """MSH-10, by which an acknowledgement is known."""
        return self.field(10)


def repetitions(segment: hl7.Segment, field: int) -> int:
    """How often a field is repeated."""
    return len(segment[field]) if field < len(segment) and str(segment[field]) else 0


class Segments:
    """Parsed segments; fields, components and so on are counted from 1, as HL7 does."""

    def __init__(self, parsed: hl7.Message, segments: Iterable[hl7.Segment]):
        self._parsed = parsed  # knows the separators
        self._named = [(str(segment[0]), segment) for segment in segments]

    def all(self, *names: str) -> list[hl7.Segment]:
        """Segments of these names, in their order."""
        return [segment for name, segment in self._named if name in names]

    def text(
        self, segment: hl7.Segment, field: int, component: int = 1, repetition: int = 1, subcomponent: int = 1
    ) -> str:
        """A text in a segment, unescaped and stripped; empty where absent or HL7's explicit null."""
        place: object = segment[field] if field < len(segment) else ""
        for index in (repetition, component, subcomponent):
            if isinstance(place, hl7.Container):  # what has one part only is not split by the library
                place = place[index - 1] if index <= len(place) else ""
            elif index > 1:
                return ""
        text = str(place)
        if self._parsed.esc in text:
            text = self._parsed.unescape(text)
        return "" if (text := text.strip()) == '""' else text

    def place(self, obx: hl7.Segment) -> str:
        """Segment and set id for an error's ``where``, which is logged: nothing but a number may stand there."""
        set_id = self.text(obx, 1)
        return f"OBX {set_id}" if set_id.isascii() and set_id.isdecimal() and len(set_id) < 5 else "OBX"

    def array(self, segment: hl7.Segment) -> str:
        """NA or MA where the segment's samples were cut out; as it came, since that is how they were found."""
        kind = str(segment[2]) if len(segment) > 2 else ""
        return kind if kind in ("NA", "MA") else ""

    def array_index(self, segment: hl7.Segment, where: str) -> int:
        """Which of the arrays is this segment's. Raises Hl7Error where it has none."""
        if len(segment) < 6:
            raise Hl7Error(Refused.NO_SAMPLES, "The segment ends before OBX-5; the samples belong there.", where)
        return int(str(segment[5]))


class Message:
    """One message: its segments up to the first OBX, and those from there on, which are often parsed already."""

    def __init__(self, header: Header, head: str, rest: Segments, arrays: list[bytes], zone: tzinfo):
        self.header, self.rest, self.arrays = header, rest, arrays
        self._lines = head.split("\r")[1:]
        self.text = rest.text
        self._zone = zone_of(header.field(7)) or zone

    @cached_property
    def _head(self) -> Segments:
        """Before the first OBX, but for MSH. Of a waveform's message little of it is needed, and parsing costs most."""
        separators = self.header.separators
        parsed = (list(_parsed(separators, line))[1:] for line in self._lines)
        return Segments(_parsed(separators, ""), [segment for segments in parsed for segment in segments])

    def block_times(self) -> tuple[list[tuple[str, str]], int]:
        """OBR-7 and OBR-8 of every OBR in their order, and how many of them stand before the first OBX."""
        separator, component = self.header.field(1), self.header.component
        before = [line.split(separator) for line in self._lines if line.startswith("OBR" + separator)]
        times = [tuple(field.partition(component)[0].strip() for field in [*obr, *[""] * 9][7:9]) for obr in before]
        behind = [(self.text(obr, 7), self.text(obr, 8)) for obr in self.rest.all("OBR")]
        return times + behind, len(before)

    def first(self, name: str) -> hl7.Segment:
        """The first segment of that name. Raises Hl7Error where there is none."""
        for segment in self.all(name):
            return segment
        raise Hl7Error(Refused.MISSING_FIELD, f"{self.header.kind} needs a segment {name}; it has none.", name)

    def all(self, *names: str) -> list[hl7.Segment]:
        """Segments of these names, in their order."""
        return self._head.all(*names) + self.rest.all(*names)

    def as_it_came(self, *names: str) -> tuple[str, ...] | None:
        """Separators and these segments, by which it is known that they have not changed; None where one is not there.

        Those behind the first OBX do not count.
        """
        found = {line[:3]: line for line in reversed(self._lines) if line[3:4] == self.header.field(1)}
        if any(name not in found for name in names):
            return None
        return self.header.field(2), *(found[name] for name in names)

    def time_ns(self, text: str, where: str) -> int:
        """UTC of a DTM; one without a zone is in that of MSH-7, or the settings'. Raises Hl7Error."""
        return time_ns(text, self._zone, where)

    def bed(self, pv1: hl7.Segment, field: int) -> str:
        """Point of care, room and bed of a location, joined by ``/``: the stream id. Raises Hl7Error."""
        parts = [self.text(pv1, field, component) for component in (1, 2, 3)]
        joined = "/".join(filter(None, parts))
        if not parts[2] or len(joined) > MAX_TEXT or not joined.isprintable():
            raise Hl7Error(
                Refused.BAD_LOCATION,
                f"PV1-{field} must name the bed (point of care^room^bed, printable, {MAX_TEXT} characters at most); "
                f"found {joined[:60]!r}.",
                f"PV1-{field}",
            )
        return joined

    @cached_property
    def stream_id(self) -> str:
        """The bed of PV1-3, as a stream id. Raises Hl7Error where it names none."""
        return self.bed(self.first("PV1"), 3)


def header_of(block: bytes) -> Header:
    """MSH of a block, however wrong the rest is. Raises Hl7Error when it does not begin with one."""
    line = block.split(b"\r", 1)[0].split(b"\n", 1)[0]
    if len(line) < 8 or not line.startswith(b"MSH") or line[3:4].isalnum():
        raise Hl7Error(Refused.NO_HEADER, "A message begins with MSH and its separators (MSH|^~\\&|…).", "MSH")
    separator = chr(line[3])
    header = Header((separator, *line.decode("latin-1").split(separator)[1:]))
    code, _, rest = header.field(9).partition(header.component)
    return replace(header, kind=f"{code}^{rest.partition(header.component)[0]}")


def parse(block: bytes, header: Header, zone: tzinfo) -> Message:
    """The message of a block; ``zone`` holds for times where it names none. Raises Hl7Error."""
    if b"\n" in block:
        block = block.replace(b"\r\n", b"\r").replace(b"\n", b"\r")
    lean, arrays = cut(block, header.field(1).encode("latin-1"))
    encoding = _encoding(header)
    try:
        text = lean.decode(encoding)
    except UnicodeDecodeError as error:
        raise Hl7Error(
            Refused.CHARACTER_SET,
            f"The message is not {encoding}, as MSH-18 {header.field(18)!r} says; set MSH-18 to what it is in.",
            "MSH-18",
        ) from error
    first = text.find("\rOBX")
    head, rest = (text, "") if first < 0 else (text[:first], text[first + 1 :])
    return Message(header, head, _described(header.separators, rest), arrays, zone)


@lru_cache(maxsize=4_096)
def _described(separators: str, text: str) -> Segments:
    """Segments from the first OBX on. Without samples they are the same from second to second, and are parsed once."""
    parsed = _parsed(separators, text)
    return Segments(parsed, list(parsed)[1:])


@lru_cache(maxsize=16_384)
def _parsed(separators: str, text: str) -> hl7.Message:
    """Segments behind an MSH of nothing but separators. PID and PV1 of a bed stay the same for hours."""
    try:
        return hl7.parse(f"{separators}\r{text}")
    except (hl7.HL7Exception, IndexError, ValueError, KeyError, AttributeError, AssertionError) as error:
        raise Hl7Error(Refused.BAD_FIELD, f"The message cannot be read as HL7 v2 ({type(error).__name__}).") from error


def _encoding(header: Header) -> str:
    named = header.field(18).split(header.field(2)[1:2] or "~")[0].strip().upper()
    try:
        return _CHARACTER_SETS[named]
    except KeyError:
        raise Hl7Error(
            Refused.CHARACTER_SET,
            f"The character set {named[:40]!r} is not spoken here; send {', '.join(filter(None, _CHARACTER_SETS))}.",
            "MSH-18",
        ) from None
