"""The bill of materials and the licences are of what runs, in the versions that are tested."""

from __future__ import annotations

import importlib.util
import json
import re

import pytest
from cyclonedx.model.bom import Bom
from packaging.utils import canonicalize_name

from .conftest import ROOT

DOCS = ROOT / "docs"
SBOM = json.loads((DOCS / "sbom.cdx.json").read_text())
LISTED = {canonicalize_name(each["name"]): each["version"] for each in SBOM["components"]}
REMEDY = "run python docs/make_licences.py with the versions of constraints.txt installed"


@pytest.fixture(scope="module")
def runtime() -> set[str]:
    spec = importlib.util.spec_from_file_location("make_licences", DOCS / "make_licences.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.installed(module.runtime())


def pinned() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pairs = (line.split("==") for line in lines if "==" in line and not line.startswith("#"))
    return {canonicalize_name(name): version for name, version in pairs}


def test_the_bill_is_cyclonedx_to_its_own_library():
    bill = Bom.from_json(SBOM)
    assert {canonicalize_name(each.name) for each in bill.components} == LISTED.keys()
    assert bill.metadata.component.name == "ecgstream"
    refs = {each["bom-ref"] for each in SBOM["components"]} | {SBOM["metadata"]["component"]["bom-ref"]}
    assert {ref for each in SBOM["dependencies"] for ref in each["dependsOn"]} <= refs


def test_everything_that_runs_is_in_it(runtime: set[str]):
    assert {"torch", "numpy", "hl7"} <= runtime
    assert runtime - LISTED.keys() == set(), REMEDY


def test_its_versions_are_those_of_the_constraints():
    versions = {name: pinned().get(name) for name in LISTED if name != "setuptools"}  # pip's own choice
    assert {name: version.split("+")[0] for name, version in LISTED.items() if name in versions} == versions, REMEDY


def test_the_licences_are_of_the_same_and_none_is_unknown():
    rows = re.findall(r"^\| (\S+) +\| (\S+) +\| (.+?) +\|", (DOCS / "licences.md").read_text(), re.MULTILINE)[1:]
    assert {canonicalize_name(name): version for name, version, _ in rows} == LISTED, REMEDY
    assert [name for name, _, licence in rows if licence in ("UNKNOWN", "")] == []
    assert [name for name, _, licence in rows if re.search(r"\bA?GPL|General Public", licence)] == []
