"""The Dockerfile, without Docker: linted, what it names is there, and the steps that need no base image are taken."""

from __future__ import annotations

import ast
import asyncio
import json
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest
from dockerfile_parse import DockerfileParser
from typer.testing import CliRunner

from ecgstream.cli import app
from ecgstream.metrics import Metrics
from ecgstream.settings import load_settings

from ..test_endpoints import Patient, served_by
from .conftest import ROOT


@pytest.fixture(scope="module")
def steps() -> list[dict[str, Any]]:
    parser = DockerfileParser(str(ROOT / "Dockerfile"), cache_content=True)
    return [step for step in parser.structure if step["instruction"] != "COMMENT"]


def stages(steps: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for step in steps:
        if step["instruction"] == "FROM":
            name = step["value"].split(" AS ")[1]
            found[name] = []
        found[name].append(step)
    return found


def values(stage: list[dict[str, Any]], instruction: str) -> list[str]:
    return [step["value"] for step in stage if step["instruction"] == instruction]


def test_hadolint_finds_no_fault():
    hadolint = shutil.which("hadolint") or shutil.which("hadolint", path=str(Path(sys.executable).parent))
    if not hadolint:
        pytest.skip("hadolint is not here: the extra ops has it for Linux on x86-64")
    told = subprocess.run(
        [hadolint, "--failure-threshold", "style", str(ROOT / "Dockerfile")], capture_output=True, text=True
    )
    assert (told.returncode, told.stdout) == (0, "")


def test_cpu_is_what_comes_of_no_target_and_both_targets_run_as_nobody_in_particular(steps):
    found = stages(steps)
    assert list(found)[-2:] == ["cuda", "cpu"]
    for target in ("cuda", "cpu"):
        assert values(found[target], "FROM") == [f"runtime AS {target}"]
        [user] = values(found[target], "USER")
        assert user == "65532:65532"  # a number: Kubernetes' runAsNonRoot cannot judge a name
        assert values(found[target], "VOLUME") == ["/var/lib/ecgstream"]
        after = [step["instruction"] for step in found[target]]
        assert after.index("USER") < after.index("RUN")  # what is compiled belongs to who runs it


def test_everything_copied_is_there_and_not_ignored(steps):
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {
        source for step in steps if step["instruction"] == "COPY" and "--from" not in step["value"]
        for source in step["value"].split()[:-1]
    }  # fmt: skip
    assert copied == kept
    assert all((ROOT / source).exists() for source in copied)


def test_settings_are_settings_and_the_command_is_a_command(steps, monkeypatch: pytest.MonkeyPatch):
    runtime = stages(steps)["runtime"]
    text = " ".join(values(runtime, "ENV"))
    for name, value in (word.split("=", 1) for word in text.split() if word.startswith("ECGSTREAM_")):
        monkeypatch.setenv(name, value.strip("'"))
    settings = load_settings()
    assert settings.http.host == "0.0.0.0" and settings.log.format == "json"
    ports = {
        settings.http.port,
        *(int(e.rsplit(":", 1)[1]) for e in (*settings.source.endpoints, settings.sink.endpoint)),
    }
    assert ports == {int(port) for port in values(runtime, "EXPOSE")[0].split()}
    [command] = values(runtime, "CMD")
    assert values(runtime, "ENTRYPOINT") == ['["ecgstream"]']
    assert CliRunner().invoke(app, [*json.loads(command), "--help"]).exit_code == 0


async def test_the_healthcheck_tells_a_live_daemon_from_an_ill_one_and_from_none(steps):
    [check] = values(stages(steps)["runtime"], "HEALTHCHECK")
    _, flag, code = ast.literal_eval(check.split("CMD ", 1)[1])
    assert flag == "-c" and ":9464/" in code
    patient = Patient()
    endpoints = served_by(Metrics(), patient)
    await endpoints.start()

    async def outcome() -> int:
        there = code.replace(":9464/", f":{endpoints.port}/")
        asked = await asyncio.create_subprocess_exec(sys.executable, "-c", there, stderr=asyncio.subprocess.DEVNULL)
        return await asked.wait()

    assert await outcome() == 0
    patient.ill = ["no heartbeat from compute for 31 s"]
    assert await outcome() == 1
    await endpoints.close()
    assert await outcome() == 1


def test_what_is_copied_makes_a_package_that_lacks_nothing(steps, tmp_path: Path):
    """The build stage's COPY and its last pip, of the package alone: its dependencies are those of this environment."""
    source = tmp_path / "src"
    source.mkdir()
    for names in values(stages(steps)["build-cpu"], "COPY"):
        for name in names.split()[:-1]:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(ROOT / name, source / name)
    venv.create(tmp_path / "opt", with_pip=False)
    [site] = (tmp_path / "opt" / "lib").glob("python*/site-packages")
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "--target",
        str(site),
        ".",
    ]
    told = subprocess.run(install, cwd=source, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    installed = {path.relative_to(site).as_posix() for path in site.glob("ecgstream/**/*") if path.is_file()}
    wanted = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "ecgstream").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert wanted - installed == set()
