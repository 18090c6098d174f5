"""Where compiled kernels are kept: a folder named by what they were compiled from.

Numba's own cache looks only at the file of the outermost function; a kernel that calls into another file would go on
running that file's old code after an update. A folder per state of the sources cannot be stale.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from contextlib import suppress
from pathlib import Path

PACKAGE = Path(__file__).parent
ROOMS = ("alarms", "beats", "conditioning", "electrodes", "fused", "intake", "rhythm", "strips", "wire")
"""Rooms with compiled kernels; they use constants of ``waveform``."""
ALONE = ("diagnosis", "ecg_jepa", "heads")
"""Rooms whose kernels all lie in one file: there numba's own cache, which looks at that file, cannot be stale."""
_PREFIX, _FILLED = "kernels-", "filled"


def use_folder_of_sources() -> Path:
    """Point numba at the folder for the sources as they are: below ``NUMBA_CACHE_DIR``, or the package's own cache."""
    base = Path(os.environ.get("NUMBA_CACHE_DIR") or PACKAGE / "__pycache__")
    if base.name.startswith(_PREFIX):  # set by a parent process
        base = base.parent
    folder = base / f"{_PREFIX}{_hash_of_sources()}"
    os.environ["NUMBA_CACHE_DIR"] = str(folder)
    return folder


def is_filled() -> bool:
    """Whether all kernels of these sources have been compiled here; else a start takes minutes."""
    return (Path(os.environ["NUMBA_CACHE_DIR"]) / _FILLED).exists()


def note_filled() -> None:
    """From now on it is filled. A process that was stopped while it compiled leaves some kernels, and no such note."""
    with suppress(OSError):  # where nothing can be written every start compiles
        (Path(os.environ["NUMBA_CACHE_DIR"]) / _FILLED).touch()


def remove_others(folder: Path) -> None:
    """Delete the folders of earlier sources beside ``folder``."""
    for other in folder.parent.glob(f"{_PREFIX}*"):
        if other != folder:
            shutil.rmtree(other, ignore_errors=True)


def _hash_of_sources() -> str:
    files = [PACKAGE / "waveform.py", *(path for room in ROOMS for path in sorted((PACKAGE / room).glob("*.py")))]
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()[:12]
