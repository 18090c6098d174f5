"""The straightforward pipeline: it does what it is said to do, and its parts add up."""

import pytest

from ecgstream.bench.peers import measure_peer, resnet

pytest.importorskip("sleepecg", reason="the peer is not installed: pip install 'ecgstream[peers]'")


def test_the_network_is_of_the_size_it_is_said_to_be():
    assert 350_000 < sum(parameter.numel() for parameter in resnet().parameters()) < 450_000


def test_the_parts_are_the_whole():
    peer = measure_peer()
    assert sum(peer["parts"].values()) == pytest.approx(peer["cpu_s_per_bed_s"])
    assert min(peer["parts"].values()) > 0
