"""Writes ``sbom.cdx.json`` (CycloneDX) and ``licences.md`` of what runs in a hospital.

``python docs/make_licences.py``. That is ecgstream, its extra ``hospital`` and all they need, in the versions of
constraints.txt, which must be those of the environment this runs in. Tools for tests and training are left out.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

FOLDER = Path(__file__).parent
EXTRAS = ("hospital",)
BIN = Path(sys.executable).parent
HEADER = """# Licences

Of what runs in a hospital: ecgstream's dependencies and those of its extra `hospital`, in the versions of
`constraints.txt`, on Linux with the CPU build of PyTorch (the CUDA build adds NVIDIA's libraries under NVIDIA's own
terms). Made by `python docs/make_licences.py`, which also writes [`sbom.cdx.json`](sbom.cdx.json), a CycloneDX bill of
materials of the same.

"""


def runtime() -> set[str]:
    """Canonical names of everything ecgstream needs to run, itself left out."""
    found: set[str] = set()
    project = tomllib.loads((FOLDER.parent / "pyproject.toml").read_text())["project"]
    stated = [*project["dependencies"], *(each for extra in EXTRAS for each in project["optional-dependencies"][extra])]
    waiting = [wanted for wanted in map(Requirement, stated) if not wanted.marker or wanted.marker.evaluate()]
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        if name == "ecgstream":
            continue
        for extras in ("", *wanted.extras):
            waiting += [] if name in found and not extras else _needed(wanted.name, ("", extras))
        found.add(name)
    return found


def _needed(name: str, extras: tuple[str, ...]) -> Iterator[Requirement]:
    try:
        stated = distribution(name).requires or ()
    except PackageNotFoundError:
        return  # of another platform: nothing is installed of it here
    for requirement in map(Requirement, stated):
        if any(not requirement.marker or requirement.marker.evaluate({"extra": extra}) for extra in extras):
            yield requirement


def installed(names: set[str]) -> set[str]:
    """Those that are installed here."""
    return {name for name in names if _is_installed(name)}


def _is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def write_sbom(path: Path, names: set[str]) -> None:
    """The components named, with how they depend on each other; without a date or a number, so that it is the same
    each time."""
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "environment.json"
        command = [BIN / "cyclonedx-py", "environment", "--output-reproducible", "--of", "JSON", "-o", whole]
        subprocess.run([*command, "--pyproject", FOLDER.parent / "pyproject.toml", sys.executable], check=True)
        made = json.loads(whole.read_text())
    made["components"] = [each for each in made["components"] if canonicalize_name(each["name"]) in names]
    root = made["metadata"]["component"]["bom-ref"]
    kept = {each["bom-ref"] for each in made["components"]} | {root}
    made["dependencies"] = [
        {**each, "dependsOn": [ref for ref in each.get("dependsOn", ()) if ref in kept]}
        for each in made["dependencies"]
        if each["ref"] in kept
    ]
    path.write_text(json.dumps(made, indent=1, sort_keys=True) + "\n")


def write_licences(path: Path, names: set[str]) -> None:
    """A table of names, versions, licences and addresses."""
    command = [BIN / "pip-licenses", "--from=mixed", "--format=markdown", "--with-urls", "--with-system"]
    table = subprocess.run([*command, "--packages", *sorted(names)], check=True, capture_output=True, text=True).stdout
    path.write_text(HEADER + table)


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    here = installed(runtime())
    write_sbom(folder / "sbom.cdx.json", here)
    write_licences(folder / "licences.md", here)
