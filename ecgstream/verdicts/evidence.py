"""What was seen, in words for whoever reads a verdict."""

from __future__ import annotations

import numpy as np

from ..pulse import Pulses
from ..waveform import GroupKind
from .features import RECENT_S
from .findings import Findings

_WAVES = {GroupKind.PLETH: "pleth pulse", GroupKind.ABP: "arterial pulse"}
_NOISY = 0.4
_LEAST_PULSES = 4


def describe(kind: str, found: Findings, told: dict[str, float]) -> str:
    """What speaks for or against an alarm of this kind, and which leads can be trusted."""
    parts = [_main_point(kind, told), _beats(found), *_pulses(found), _quality(found)]
    return "; ".join(part for part in parts if part)


def _main_point(kind: str, told: dict[str, float]) -> str:
    match kind:
        case "asystole":
            return f"longest time without a beat {told['fused_gap']:.1f} s"
        case "bradycardia":
            return _rate("lowest rate over five beats", told["fused_slow"])
        case "tachycardia":
            return _rate("highest rate over 17 beats", told["fused_fast"])
        case "ventricular_tachycardia":
            run, rate = told["ventricular_run"], told["ventricular_rate"]
            return f"longest run of ventricular beats: {run:.0f}" + (f" at {rate:.0f}/min" if rate == rate else "")
        case _:
            fill = told["wave_fill_most"]
            return "" if fill != fill else f"QRS energy between waves {100 * fill:.0f} % of its peaks"


def _rate(what: str, value: float) -> str:
    return f"{what} {value:.0f}/min" if value == value else f"too few beats for the {what}"


def _beats(found: Findings) -> str:
    if not found.leads:
        return "no ECG lead"
    names = " and ".join(lead.name for lead in found.leads)
    count = int((found.beat_s >= -RECENT_S).sum())
    alone = ", ".join(f"{lead.name} alone {(lead.beat_s >= -RECENT_S).sum()}" for lead in found.leads)
    return f"{count} beats on {names} in the last {RECENT_S:.0f} s" + (f" ({alone})" if len(found.leads) > 1 else "")


def _pulses(found: Findings) -> list[str]:
    return [f"{_WAVES[kind]} {_pulse(pulses)}" for kind, pulses in found.pulses.items()]


def _pulse(pulses: Pulses) -> str:
    recent = pulses.time_s >= -RECENT_S
    good = int(pulses.good[recent].sum())
    if good < _LEAST_PULSES:
        return "not to be relied on" if recent.sum() >= _LEAST_PULSES else "absent"
    rate = 60 / float(np.median(np.diff(pulses.time_s[recent])))
    return f"present at {rate:.0f}/min"


def _quality(found: Findings) -> str:
    noisy = [lead.name for lead in found.leads if float(lead.quality[-50:].mean()) < _NOISY]
    return f"poor signal on {' and '.join(noisy)}" if noisy else ""
