"""The last strips are held, within bounds."""

import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    monkeypatch.setattr(recent, "MOST_BYTES", 130)  # what does not compress takes 6 or 8 bytes more
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


@pytest.mark.parametrize("odd", [0, 1])
def test_samples_take_less_wherever_they_begin(odd: int):
    steps = np.random.default_rng(odd).integers(-12, 13, 30_000)
    told = bytes(100 + odd) + steps.cumsum().astype("<i2").tobytes()
    strips = RecentStrips()
    strips.keep("a", told)
    assert strips.find("a") == told and len(recent._pack(told)) < 0.36 * len(told)


@given(st.lists(st.integers(0, 2**16 - 1), max_size=100), st.booleans())
def test_any_samples_come_back(samples: list[int], odd: bool):
    told = bytes(odd) + np.array(samples, "<u2").tobytes()
    assert recent._unpack(recent._pack(told)) == told


@pytest.mark.parametrize("size", [0, 1, 2, 3, 10, 1001])
def test_what_is_found_is_what_was_told(size: int):
    strips, told = RecentStrips(), os.urandom(size)
    strips.keep("a", told)
    assert strips.find("a") == told
