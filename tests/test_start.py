"""What a start loads: PyTorch, a second of CPU time and 190 MB, only where there is a model to run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ecgstream.demo.processes import DaemonProcess

RULES_ALONE = {"diagnosis": {"enabled": False}}
EXPLAINS = {"explanations": {"enabled": True}}
"""In a process of its own, which loads PyTorch for itself."""


def has_loaded(pid: int, library: str) -> bool:
    """Whether a process has a shared library in its memory."""
    return library in Path(f"/proc/{pid}/maps").read_text()


@pytest.mark.parametrize(("settings", "loads"), [(RULES_ALONE, False), ({}, True)])
def test_a_daemon_loads_pytorch_for_its_model_alone(tmp_path: Path, settings: dict, loads: bool):
    daemon = DaemonProcess(tmp_path, settings)
    daemon.start()
    try:
        daemon.wait_ready()
        assert has_loaded(daemon.process.pid, "libtorch") is loads
    finally:
        daemon.stop()


def test_the_ward_page_loads_none(tmp_path: Path):
    web = DaemonProcess(tmp_path, EXPLAINS)
    with web.log.open("w") as log:
        command = [sys.executable, "-m", "ecgstream", "web", "--config", str(web.config)]
        web.process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        web.wait_ready()
        assert not has_loaded(web.process.pid, "libtorch")
    finally:
        web.stop()
