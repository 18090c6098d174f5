"""ECG lead names and IEEE 11073-10101 codes: one registry, name normalisation, and the slot each channel takes."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..errors import WireError
from ..waveform import GENERIC_SLOTS, LEAD_SLOT, STANDARD_LEADS, Channel
from .refusals import Refusal

GENERIC_CODE = 131328
"""MDC_ECG_ELEC_POTL: an ECG lead, not said which."""

LEAD_CODES = {
    "I": 131329,
    "II": 131330,
    "III": 131389,
    "aVR": 131390,
    "aVL": 131391,
    "aVF": 131392,
    "V1": 131331,
    "V2": 131332,
    "V3": 131333,
    "V4": 131334,
    "V5": 131335,
    "V6": 131336,
    "V": 131395,
    "MCL": 131403,
    "MCL1": 131404,
}

_ECG_LEAD_CODES = range(GENERIC_CODE, GENERIC_CODE + 256)  # MDC_ECG_ELEC_POTL plus a lead number
_NAME_OF_CODE = {code: name for name, code in LEAD_CODES.items()}
_NAMES = {name.casefold(): name for name in LEAD_CODES} | {"mlii": "II"}
_SEPARATORS = re.compile(r"[\s_.:-]+")
_DECORATION = {"", "mdc", "ecg", "ekg", "elec", "potl", "lead"}


def lead_name(name: str) -> str | None:
    """The registry's spelling of a lead name (``MLII``, ``ecg lead ii``, ``MDC_ECG_LEAD_II``: II); None if unknown."""
    words = _SEPARATORS.split(name.casefold())
    return _NAMES.get("".join(word for word in words if word not in _DECORATION))


def resolve_lead(code: int, name: str) -> tuple[int, str]:
    """Code and name of an ECG channel, each completed by the other; a lead of unknown name is 131328 by its own name.

    Raises WireError when they contradict, or the code is not that of an ECG lead.
    """
    known = lead_name(name)
    if code in (0, GENERIC_CODE):
        return LEAD_CODES.get(known, GENERIC_CODE), known or name
    if code not in _ECG_LEAD_CODES:
        raise WireError(
            Refusal.LEAD_CONTRADICTION,
            f"Channel {name!r} of the ECG group has MDC code {code}, which is no ECG lead ({_ECG_LEAD_CODES[0]} to "
            f"{_ECG_LEAD_CODES[-1]}); give the lead's code, 0, or put the channel into a group of its own kind.",
        )
    coded = _NAME_OF_CODE.get(code)
    if known and known != coded:
        raise WireError(
            Refusal.LEAD_CONTRADICTION,
            f"MDC code {code} is lead {coded or 'unknown'}, but the channel is named {name!r}, whose code is "
            f"{LEAD_CODES[known]}; correct one of them, or send code 0 with the name.",
        )
    return code, coded or name


def assign_slots(channels: Iterable[Channel]) -> tuple[int, ...]:
    """The slot (index into ``waveform.LEADS``) of each ECG channel: the twelve leads their own, others X1…X4 in order.

    Raises WireError when two channels claim one standard lead, or more than four need a generic slot.
    """
    slots: list[int] = []
    generic = iter(GENERIC_SLOTS)
    for channel in channels:
        name = channel.name if channel.name in STANDARD_LEADS else next(generic, None)
        if name is None:
            raise WireError(
                Refusal.TOO_MANY_UNKNOWN_LEADS,
                f"More than {len(GENERIC_SLOTS)} leads are none of the twelve standard leads (the last is "
                f"{channel.name!r}); name the standard ones, or leave some out.",
            )
        if LEAD_SLOT[name] in slots:
            raise WireError(Refusal.LEAD_TWICE, f"Two channels claim to be lead {name}; send each lead once.")
        slots.append(LEAD_SLOT[name])
    return tuple(slots)
