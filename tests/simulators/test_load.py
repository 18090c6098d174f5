"""The load generator's patched messages are ordinary chunks, on time."""

import time
from collections import defaultdict

import numpy as np
import pytest
import zmq

from ecgstream.wire.codec import content_type, decode_chunk
from simulators.destinations import ZeroMqDestination
from simulators.load import LOOP_S, SCENES, Load, heading, payloads, run_load

KIND = content_type("chunk")


@pytest.mark.parametrize("sequence", [0, 1, 127, 128, 16_384, 2**40])
def test_a_heading_makes_a_ready_payload_a_chunk(sequence):
    (loop,) = payloads(Load(beds=1, leads=3, chunk_s=0.5))
    chunk = decode_chunk(heading(b"load-1", sequence, 1_700_000_000_123_456_789) + loop[0], KIND)
    assert (chunk.stream_id, chunk.sequence, chunk.start_ns) == ("load-1", sequence, 1_700_000_000_123_456_789)
    assert [c.name for c in chunk.ecg.layout.channels] == ["I", "II", "III"]
    assert chunk.ecg.samples.shape == (3, 125) and chunk.ecg.samples.any()


def test_there_is_a_loop_for_every_patient():
    ready = payloads(Load(beds=100, leads=1, chunk_s=1.0))
    assert [len(loop) for loop in ready] == [LOOP_S] * len(SCENES)
    assert len({loop[0] for loop in ready}) == len(SCENES)


@pytest.mark.parametrize("chunk_s", [0.7, 0.0301])
def test_chunks_that_do_not_fit_the_loop_are_refused(chunk_s):
    with pytest.raises(ValueError, match="take 0.2, 0.5 or 1 s"):
        payloads(Load(beds=1, chunk_s=chunk_s))


def test_every_bed_sends_every_chunk_spread_evenly_and_latency_can_be_told_from_it():
    load, seconds = Load(beds=20, leads=2, chunk_s=0.2), 0.8
    with zmq.Context() as context, context.socket(zmq.PULL) as pull:
        pull.setsockopt(zmq.LINGER, 0)
        port = pull.bind_to_random_port("tcp://127.0.0.1")
        push = ZeroMqDestination(f"tcp://127.0.0.1:{port}", bind=False)
        push.wait_for_listener()
        *_, report = run_load(load, seconds, push)
        heard_ns = time.time_ns()
        found = [decode_chunk(pull.recv_multipart()[2], KIND) for _ in range(80)]
        assert not pull.poll(100)
        push.close(0)
    assert (report.sent, report.dropped) == (80, 0)
    lasts_ns = [chunk.start_ns + 49 * 4_000_000 for chunk in found]
    np.testing.assert_allclose(np.diff(lasts_ns), 10_000_000, atol=10)
    assert 0 <= heard_ns - lasts_ns[-1] < 500_000_000
    of_bed = defaultdict(list)
    for chunk in found:
        of_bed[chunk.stream_id].append(chunk)
    assert len(of_bed) == 20
    for chunks in of_bed.values():
        assert [chunk.sequence for chunk in chunks] == [0, 1, 2, 3]
        np.testing.assert_allclose(np.diff([chunk.start_ns for chunk in chunks]), 200_000_000, atol=10)
