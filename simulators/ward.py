"""The demonstration ward: eight parts to play, each lethal one in good time to be alerted within a minute."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ecgstream.waveform import STANDARD_LEADS

from .patient import Patient
from .programme import Part
from .script import BedScript, Episode, episode

TELEMETRY = ("I", "II", "V")
CYCLE_S = 120.0
"""After this long every bed does its part again."""

Scene = tuple[tuple[str, float, float | None], ...]
"""Name of a rhythm or artefact, when it begins in the cycle, and its rate; a rhythm lasts until the next one."""


def _then(name: str, start_s: float, bpm: float | None, lasts_s: float = 22.0, quiet_bpm: float = 76) -> Scene:
    """Sinus rhythm, then something else, then sinus rhythm again."""
    return (("sinus", 0.0, quiet_bpm), (name, start_s, bpm), ("sinus", start_s + lasts_s, quiet_bpm + 8))


def _noisy(start_s: float) -> Scene:
    return (
        ("paced", 0.0, 70),
        ("muscle", start_s - 8, None),
        ("motion", start_s, None),
        ("lead_off", start_s + 14, None),
    )


PARTS: tuple[tuple[tuple[str, ...], int, Callable[[float], Scene]], ...] = (
    (STANDARD_LEADS, 500, lambda s: _then("ventricular_fibrillation", s, None, quiet_bpm=72)),
    (TELEMETRY, 250, lambda s: _then("ventricular_tachycardia", s, 170)),
    (TELEMETRY, 250, lambda s: _then("asystole", s, None, quiet_bpm=64)),
    (STANDARD_LEADS, 250, lambda s: _then("extreme_bradycardia", s, 30, lasts_s=26, quiet_bpm=58)),
    (STANDARD_LEADS, 500, lambda s: (("atrial_fibrillation", 0.0, 95),)),
    (TELEMETRY, 500, lambda s: (("bigeminy", 0.0, 78), *_then("extreme_tachycardia", s + 4, 185)[1:])),
    (TELEMETRY, 250, _noisy),
    (STANDARD_LEADS, 250, lambda s: (("sinus", 0.0, 68),)),
)
"""Leads, sampling frequency and scene of each part; a scene is told when its main episode begins."""
ARTEFACT_S = {"muscle": 6.0, "motion": 10.0, "lead_off": 14.0}


def demo_ward(beds: int, seconds: float, seed: int) -> list[BedScript]:
    """Scripts of ``beds`` beds, ``bed-01`` and so on, for ``seconds``; bed 9 plays bed 1's part, as someone else.

    The same arguments give the same ward. In the first 60 s there are VF, VT, asystole, extreme brady- and tachycardia,
    each beginning between 15 and 28 s and lasting at least 20 s; AF, bigeminy, pacing, noise, a lead off, and rest.
    """
    return [_bed(number, seconds, np.random.default_rng([seed, number])) for number in range(beds)]


def ward_parts(beds: int, seconds: float, seed: int) -> list[Part]:
    """The demonstration ward, ready to be played."""
    return [Part(s.stream_id, Patient(s), seconds, s.truth()) for s in demo_ward(beds, seconds, seed)]


def _bed(number: int, seconds: float, rng: np.random.Generator) -> BedScript:
    leads, fs_hz, scene = PARTS[number % len(PARTS)]
    main_s = round(rng.uniform(16, 23), 1)
    cycles = np.arange(0, seconds, CYCLE_S)
    episodes = [e for start_s in cycles for e in _cycle(scene(main_s), float(start_s), seconds)]
    return BedScript(f"bed-{number + 1:02}", leads, fs_hz, int(rng.integers(1 << 31)), tuple(episodes))


def _cycle(scene: Scene, cycle_s: float, seconds: float) -> list[Episode]:
    """The scene's episodes in one cycle, those cut off that go beyond ``seconds``."""
    rhythm_starts = [start_s for name, start_s, _ in scene if name not in ARTEFACT_S] + [CYCLE_S]
    out = []
    for name, start_s, bpm in scene:
        lasts_s = ARTEFACT_S.get(name)
        stop_s = start_s + lasts_s if lasts_s else rhythm_starts[rhythm_starts.index(start_s) + 1]
        if cycle_s + start_s < seconds:
            out.append(episode(name, cycle_s + start_s, min(cycle_s + stop_s, seconds), bpm))
    return out
