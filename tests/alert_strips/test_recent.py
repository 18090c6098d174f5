"""The last strips are held, within bounds."""

import os

import pytest

from ecgstream.alert_strips import recent
from ecgstream.alert_strips.recent import MOST, RecentStrips


def test_the_newest_of_each_alert_is_held_and_the_oldest_alerts_go():
    strips = RecentStrips()
    for k in range(MOST + 2):
        strips.keep(f"a{k}", b"begun")
        strips.keep("a5", b"complete")
    assert len(strips) == MOST
    assert strips.find("a0") is strips.find("a1") is None
    assert strips.find("a5") == b"complete" and strips.find(f"a{MOST + 1}") == b"begun"


def test_long_strips_make_room_for_each_other(monkeypatch):
    monkeypatch.setattr(recent, "MOST_BYTES", 140)  # what does not compress takes 11 bytes more
    strips = RecentStrips()
    for name in "abc":
        strips.keep(name, os.urandom(40))
    assert [strips.find(name) is not None for name in "abc"] == [False, True, True]
    strips.keep("c", os.urandom(20))
    strips.keep("d", os.urandom(40))
    assert [strips.find(name) is not None for name in "bcd"] == [True, True, True]
    strips.keep("e", os.urandom(200))
    assert len(strips) == 1 and strips.find("e")


def test_what_is_kept_already_is_not_compressed_again(monkeypatch):
    strips, compressed, pack = RecentStrips(), [], recent._pack
    monkeypatch.setattr(recent, "_pack", lambda said: compressed.append(said) or pack(said))
    for payload in (b"begun", b"begun", b"complete", b"complete"):
        strips.keep("a", payload)
    assert len(compressed) == 2 and strips.find("a") == b"complete"


@pytest.mark.parametrize("size", [0, 1, 2, 3, 10, 1001])
def test_what_is_found_is_what_was_told(size: int):
    strips, told = RecentStrips(), os.urandom(size)
    strips.keep("a", told)
    assert strips.find("a") == told
