"""Recordings in a folder, or in a tar of one."""

from __future__ import annotations

import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import RecordError


@contextmanager
def recordings_in(path: Path) -> Iterator[Path]:
    """The folder that holds the WFDB headers: ``path``, or the first inside it or inside a tar, unpacked while needed.

    Raises RecordError when there is neither folder nor tar, or no header in it.
    """
    if path.is_dir():
        yield _with_headers(path, path)
        return
    try:
        archive = tarfile.open(path)  # noqa: SIM115 -- closed below
    except (OSError, tarfile.TarError) as error:
        raise RecordError(f"{path} holds no WFDB record: it is neither a folder nor a tar of one ({error}).") from error
    with archive, tempfile.TemporaryDirectory(prefix="ecgstream-") as unpacked:
        archive.extractall(unpacked, filter="data")
        yield _with_headers(Path(unpacked), path)


def _with_headers(folder: Path, named: Path) -> Path:
    headers = sorted(folder.rglob("*.hea"), key=lambda header: (len(header.parts), header))
    if not headers:
        raise RecordError(f"{named} holds no WFDB record (no .hea file); name a folder that does.")
    return headers[0].parent
