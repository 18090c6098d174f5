"""The simulators' HL7 sender against a real listener: what is answered, refused, and not there."""

from __future__ import annotations

import socket

import numpy as np
import pytest

from ecgstream.wire.codec import encode, encode_chunk
from simulators import mllp
from simulators.destinations import NobodyListens
from simulators.mllp import MllpDestination, mllp_destination

from ..hl7.edge import Edge
from ..hl7.test_malformed import listening  # noqa: F401  a fixture
from .test_wcm import chunk


def test_what_is_refused_is_counted_and_its_sentence_kept(listening: Edge):  # noqa: F811
    destination = MllpDestination("localhost", listening.listener.port)
    content_type, payload = encode(encode_chunk(chunk(np.zeros((2, 250), np.int16), [200.0, 200.0])))
    before = len(listening.taken.chunks)
    for _ in range(3):
        assert destination.send(content_type.encode(), b"ward-3/bed-12", payload, True)
    assert destination.send(content_type.encode(), b"ward-3/bed-12", b"no chunk", True)
    assert destination.close(10) == 1
    assert len(listening.taken.chunks) == before + 3
    assert destination.first_refusal.startswith("MSA|AR||A message begins with MSH")


def test_a_listener_that_is_not_there_or_goes_is_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(mllp, "LISTENER_WAIT_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        destination = MllpDestination("127.0.0.1", port)
        server.accept()[0].close()
    with pytest.raises(NobodyListens, match="closed the connection"):
        for _ in range(100):
            destination.send(b"", b"bed", b"x" * 100_000, True)
    assert destination.close(1) > 0
    with pytest.raises(NobodyListens, match="start `ecgstream run` with source.kind hl7"):
        MllpDestination("127.0.0.1", port)


@pytest.mark.parametrize("url", ["mllp://", "mllp://host", "mllp://host:99999", "mllp://:2575", "mllp://host:x"])
def test_an_address_of_another_form_is_refused(url: str):
    with pytest.raises(ValueError, match="write mllp://HOST:PORT"):
        mllp_destination(url)
