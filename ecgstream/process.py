"""What a daemon's process is set to: its signals, its garbage, and how long the event loop may keep the interpreter."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys

import structlog

from .stages import Stages

SWITCH_S = 0.0005
"""How long the event loop may keep the interpreter from compute, which comes out of a kernel ten times a step; Python's
own 5 ms, each time, would be more than the step."""

log = structlog.get_logger()


def settle() -> None:
    """Before anything is made: modules are no garbage, and compute gets the interpreter soon."""
    gc.freeze()
    sys.setswitchinterval(SWITCH_S)


def keep_for_good() -> None:
    """What a start leaves is no garbage: to look through it again and again would halt all beds for 0.2 s, and
    once more keep the process for a second at its end."""
    gc.collect()
    gc.freeze()
    gc.enable()


def stop_on_signals(stages: Stages) -> None:
    """Have the stages of this event loop drain at SIGTERM or SIGINT, and the process end at the second."""

    def stop(number: signal.Signals) -> None:
        """Drain; told so again, end at once."""
        if stages.stopping.is_set():
            log.warning("forced to stop", signal=number.name)
            os._exit(128 + number)  # like a kill, which the state file survives at any moment
        log.info("draining", signal=number.name)
        stages.notice.stopping()
        stages.stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop, number)
