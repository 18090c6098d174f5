"""The queue on disk: what each destination has not confirmed yet, in order, and which alerts stand.

One SQLite file. ``take_in`` returns once the alerts are on the disk, so that their offset may be committed; a message
leaves the file when its destination has confirmed it. It holds streams and pseudonyms, never a patient's name.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..errors import StateError
from ..wire import ecgstream_pb2 as pb
from .metrics import OutboundMetrics

APPLICATION_ID = 0x4543474F  # "ECGO"
_SCHEMA = """
CREATE TABLE waiting (
  number INTEGER PRIMARY KEY AUTOINCREMENT, destination TEXT NOT NULL, phase TEXT NOT NULL, pseudonym TEXT NOT NULL,
  alert BLOB NOT NULL
);
CREATE INDEX in_order ON waiting (destination, number);
CREATE TABLE set_aside (
  number INTEGER PRIMARY KEY, destination TEXT NOT NULL, phase TEXT NOT NULL, pseudonym TEXT NOT NULL,
  alert BLOB NOT NULL, reason TEXT NOT NULL
);
CREATE TABLE known (
  alert_id TEXT PRIMARY KEY, updated INTEGER NOT NULL, escalation INTEGER NOT NULL, ended INTEGER NOT NULL,
  heard_ns INTEGER NOT NULL, pseudonym TEXT NOT NULL, alert BLOB NOT NULL
) WITHOUT ROWID;
PRAGMA user_version = 1;
"""
REMEMBERED_NS = 7 * 86_400 * 10**9
"""For so long an alert is known after it was heard of, so that a late repeat of it is not told as a new one."""
MOST_SET_ASIDE = 1_000
"""Messages set aside that are kept; the oldest make room."""
STANDS_NS = 86_400 * 10**9
"""An alert of which nothing was heard for so long is no longer told as standing: its end may have been missed."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One message to one destination."""

    number: int
    phase: str  # start, continue, update or end
    pseudonym: str  # of the patient the bed was associated with when the alert came; "" if none
    alert: pb.Alert


class Trim(Protocol):
    """What of an alert a destination is told: a copy, perhaps without the strip, or None for nothing."""

    def __call__(self, alert: pb.Alert) -> pb.Alert | None: ...


class OutboundQueue:
    """Used by one task at a time. Raises StateError where the file is not ours, is in use or cannot be written."""

    def __init__(self, path: Path, most_bytes: int, destinations: Mapping[str, Trim], metrics: OutboundMetrics):
        self._path, self._most_bytes, self._destinations, self._metrics = path, most_bytes, destinations, metrics
        self._arrived = {name: asyncio.Event() for name in destinations}
        with self._faults_told():
            self._database = sqlite3.connect(path, timeout=1.0, isolation_level=None)
            self._open()
        self._bytes = {name: self._waiting_bytes(name) for name in destinations}
        self._gauge()

    # ------------------------------------------------------------------------------------------------------- coming in

    def take_in(self, alerts: Iterable[tuple[pb.Alert, str]], now_ns: int) -> None:
        """Queue alerts, each with the pseudonym of its bed's patient, for every destination; on disk when it returns.

        What was taken in before is counted and left out.
        """
        with self._faults_told(), self._transaction():
            for alert, pseudonym in alerts:
                self._take_in_one(alert, pseudonym, now_ns)
            self._database.execute("DELETE FROM known WHERE heard_ns < ?", (now_ns - REMEMBERED_NS,))
            self._drop_oldest()
        self._gauge()
        for arrived in self._arrived.values():
            arrived.set()

    def _take_in_one(self, alert: pb.Alert, pseudonym: str, now_ns: int) -> None:
        known = self._database.execute(
            "SELECT updated, escalation, pseudonym FROM known WHERE alert_id = ?", (alert.alert_id,)
        ).fetchone()
        if known and (alert.update, alert.escalation) <= known[:2]:
            self._metrics.duplicates.inc()
            return
        pseudonym = known[2] if known else pseudonym  # an alert is of the patient in whose time it began
        phase = phase_of(alert, is_new=known is None)
        for name, trim in self._destinations.items():
            if told := trim(alert):
                body = told.SerializeToString()
                self._database.execute(
                    "INSERT INTO waiting (destination, phase, pseudonym, alert) VALUES (?, ?, ?, ?)",
                    (name, phase, pseudonym, body),
                )
                self._bytes[name] += len(body)
        ended = alert.state == pb.Alert.ENDED
        self._database.execute(
            "INSERT OR REPLACE INTO known VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                alert.alert_id,
                alert.update,
                alert.escalation,
                ended,
                now_ns,
                pseudonym,
                without_strip(alert).SerializeToString(),
            ),
        )

    def _drop_oldest(self) -> None:
        """Oldest first: what is new says more about the patient. Every message dropped is counted."""
        for name in self._destinations:
            while self._bytes[name] > self._most_bytes:
                number, size = self._database.execute(
                    "SELECT number, length(alert) FROM waiting WHERE destination = ? ORDER BY number LIMIT 1", (name,)
                ).fetchone()
                self._database.execute("DELETE FROM waiting WHERE number = ?", (number,))
                self._bytes[name] -= size
                self._metrics.dropped.labels(name).inc()

    # ------------------------------------------------------------------------------------------------------- going out

    def head(self, destination: str) -> Entry | None:
        """What the destination is to be told next."""
        with self._faults_told():
            row = self._database.execute(
                "SELECT number, phase, pseudonym, alert FROM waiting WHERE destination = ? ORDER BY number LIMIT 1",
                (destination,),
            ).fetchone()
        return Entry(*row[:3], pb.Alert.FromString(row[3])) if row else None

    def confirmed(self, destination: str, entry: Entry) -> None:
        """The destination has it for good."""
        with self._faults_told(), self._transaction():
            self._remove(destination, entry)
        self._gauge()

    def set_aside(self, destination: str, entry: Entry, reason: str) -> None:
        """The destination does not want it: out of the way of the others, and kept with the reason."""
        with self._faults_told(), self._transaction():
            self._database.execute(
                "INSERT INTO set_aside SELECT number, destination, phase, pseudonym, alert, ? FROM waiting "
                "WHERE number = ?",
                (reason, entry.number),
            )
            self._database.execute(
                "DELETE FROM set_aside WHERE number NOT IN (SELECT number FROM set_aside ORDER BY number DESC LIMIT ?)",
                (MOST_SET_ASIDE,),
            )
            self._remove(destination, entry)
        self._gauge()

    def standing(self, now_ns: int) -> list[Entry]:
        """The alerts that have not ended, as they were heard last, to be told again."""
        with self._faults_told():
            rows = self._database.execute(
                "SELECT pseudonym, alert FROM known WHERE NOT ended AND heard_ns > ? ORDER BY alert_id",
                (now_ns - STANDS_NS,),
            ).fetchall()
        return [Entry(0, "continue", pseudonym, pb.Alert.FromString(alert)) for pseudonym, alert in rows]

    def refused(self) -> list[tuple[str, str, Entry]]:
        """What was set aside: destination, reason, message."""
        with self._faults_told():
            rows = self._database.execute(
                "SELECT destination, reason, number, phase, pseudonym, alert FROM set_aside ORDER BY number"
            ).fetchall()
        return [(row[0], row[1], Entry(*row[2:5], pb.Alert.FromString(row[5]))) for row in rows]

    async def wait(self, destination: str, seconds: float) -> None:
        """Until something may have arrived for the destination, at most so long."""
        arrived = self._arrived[destination]
        arrived.clear()
        if self.head(destination) is None:
            try:
                await asyncio.wait_for(arrived.wait(), seconds)
            except TimeoutError:
                return

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    # ------------------------------------------------------------------------------------------------------ the file

    def _remove(self, destination: str, entry: Entry) -> None:
        row = self._database.execute("SELECT length(alert) FROM waiting WHERE number = ?", (entry.number,)).fetchone()
        if row:  # else it was the oldest, and the queue full
            self._database.execute("DELETE FROM waiting WHERE number = ?", (entry.number,))
            self._bytes[destination] -= row[0]

    def _waiting_bytes(self, name: str) -> int:
        query = "SELECT coalesce(sum(length(alert)), 0) FROM waiting WHERE destination = ?"
        return self._database.execute(query, (name,)).fetchone()[0]

    def _gauge(self) -> None:
        counts = dict(self._database.execute("SELECT destination, count(*) FROM waiting GROUP BY destination"))
        for name in self._destinations:
            self._metrics.waiting.labels(name).set(counts.get(name, 0))

    def _open(self) -> None:
        database = self._database
        (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
        (application,), (version,) = (
            database.execute(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version")
        )
        if tables and (application, version) != (APPLICATION_ID, 1):
            raise StateError(
                f"outbound.queue: {self._path} is no outbound queue of this version (application {application:#x}, "
                f"schema {version}); name another file."
            )
        database.execute("PRAGMA locking_mode = EXCLUSIVE")
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")  # what is confirmed to Kafka must survive a power cut
        if not tables:
            database.executescript(f"BEGIN; PRAGMA application_id = {APPLICATION_ID}; {_SCHEMA} COMMIT;")
        else:
            database.execute("BEGIN IMMEDIATE")  # takes the lock, so that a second bridge is refused now
            database.execute("COMMIT")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        before = dict(self._bytes)
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._database.execute("COMMIT")
        except BaseException:
            self._bytes = before
            self._database.execute("ROLLBACK")
            raise

    @contextmanager
    def _faults_told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StateError(
                f"The outbound queue {self._path} cannot be used ({error}); is the disk full, the folder writable, or "
                "another bridge running with it?"
            ) from error


def phase_of(alert: pb.Alert, is_new: bool) -> str:
    """The phase of PCD-04. A repeat of an unseen alert is nothing new: the alert continues."""
    if alert.state == pb.Alert.ENDED:
        return "end"
    if is_new:
        return "start"
    return "continue" if alert.escalation else "update"


def without_strip(alert: pb.Alert) -> pb.Alert:
    """The same alert, lighter."""
    if not alert.HasField("strip"):
        return alert
    copy = pb.Alert.FromString(alert.SerializeToString())
    copy.ClearField("strip")
    return copy
