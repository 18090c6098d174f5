"""Waveforms in HL7's older form (chapter 7): channel definitions (CHN), times (TIM) and data (WAV), by OBX-3 suffix.

    OBX|1|TS|93000&TIM|1|20260101120000.000+0000
    OBX|2|CD|93000&CHN|1|1&II^^5&uV^1&0^250^-2048&2047~2&V1^^5&uV^1&0^250^-2048&2047
    OBX|3|NA|93000&WAV|1|12^14^…~-3^-2^…

NA has one repetition a channel; MA one a sample, a value of each channel in it. OBX-4 holds the three together.
"""

from __future__ import annotations

from collections.abc import Iterator

import hl7
import numpy as np

from ..errors import Hl7Error
from ..waveform import GroupKind
from ..wire.leads import LEAD_CODES, lead_name
from .message import Message, Segments, repetitions
from .refusals import Refused
from .samples import numbers
from .units import per_mv
from .wave import INVALID, Wave, as_int16, number, rate


def is_classic(rest: Segments) -> bool:
    """Whether the OBX are told apart by suffixes."""
    return any(_suffix(rest, row) == "WAV" for row in rest.all("OBX"))


def classic_waves(message: Message, start: str) -> Iterator[Wave]:
    """Every channel, in the order of the definitions; ``start`` holds without a TIM. Raises Hl7Error."""
    rest, text = message.rest, message.text
    rows = rest.all("OBX")
    told = {(text(row, 4), _suffix(rest, row)): row for row in rows}
    for row in rows:
        if _suffix(rest, row) != "WAV":
            continue
        sub_id, where = text(row, 4), rest.place(row)
        if (channels := told.get((sub_id, "CHN"))) is None:
            raise Hl7Error(
                Refused.MISSING_FIELD, f"Data (WAV) need a channel definition (CHN) with OBX-4 {sub_id!r}.", where
            )
        timing = told.get((sub_id, "TIM"))
        when = text(timing, 5) if timing is not None else start
        start_ns = message.time_ns(when, "OBX-5 of TIM, or OBR-7")
        data = _columns(message, row, where)
        if len(data) != repetitions(channels, 5):
            raise Hl7Error(
                Refused.BAD_SAMPLES,
                f"There are data of {len(data)} channels and definitions of {repetitions(channels, 5)}.",
                where,
            )
        for n, values in enumerate(data, 1):
            yield _wave(message, channels, n, values, start_ns, where)


def _suffix(rest: Segments, row: hl7.Segment) -> str:
    return rest.text(row, 3, 1, 1, 2)


def _columns(message: Message, row: hl7.Segment, where: str) -> list[np.ndarray]:
    """One array a channel."""
    header = message.header
    if not (kind := message.rest.array(row)):
        raise Hl7Error(Refused.BAD_SAMPLES, "Data (WAV) are sent as NA or MA; OBX-2 says neither.", where)
    array = message.arrays[message.rest.array_index(row, where)]
    repetition = (header.field(2)[1:2] or "~").encode("latin-1")
    parts = [numbers(part, header.component.encode("latin-1"), where) for part in array.split(repetition)]
    if kind == "NA":
        return parts
    if len({len(part) for part in parts}) > 1:
        raise Hl7Error(Refused.BAD_SAMPLES, "Every repetition of an MA holds one value of each channel.", where)
    return list(np.array(parts).T)


def _wave(message: Message, row: hl7.Segment, n: int, values: np.ndarray, start_ns: int, where: str) -> Wave:
    def said(component: int, subcomponent: int = 1) -> str:
        return message.text(row, 5, component, n, subcomponent)

    name = lead_name(said(1, 2)) or lead_name(said(2))
    unit = said(3, 2)
    if (scale := per_mv(unit)) is None or name is None:
        raise Hl7Error(
            Refused.BAD_CHANNEL,
            f"Channel {n} must be an ECG lead by name (CD.1 or CD.2) in a unit of voltage (CD.3); it is "
            f"{said(1, 2)[:40]!r} in {unit[:20]!r}.",
            where,
        )
    if values.dtype.kind == "f":
        raise Hl7Error(Refused.BAD_SAMPLES, "Data of a defined channel are whole numbers; fractions came.", where)
    step = number(said(3) or "1", f"CD.3 of {where}") * number(said(4) or "1", f"CD.4 of {where}")
    if not step > 0:
        raise Hl7Error(Refused.BAD_CHANNEL, f"The sensitivity of channel {n} must be above 0; it is {step}.", where)
    baseline = round(number(said(4, 2) or "0", f"CD.4 of {where}"))
    fs_hz = rate(number(said(5), f"CD.5 of {where}"), where)
    samples = as_int16(values, 1.0, INVALID, where)
    return Wave(GroupKind.ECG, LEAD_CODES[name], name, "mV", scale / step, baseline, INVALID, fs_hz, start_ns, samples)
