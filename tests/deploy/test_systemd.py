"""The systemd units: valid, hardened, and what they start is a command."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ecgstream.cli import app
from ecgstream.daemon import LIVE_S
from ecgstream.hl7 import handovers, listener
from ecgstream.outbound.bridge import FAREWELL_S
from ecgstream.service_notice import NOTICE_EVERY_S
from ecgstream.settings import Settings, load_settings

from .conftest import ROOT

UNITS = {
    "ecgstream.service": (ROOT / "deploy" / "ecgstream.service").read_text(),
    "ecgstream-web.service": (ROOT / "deploy" / "ecgstream-web.service").read_text(),
    "ecgstream-bridge@mllp.service": (ROOT / "deploy" / "ecgstream-bridge@.service").read_text(),
    "ecgstream-bridge@alerts.service": (ROOT / "deploy" / "ecgstream-bridge@.service").read_text(),
}
PROGRAM = "/opt/ecgstream/.venv/bin/ecgstream"
MOST_EXPOSED = 2.0
"""Of 10, by systemd's own count; an unhardened service has 9.6."""


@pytest.fixture(params=UNITS)
def installed(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A unit, its program being one that is here."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not here")
    unit = tmp_path / request.param
    unit.write_text(UNITS[request.param].replace(PROGRAM, "/bin/true"))
    return unit


def test_systemd_finds_no_fault(installed: Path):
    told = subprocess.run(["systemd-analyze", "verify", str(installed)], capture_output=True, text=True)
    assert (told.returncode, told.stdout + told.stderr) == (0, "")


def test_systemd_finds_it_hardened(installed: Path):
    command = ["systemd-analyze", "security", "--offline=yes", "--no-pager", str(installed)]
    told = subprocess.run(command, capture_output=True, text=True)
    [exposure] = re.findall(rf"Overall exposure level for {installed.name}: ([\d.]+)", told.stdout)
    assert float(exposure) <= MOST_EXPOSED, told.stdout


@pytest.mark.parametrize(
    ("name", "line"),
    [(name, line) for name, unit in UNITS.items() for line in unit.splitlines() if line.startswith("ExecStart")],
)
def test_what_it_starts_is_a_command(name: str, line: str):
    instance = name.partition("@")[2].removesuffix(".service")
    program, *arguments = line.split("=", 1)[1].replace("%i", instance).split()
    assert program == PROGRAM
    assert CliRunner().invoke(app, [*arguments, "--help"]).exit_code == 0


@pytest.mark.parametrize(
    ("unit", "watched_s", "stopping_s"),
    [
        # What Kafka may still take, twice CLOSE_S, and some.
        ("ecgstream.service", LIVE_S, Settings().drain_s + 15),
        ("ecgstream-web.service", 2 * NOTICE_EVERY_S, Settings().kafka.request_timeout_s),
        ("ecgstream-bridge@mllp.service", 2 * NOTICE_EVERY_S, 2 * handovers.CLOSE_S + 2 * listener.CLOSE_S),
        ("ecgstream-bridge@alerts.service", 2 * NOTICE_EVERY_S, FAREWELL_S + Settings().kafka.request_timeout_s),
    ],
)
def test_its_times_fit_the_programs(unit: str, watched_s: float, stopping_s: float):
    stated = dict(re.findall(r"^(\w+)=(\d+)$", UNITS[unit], re.MULTILINE))
    assert watched_s <= float(stated["WatchdogSec"]) <= LIVE_S
    assert float(stated["TimeoutStopSec"]) >= stopping_s


MADE_OF_CREDENTIALS = {
    "ecgstream-bridge@mllp.service": {"hl7.key_file": "hl7.key"},
    "ecgstream-web.service": {
        "http.tls_certificate_file": "tls.pem",
        "http.tls_key_file": "tls.key",
        "web.tokens_file": "web-tokens.yaml",
    },
}


@pytest.mark.parametrize("unit", MADE_OF_CREDENTIALS)
def test_the_settings_it_makes_of_credentials_are_settings(unit: str, monkeypatch: pytest.MonkeyPatch):
    loaded = set(re.findall(r"^LoadCredential=([^:]+):", UNITS[unit], re.MULTILINE))
    made = dict(re.findall(r"(ECGSTREAM_\w+)=%d/(\S+)", UNITS[unit]))
    assert loaded == set(made.values())
    for name, file in made.items():
        monkeypatch.setenv(name, f"/run/credentials/{file}")
    settings = load_settings()
    for name, file in MADE_OF_CREDENTIALS[unit].items():
        section, _, setting = name.partition(".")
        assert getattr(getattr(settings, section), setting) == Path("/run/credentials") / file
