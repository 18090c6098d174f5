"""Units of IHE PCD and UCUM, as far as waveforms need them: how many of them make a millivolt, a hertz, a second."""

from __future__ import annotations

import re

from ..errors import Hl7Error
from .refusals import Refused

_VOLTS = {"MDC_DIM_VOLT": 1e-3, "MDC_DIM_MILLI_VOLT": 1.0, "MDC_DIM_MICRO_VOLT": 1e3, "MDC_DIM_NANO_VOLT": 1e6}
_VOLTS |= {"V": 1e-3, "mV": 1.0, "uV": 1e3, "nV": 1e6}
_OTHERS = {
    "MDC_DIM_MMHG": "mmHg",
    "mm[Hg]": "mmHg",
    "MDC_DIM_PERCENT": "%",
    "%": "%",
    "MDC_DIM_X_OHM": "ohm",
    "Ohm": "ohm",
    "MDC_DIM_DIMLESS": "",
}
_CODES = {
    266400: "MDC_DIM_VOLT",
    266418: "MDC_DIM_MILLI_VOLT",
    266419: "MDC_DIM_MICRO_VOLT",
    266420: "MDC_DIM_NANO_VOLT",
    262656: "MDC_DIM_DIMLESS",
    262688: "MDC_DIM_PERCENT",
    264608: "MDC_DIM_PER_SEC",
    264640: "MDC_DIM_HZ",
    264320: "MDC_DIM_SEC",
    264338: "MDC_DIM_MILLI_SEC",
}
"""IEEE 11073-10101, context-free: a decimal multiple is the base code and its place (18 milli, 19 micro)."""
_STEP = re.compile(r"(\d+\.?\d*)\.([^/]+)/(\d+\.?\d*)")
"""``10.mV/4096``: one raw step, as UCUM writes it."""


def unit_name(code: str, name: str, where: str) -> str:
    """The unit's name from code and name, each completed by the other. Raises Hl7Error when they contradict."""
    coded = _CODES.get(int(code)) if code.isascii() and code.isdecimal() and len(code) < 10 else None
    if coded and name in _CODES.values() and name != coded:
        raise Hl7Error(Refused.BAD_CHANNEL, f"Unit {code} is {coded}, but is named {name}; correct one of them.", where)
    return coded or name or code


def per_mv(unit: str) -> float | None:
    """How many of the unit make a millivolt; None for what is no voltage."""
    return _VOLTS.get(unit)


def plain(unit: str) -> str:
    """A unit of other signals as it is told on; empty where it is none we know (no text of a sender goes through)."""
    return _OTHERS.get(unit, "")


def raw_step(unit: str) -> tuple[float, str] | None:
    """Size and unit of one raw step where a unit is written as such a fraction."""
    found = _STEP.fullmatch(unit)
    return (float(found[1]) / float(found[3]), found[2]) if found and float(found[3]) else None
