"""ASCII timelines: one character per hop.

Evidence: ``.`` none, ``#`` seen, ``?`` hop not judged, ``!`` hop not judged although evidence was claimed.
States:   ``.`` inactive, ``p`` pending, ``A`` active, ``a`` acknowledged, ``L`` latched; ``Z`` paused and ``O`` off,
          where nothing is pending or told.
"""

import numpy as np

from ecgstream.alarms.lifecycle import Alarms
from ecgstream.alarms.machine import State
from ecgstream.waveform import HOP_SAMPLES, N_CONDITIONS, AlarmUpdate, Condition

Lines = dict[Condition, str]
NAMES = {".": "inactive", "p": "pending", "A": "active", "a": "acknowledged", "L": "latched", "Z": "paused", "O": "off"}
HOP_NS = 200_000_000
LETTERS = {
    State.INACTIVE: ".",
    State.PENDING: "p",
    State.ACTIVE: "A",
    State.ACKNOWLEDGED: "a",
    State.LATCHED: "L",
}


def one_bed(**limits) -> Alarms:
    """Alarms of one admitted bed."""
    alarms = Alarms(1, **limits)
    alarms.admit(0, "bed-1")
    return alarms


def arrays(lines: Lines, first_hop: int):
    """judged, evidence and onset (1, H, …) of evidence lines; a run's onset is the start of its first hop."""
    n_hops = max(len(line) for line in lines.values())
    judged = np.ones((1, n_hops), dtype=bool)
    evidence = np.zeros((1, n_hops, N_CONDITIONS), dtype=bool)
    onset = np.full((1, n_hops, N_CONDITIONS), -1, dtype=np.int64)
    for condition, line in lines.items():
        for h, letter in enumerate(line.ljust(n_hops, ".")):
            judged[0, h] &= letter not in "?!"
            evidence[0, h, condition] = letter in "#!"
            if evidence[0, h, condition]:
                begun = h and line[h - 1] in "#!"
                onset[0, h, condition] = onset[0, h - 1, condition] if begun else (first_hop + h) * HOP_SAMPLES
    return judged, evidence, onset


def feed(alarms: Alarms, lines: Lines, now_ns: int = 0) -> tuple[Lines, list[AlarmUpdate]]:
    """Step one bed hop by hop: the state line of each condition in ``lines``, and the updates."""
    first_hop = int(alarms.next_hop[0])
    judged, evidence, onset = arrays(lines, first_hop)
    states = dict.fromkeys(lines, "")
    updates = []
    for h in range(judged.shape[1]):
        now = slice(h, h + 1)
        updates += step(alarms, first_hop + h, judged[:, now], evidence[:, now], onset[:, now], now_ns)
        for condition in lines:
            states[condition] += LETTERS[State(alarms.alarms[0, condition]["state"])]
    return states, updates


def stands(alarms: Alarms, now_ns: int) -> str:
    """Where each alarm of bed 0 stands, a letter a condition."""
    told = alarms.alarms["state"][0] >= State.ACTIVE
    off, paused = alarms.is_off(0) & ~told, (alarms.paused_until_ns[0] > now_ns) & ~told
    letters = [LETTERS[State(state)] for state in alarms.alarms["state"][0]]
    return "".join("O" if o else "Z" if p else s for s, o, p in zip(letters, off, paused, strict=True))


def step(alarms: Alarms, first_hop: int, judged, evidence, onset, now_ns: int = 0) -> list[AlarmUpdate]:
    """One step of bed 0, evidence by rules."""
    rows, none_from_model = np.array([0]), np.zeros_like(evidence)
    return alarms.step(rows, np.array([first_hop]), judged, evidence, onset, none_from_model, now_ns)
