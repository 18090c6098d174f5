"""The state file: what every stream needs to go on after a restart, in SQLite.

A save is one transaction: after a kill at any moment the file holds the last whole save. (After a power cut it may
hold an earlier whole one: the write-ahead log is not forced to the disk at every save.) The file belongs to one
process at a time. A state is whatever JSON object its owner gave; the file does not know what it means.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .errors import StateError

APPLICATION_ID = 0x45434753  # "ECGS" in the file's header, so that no other SQLite file is taken for ours
MIGRATIONS = (
    """
    CREATE TABLE stream (stream_id TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE written_with (name TEXT PRIMARY KEY, hash TEXT NOT NULL) WITHOUT ROWID;
    """,
)
"""Script n brings a file of schema version n to n + 1; the first makes a new file. ``written_with`` is not used any
more; older versions look into it."""


class StateStore:
    """Keeps one JSON object per stream.

    Calls must not overlap; they may come from different threads. Raises StateError when the file is not ours, damaged,
    from a newer version, in use, or cannot be written.
    """

    def __init__(self, path: Path | str):
        self.path = Path(path)
        with self._faults_told():
            self._database = sqlite3.connect(self.path, timeout=1.0, isolation_level=None, check_same_thread=False)
        try:
            with self._faults_told():
                self._open()
        except BaseException:
            self._database.close()
            raise

    def _open(self) -> None:
        version = self._check_is_ours()
        self._database.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._check_is_whole()
        self._migrate(version)

    def _check_is_ours(self) -> int:
        """The schema version; 0 for a new file."""
        (tables,) = self._database.execute("SELECT count(*) FROM sqlite_master").fetchone()
        application, version = self._pragma("application_id"), self._pragma("user_version")
        if (tables or version or application) and application != APPLICATION_ID:
            raise StateError(
                f"The state file {self.path} is a database of another program (application id {application}); "
                "name another path in state.path."
            )
        if version > len(MIGRATIONS):
            raise StateError(
                f"The state file {self.path} has schema version {version}, this ecgstream knows up to "
                f"{len(MIGRATIONS)}; run the version that wrote it, or move the file away to start afresh."
            )
        return version

    def _check_is_whole(self) -> None:
        found = self._database.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise sqlite3.DatabaseError(found)

    def _migrate(self, version: int) -> None:
        for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
            marks = f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {number};"
            self._database.executescript(f"BEGIN IMMEDIATE; {script} {marks} COMMIT;")

    def _pragma(self, name: str) -> int:
        return self._database.execute(f"PRAGMA {name}").fetchone()[0]

    def save(self, states: Mapping[str, Any], forget: Iterable[str] = ()) -> None:
        """Write the states of these streams and drop those of ``forget``, all or nothing; other streams stay."""
        rows = [(stream_id, json.dumps(state, separators=(",", ":"))) for stream_id, state in states.items()]
        with self._faults_told(), self._transaction():
            self._database.executemany("INSERT OR REPLACE INTO stream VALUES (?, ?)", rows)
            self._database.executemany("DELETE FROM stream WHERE stream_id = ?", [(gone,) for gone in forget])

    def load(self) -> dict[str, Any]:
        """Every stream's last saved state."""
        with self._faults_told():
            rows = self._database.execute("SELECT stream_id, state FROM stream").fetchall()
        try:
            return {stream_id: json.loads(state) for stream_id, state in rows}
        except ValueError as error:
            raise StateError(
                f"The state file {self.path} is damaged ({error}); move it away to start afresh."
            ) from error

    def close(self) -> None:
        """Close the file; what was saved is in it."""
        with self._faults_told():
            self._database.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    @contextmanager
    def _faults_told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise StateError(
                f"The state file {self.path} cannot be used ({error}); is its folder there and writable, is the disk "
                "full, does another ecgstream hold it?"
            ) from error
        except sqlite3.DatabaseError as error:
            raise StateError(
                f"The state file {self.path} is damaged or no SQLite file ({error}); move it away to start afresh."
            ) from error
