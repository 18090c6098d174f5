"""Alerts of high priority that nobody acknowledges are told again, by the injected clock.

A repeat is the newest update once more, under its number: receivers know it by its ``escalation``, 1 to
``MOST_REPEATS``. It ends with the acknowledgement or with the alert; evidence that returns while the alert is latched
is a danger of its own, and begins anew.
"""

from __future__ import annotations

import numpy as np

from ..waveform import N_CONDITIONS, Priority
from .conditions import RULES
from .machine import State

MOST_REPEATS = 3

_HIGH = np.array([rule.priority == Priority.HIGH for rule in RULES])
_DTYPE = np.dtype(
    [
        ("due_ns", "i8"),  # when it is told again, by the injected clock; 0: it does not wait
        ("level", "i8"),  # repeats told
        ("onset", "i8"),  # of the alert that waits
        ("update", "i8"),  # that made it active
    ]
)


class Escalation:
    """How long each alert has waited to be seen; one row a bed."""

    def __init__(self, n_rows: int, every_s: float):
        self._every_ns = round(every_s * 1e9)
        self.waiting = np.zeros((n_rows, N_CONDITIONS), _DTYPE)

    def grow(self, n_rows: int) -> None:
        """Make room for ``n_rows`` rows in all."""
        self.waiting = np.concatenate([self.waiting, np.zeros((n_rows - len(self.waiting), N_CONDITIONS), _DTYPE)])

    def reset(self, rows: np.ndarray) -> None:
        """Forget the rows."""
        self.waiting[rows] = 0

    def due(self, alarms: np.ndarray, now_ns: int) -> list[tuple[int, int, int]]:
        """Row, condition and level of each repeat that is due; ``alarms`` ALARM_DTYPE (rows, N_CONDITIONS)."""
        if not self._every_ns:
            return []
        waiting, active = self.waiting, alarms["state"] == State.ACTIVE
        unseen = _HIGH & (active | (alarms["state"] == State.LATCHED))
        waiting[~unseen] = 0
        begun = (waiting["due_ns"] == 0) | (waiting["onset"] != alarms["onset"])
        begun |= active & (waiting["update"] != alarms["changed"])
        begun &= unseen
        due_ns, changed = now_ns + self._every_ns, alarms["changed"]
        fresh = {"due_ns": due_ns, "level": 0, "onset": alarms["onset"], "update": changed}
        for name, values in fresh.items():
            waiting[name] = np.where(begun, values, waiting[name])
        told = np.nonzero(unseen & (waiting["due_ns"] <= now_ns) & (waiting["level"] < MOST_REPEATS))
        waiting["level"][told] += 1
        waiting["due_ns"][told] = now_ns + self._every_ns
        return list(zip(*(column.tolist() for column in (*told, waiting["level"][told])), strict=True))
