"""Waveforms of a message (ORU^R01) in the form of IHE PCD: one OBX an array, and its attributes in OBX below it.

    OBR|1|…|…|CONTINUOUS WAVEFORM|||20260101120000.000+0000|20260101120001.000+0000
    OBX|1|NA|131330^MDC_ECG_ELEC_POTL_II^MDC|1.7.6.131330|12^14^…^32767|262656^MDC_DIM_DIMLESS^MDC
    OBX|2|NM|0^MDC_ATTR_SAMP_RATE^MDC|1.7.6.131330.1|250|264608^MDC_DIM_PER_SEC^MDC
    OBX|3|NM|2327^MDC_ATTR_NU_MSMT_RES^MDC|1.7.6.131330.2|0.005|266418^MDC_DIM_MILLI_VOLT^MDC
    OBX|4|NM|196660^MDC_EVT_INOP^MDC|1.7.6.131330.3|32767

Which attribute belongs to which array is told by OBX-4 alone, as IEEE 11073 containment is.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache

import hl7

from ..errors import Hl7Error
from ..waveform import GroupKind
from ..wire.leads import GENERIC_CODE, LEAD_CODES, lead_name
from .channels import classic_waves, is_classic
from .message import Message, Segments
from .refusals import Refused
from .samples import numbers
from .units import per_mv, plain, raw_step, unit_name
from .wave import INVALID, Wave, as_int16, number, rate

FINEST = 0.001
"""Samples sent as fractions of a unit, without a resolution, are kept to a thousandth of it; ECG to a microvolt."""
_KINDS = {
    "MDC_ECG_": GroupKind.ECG,
    "MDC_PULS_OXIM_PLETH": GroupKind.PLETH,
    "MDC_PRESS_BLD_ART": GroupKind.ABP,
    "MDC_IMPED_TTHOR": GroupKind.RESP,
}
_CODED = {150452: GroupKind.PLETH, 150032: GroupKind.ABP, 150036: GroupKind.ABP, 151780: GroupKind.RESP}
_ECG_CODES = range(GENERIC_CODE, GENERIC_CODE + 256)
_CODES = frozenset(LEAD_CODES.values())


def waves(message: Message) -> Iterator[Wave]:
    """Every waveform of a message, in its order. Raises Hl7Error for one that breaks a rule."""
    if not message.arrays:
        return
    times, begun = message.block_times()
    if not begun:
        raise Hl7Error(Refused.MISSING_FIELD, "Samples stand before any OBR; OBR-7 says when they were taken.", "OBR")
    if is_classic(message.rest):
        yield from classic_waves(message, times[begun - 1][0])
        return
    starts_ns: dict[int, int] = {}
    for array in arrays_of(message.rest):
        start, stop = times[begun - 1 + array.block]
        if array.block not in starts_ns:
            starts_ns[array.block] = message.time_ns(start, "OBR-7")
        yield _wave(message, array, starts_ns[array.block], stop)


def _wave(message: Message, array: Array, start_ns: int, stop: str) -> Wave:
    values = numbers(message.arrays[array.index], message.header.component.encode("latin-1"), array.where)
    unit, gain, steps = array.calibration(values.dtype.kind == "f")
    samples = as_int16(values, steps, array.invalid, array.where)
    fs_hz = array.fs_hz or _rate_of(message, start_ns, stop, len(samples), array.where)
    return Wave(array.kind, array.code, array.name, unit, gain, 0, array.invalid, fs_hz, start_ns, samples)


def _rate_of(message: Message, start_ns: int, stop: str, n: int, where: str) -> Fraction:
    """By the block's beginning and end, where they hold a whole number of samples, or of half ones, a second."""
    if stop:
        lasts_ns = message.time_ns(stop, "OBR-8") - start_ns
        halves = 2e9 * n / lasts_ns if lasts_ns > 0 else 0.0
        if halves and abs(halves - round(halves)) < 1e-3 * halves:
            return rate(round(halves) / 2, where)
    raise Hl7Error(
        Refused.MISSING_FIELD,
        "The sampling rate is not told; send MDC_ATTR_SAMP_RATE with OBX-4 below the array's, or OBR-7 and OBR-8 that "
        "hold a whole number of samples.",
        where,
    )


@lru_cache(maxsize=4_096)
def arrays_of(rest: Segments) -> tuple[Array, ...]:
    """What is said of each array; beds of one monitor type share it, and from second to second it stays."""
    found, block = [], 0
    rows: list[list[hl7.Segment]] = [[]]
    for segment in rest.all("OBR", "OBX"):
        if str(segment[0]) == "OBR":
            block += 1
            rows.append([])
        else:
            rows[block].append(segment)
    for block, of_block in enumerate(rows):
        found += [Array(rest, block, row, of_block) for row in of_block if rest.array(row) == "NA"]
    return tuple(found)


class Array:
    """One NA and what is said of it, but for samples and times. Raises Hl7Error for what breaks a rule."""

    def __init__(self, rest: Segments, block: int, row: hl7.Segment, rows: list[hl7.Segment]):
        text = self._text = rest.text
        self.block, self._row = block, row
        self.where = rest.place(row)
        self.index = rest.array_index(row, self.where)
        sub_id = text(row, 4)
        self._said = {
            text(other, 3, 2): other
            for other in rows
            if not rest.array(other) and sub_id and (text(other, 4) + ".").startswith(sub_id + ".")
        }
        self.kind, self.code, self.name = channel_of(text(row, 3), text(row, 3, 2), self.where)
        self.invalid = self._invalid()
        self.fs_hz = self._rate()
        self._calibrations: dict[bool, tuple[str, float, float]] = {}

    def calibration(self, fractions: bool) -> tuple[str, float, float]:
        """Unit, raw steps per unit, and what the sent numbers are to be multiplied by to be raw steps."""
        if fractions not in self._calibrations:
            self._calibrations[fractions] = self._calibration(fractions)
        return self._calibrations[fractions]

    def _invalid(self) -> int:
        said = self._number("MDC_EVT_INOP")
        if said is None:
            return INVALID
        if said != int(said) or not -32_768 <= said <= 32_767:
            raise Hl7Error(Refused.BAD_CHANNEL, f"MDC_EVT_INOP must be a 16-bit number; it is {said}.", self.where)
        return int(said)

    def _rate(self) -> Fraction | None:
        if (hz := self._number("MDC_ATTR_SAMP_RATE")) is not None:
            return rate(hz, self.where)
        if (period := self._number("MDC_ATTR_TIME_PD_SAMP")) is not None:
            seconds = 1.0 if self._unit_of("MDC_ATTR_TIME_PD_SAMP") in ("MDC_DIM_SEC", "s") else 1e-3
            return rate(1 / (period * seconds) if period else 0.0, self.where)
        return None

    def _calibration(self, fractions: bool) -> tuple[str, float, float]:
        own, step_unit = self._unit(self._row), self._unit_of("MDC_ATTR_NU_MSMT_RES")
        step = self._number("MDC_ATTR_NU_MSMT_RES")
        if step is not None and not 1e-9 < step < 1e9:
            raise Hl7Error(Refused.BAD_CHANNEL, f"MDC_ATTR_NU_MSMT_RES must be above 0; it is {step}.", self.where)
        if self.kind is not GroupKind.ECG:
            gain = 1 / (step or (FINEST if fractions else 1.0))
            return plain(step_unit) or plain(own), gain, gain if fractions else 1.0
        if (told := raw_step(own)) and (scale := per_mv(told[1])) and told[0] and not fractions:
            return "mV", scale / told[0], 1.0
        if scale := per_mv(own):  # the numbers are voltages; a resolution only says how fine
            step_mv = (step or 1.0) / scale if step or not fractions else FINEST
            return "mV", 1 / step_mv, 1 / (scale * step_mv)
        if step is not None and (scale := per_mv(step_unit)) and not fractions:
            return "mV", scale / step, 1.0
        raise Hl7Error(
            Refused.MISSING_FIELD,
            "How many millivolts a step is, is not told; send whole numbers and MDC_ATTR_NU_MSMT_RES with a unit of "
            "voltage, or the voltages themselves with their unit in OBX-6.",
            self.where,
        )

    def _number(self, name: str) -> float | None:
        row = self._said.get(name)
        return None if row is None else number(self._text(row, 5), f"{name} of {self.where}")

    def _unit_of(self, name: str) -> str:
        row = self._said.get(name)
        return "" if row is None else self._unit(row)

    def _unit(self, row: hl7.Segment) -> str:
        return unit_name(self._text(row, 6), self._text(row, 6, 2), self.where)


def channel_of(code: str, name: str, where: str) -> tuple[GroupKind, int, str]:
    """Kind, code and name of a channel, code and name checked as a pair. Raises Hl7Error when they contradict.

    Whether the code is that of the lead named, the wire's registry checks. A lead it does not know is called ECG: no
    text of a sender goes through.
    """
    number = int(code) if code.isascii() and code.isdecimal() and len(code) < 10 else 0
    coded = GroupKind.ECG if number in _ECG_CODES else _CODED.get(number)
    named = next((kind for start, kind in _KINDS.items() if name.startswith(start)), None)
    unlike = coded is not None and named is not coded and name.startswith("MDC_")
    if unlike or (named is GroupKind.ECG and coded is None and number):
        says = f"that of a channel of {coded.name}" if coded is not None else "no ECG lead's"
        raise Hl7Error(
            Refused.BAD_CHANNEL, f"Code {number} is {says}, but is named {name[:60]!r}; correct one of them.", where
        )
    kind = coded if coded is not None else named if named is not None else GroupKind.OTHER
    if kind is GroupKind.ECG:
        return kind, number, lead_name(name) or ("" if number in _CODES else "ECG")
    return kind, number, kind.name
