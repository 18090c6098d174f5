"""The state file survives kills, and refuses what is not its own."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import ExitStack, closing

import pytest

from ecgstream import persistence
from ecgstream.errors import StateError
from ecgstream.persistence import StateStore

WRITER = """
import sys
from ecgstream.persistence import StateStore
store = StateStore(sys.argv[1])
generation = 0
while True:
    generation += 1
    store.save({f"bed-{n}": {"generation": generation, "filling": "x" * 2000} for n in range(50)})
    print(generation, flush=True)
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state.sqlite3"


@pytest.fixture
def opened(path):
    """Open the state file; closed after the test."""
    with ExitStack() as at_end:

        def open_store():
            return at_end.enter_context(closing(StateStore(path)))

        yield open_store


def test_a_state_comes_back_after_a_restart(opened):
    states = {"bed-1": {"alarms": {"asystole": {"update": 2}}, "hop": 2**40}, "bed-2": {"text": "Überwachung"}}
    store = opened()
    store.save(states)
    store.close()
    assert opened().load() == states


def test_a_new_file_is_empty(opened):
    assert opened().load() == {}


def test_saving_some_streams_leaves_the_others_and_drops_the_forgotten(opened):
    store = opened()
    store.save({"a": {"n": 1}, "b": {"n": 1}, "c": {"n": 1}})
    store.save({"a": {"n": 2}}, forget=["c", "unknown"])
    assert store.load() == {"a": {"n": 2}, "b": {"n": 1}}


def test_a_save_that_fails_half_way_leaves_the_last_one(opened):
    store = opened()
    store.save({"a": {"n": 1}})

    def gone():
        raise RuntimeError("the caller failed")
        yield

    with pytest.raises(RuntimeError):
        store.save({"a": {"n": 2}}, forget=gone())
    store.save({"b": {"n": 3}})
    assert store.load() == {"a": {"n": 1}, "b": {"n": 3}}


@pytest.mark.parametrize("content", [b"no database, but long enough" * 100, b"SQLite format 3\0" + b"\xff" * 9000])
def test_a_file_that_is_no_database_is_refused_in_a_sentence_and_kept(path, opened, content):
    path.write_bytes(content)
    with pytest.raises(StateError, match="move it away"):
        opened()
    assert path.read_bytes() == content


def test_a_damaged_page_is_refused(path, opened):
    store = opened()
    store.save({f"bed-{n}": {"filling": "x" * 500} for n in range(200)})
    store.close()
    content = bytearray(path.read_bytes())
    content[8192:16384] = b"\x5a" * 8192
    path.write_bytes(content)
    with pytest.raises(StateError, match="damaged"):
        opened()


def test_a_database_of_another_program_is_refused_and_untouched(path, opened):
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE patients (name TEXT)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(StateError, match="another program"):
        opened()
    assert path.read_bytes() == before


def test_a_file_of_a_newer_version_is_refused(path, opened):
    opened().close()
    with sqlite3.connect(path) as newer:
        newer.execute("PRAGMA user_version = 99")
    newer.close()
    with pytest.raises(StateError, match="schema version 99"):
        opened()


def test_a_file_of_an_older_version_is_migrated(opened, monkeypatch):
    old = opened()
    old.save({"a": {"n": 1}})
    old.close()
    rename = "UPDATE stream SET state = json_set(state, '$.renamed', json_extract(state, '$.n'));"
    monkeypatch.setattr(persistence, "MIGRATIONS", (*persistence.MIGRATIONS, rename))
    new = opened()
    assert new.load() == {"a": {"n": 1, "renamed": 1}}
    new.close()
    assert opened().load() == {"a": {"n": 1, "renamed": 1}}, "a migration runs once"


def test_a_second_process_may_not_hold_the_file(opened):
    holder = opened()
    holder.save({"a": {}})
    with pytest.raises(StateError, match="another ecgstream"):
        opened()
    holder.close()
    assert opened().load() == {"a": {}}


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(StateError, match="is its folder there"):
        StateStore(tmp_path / "nowhere" / "state.sqlite3")


def test_a_state_that_is_not_json_is_damage(path, opened):
    store = opened()
    store.close()
    with sqlite3.connect(path) as other:
        other.execute("INSERT INTO stream VALUES ('a', '{')")
    other.close()
    with pytest.raises(StateError, match="damaged"):
        opened().load()


@pytest.mark.parametrize("after_s", [0.05, 0.11, 0.17, 0.23, 0.31])
def test_a_kill_at_any_moment_leaves_the_last_whole_save(path, opened, after_s):
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    first = writer.stdout.readline()
    time.sleep(after_s)
    os.kill(writer.pid, signal.SIGKILL)
    told = [int(first), *(int(line) for line in writer.stdout.read().splitlines())]
    assert writer.wait() == -signal.SIGKILL
    writer.stdout.close()
    generations = {state["generation"] for state in opened().load().values()}
    assert len(generations) == 1
    assert generations <= {told[-1], told[-1] + 1}
