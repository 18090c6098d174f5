"""Compiled kernels never outlive the sources they were compiled from."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ecgstream import kernel_cache


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "rhythm").mkdir()
    (tmp_path / "rhythm" / "beats.py").write_text("LIMIT = 1\n")
    (tmp_path / "waveform.py").write_text("")
    monkeypatch.setattr(kernel_cache, "PACKAGE", tmp_path)
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    return tmp_path


def test_another_source_means_another_folder(sources: Path):
    first = kernel_cache.use_folder_of_sources()
    assert not kernel_cache.is_filled()
    (first / "beats").mkdir(parents=True)
    assert not kernel_cache.is_filled()
    (first / "beats" / "a kernel.nbi").touch()
    assert not kernel_cache.is_filled(), "it may have been stopped at its first kernel"
    kernel_cache.note_filled()
    assert kernel_cache.is_filled()
    assert kernel_cache.use_folder_of_sources() == first  # also where a parent process has set it
    (sources / "rhythm" / "beats.py").write_text("LIMIT = 2\n")
    second = kernel_cache.use_folder_of_sources()
    assert not kernel_cache.is_filled()
    assert second != first and second.parent == first.parent == sources / "__pycache__"


def test_folders_of_earlier_sources_are_removed(sources: Path):
    folder = kernel_cache.use_folder_of_sources()
    for name in (folder.name, "kernels-older", "something-else"):
        (folder.parent / name).mkdir(parents=True)
    kernel_cache.remove_others(folder)
    assert {path.name for path in folder.parent.iterdir()} == {folder.name, "something-else"}


def test_every_room_with_kernels_is_watched():
    package = Path(kernel_cache.__file__).parent
    kernels = [path for path in package.rglob("*.py") if "import njit" in path.read_text()]
    assert {path.parent.name for path in kernels} == {*kernel_cache.ROOMS, *kernel_cache.ALONE}
    for room in kernel_cache.ALONE:
        (only,) = (path for path in kernels if path.parent.name == room)
        assert "from ." not in only.read_text()


def test_numba_uses_the_folder():
    code = "import ecgstream, numba; print(numba.config.CACHE_DIR)"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert printed == os.environ["NUMBA_CACHE_DIR"]
