"""A browser, and tokens, for every test of the page."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecgstream.web.access import Role, new_entry

from .browsers import chromium  # noqa: F401


@pytest.fixture
def tokens(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A tokens file, and the token of each role."""
    made = {role: new_entry(f"the {role.name.lower()} desk", role) for role in Role}
    (tmp_path / "tokens.yaml").write_text("".join(entry for _, entry in made.values()))
    return tmp_path / "tokens.yaml", {role.name.lower(): token for role, (token, _) in made.items()}
