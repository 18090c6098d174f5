"""The systemd unit: valid, hardened, and what it starts is a command."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ecgstream.cli import app
from ecgstream.daemon import LIVE_S
from ecgstream.settings import Settings

from .conftest import ROOT

UNIT = (ROOT / "deploy" / "ecgstream.service").read_text()
PROGRAM = "/opt/ecgstream/.venv/bin/ecgstream"
MOST_EXPOSED = 2.0
"""Of 10, by systemd's own count; an unhardened service has 9.6."""


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The unit, its program being one that is here."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not here")
    unit = tmp_path / "ecgstream.service"
    unit.write_text(UNIT.replace(PROGRAM, "/bin/true"))
    return unit


def test_systemd_finds_no_fault(installed: Path):
    told = subprocess.run(["systemd-analyze", "verify", str(installed)], capture_output=True, text=True)
    assert (told.returncode, told.stdout + told.stderr) == (0, "")


def test_systemd_finds_it_hardened(installed: Path):
    command = ["systemd-analyze", "security", "--offline=yes", "--no-pager", str(installed)]
    told = subprocess.run(command, capture_output=True, text=True)
    [exposure] = re.findall(r"Overall exposure level for ecgstream.service: ([\d.]+)", told.stdout)
    assert float(exposure) <= MOST_EXPOSED, told.stdout


@pytest.mark.parametrize("line", [line for line in UNIT.splitlines() if line.startswith("ExecStart")])
def test_what_it_starts_is_a_command(line: str):
    program, *arguments = line.split("=", 1)[1].split()
    assert program == PROGRAM
    assert CliRunner().invoke(app, [*arguments, "--help"]).exit_code == 0


def test_its_times_fit_the_daemons():
    stated = dict(re.findall(r"^(\w+)=(\d+)$", UNIT, re.MULTILINE))
    assert float(stated["WatchdogSec"]) == LIVE_S
    assert (
        float(stated["TimeoutStopSec"]) >= Settings().drain_s + 15
    )  # what Kafka may still take, twice CLOSE_S, and some
