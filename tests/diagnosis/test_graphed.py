"""The encoder as it runs on a GPU: what TorchScript says, in any mixture of batches, by operations that a graph takes.

On a CPU the same operations run without graphs; where PyTorch finds CUDA, with them.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from ecgstream.diagnosis import Model
from ecgstream.diagnosis.diagnosis import Diagnosis
from ecgstream.diagnosis.graphed import GraphedEncoder, batches, graphed
from ecgstream.diagnosis.loader import _other_form, load_model, load_torchscript

from .graphs import SIZES, prepared

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU is here, so nothing runs as a CUDA graph")
DEVICES = ["cpu", pytest.param("cuda", marks=needs_gpu)]


@pytest.fixture(scope="module", params=DEVICES)
def encoder(small_folder, request) -> GraphedEncoder:
    return GraphedEncoder(prepared(small_folder), torch.device(request.param), SIZES)


rows = st.sets(st.integers(0, 23), min_size=1)
hops = st.integers(1, 12)
moves = st.lists(
    st.one_of(
        st.tuples(st.just("step"), rows, hops, st.booleans()),
        st.tuples(st.sampled_from(["grow", "forget", "bring back"]), rows),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=30, deadline=None)
@given(moves=moves)
def test_any_mixture_of_beds_and_hops_gives_what_torchscript_gives(small_folder, encoder, make_block, moves):
    shipped = load_torchscript(small_folder, "cpu", "fp32")
    early = replace(shipped.manifest, settling_hops=1, beat_settling_hops=1)
    both = [
        Diagnosis(Model(each, early, device), 24)
        for each, device in ((shipped.encoder, shipped.device), (encoder, encoder.device))
    ]
    saved = [(np.arange(3), each.save(np.arange(3))) for each in both]
    n_rows, done = 24, 0
    for what, some, *more in moves:
        chosen = np.array(sorted(some))[::-1].copy()
        if what == "step":
            n_hops, new = more
            said = [each.step(make_block(chosen, done, n_hops, new=new)) for each in both]
            np.testing.assert_allclose(said[1][0].values, said[0][0].values, atol=1e-5)
            np.testing.assert_allclose(said[1][1].probs, said[0][1].probs, atol=1e-5)
            done += n_hops
        elif what == "grow":
            n_rows += len(some)
            [each.grow(n_rows) for each in both]
        elif what == "forget":
            saved = [(chosen, each.save(chosen)) for each in both]
            [each.reset(chosen) for each in both]
        else:
            [each.restore(*kept) for each, kept in zip(both, saved, strict=True)]
    torch.testing.assert_close(both[1].state.cpu(), both[0].state, atol=1e-4, rtol=1e-4)


def test_state_of_a_bed_that_left_its_batch_goes_to_nobody(encoder):
    """A smaller batch follows a greater one, whose last rows it leaves as they are."""
    samples = torch.randn(8, 32, 125).numpy()
    arena = torch.zeros((9, encoder.n_state), device=encoder.device)
    encoder.advance(samples, arena, np.arange(8))
    before = arena.clone()
    encoder.advance(samples[:1], arena, np.array([8]))
    assert torch.equal(arena[:8], before[:8]) and arena[8].any()


def test_a_call_without_a_batch_says_the_same(encoder):
    samples, device = torch.randn(3, 32, 7 * 25), encoder.device
    states = [torch.zeros((3, encoder.n_state), device=device) for _ in range(2)]
    said, _ = encoder(samples.to(device), states[0])
    np.testing.assert_allclose(encoder.advance(samples.numpy(), states[1], np.arange(3)), said.cpu(), atol=1e-5)
    torch.testing.assert_close(states[1], states[0], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("bf16", [False, True])
def test_an_encoder_that_says_the_same_is_taken(small_folder, device: str, bf16: bool):
    assert graphed(prepared(small_folder, bf16), torch.device(device), 0.02 if bf16 else 1e-4, SIZES) is not None


@pytest.mark.parametrize("wrong", [1e-3, torch.nan])
def test_one_that_says_otherwise_is_not_and_that_is_said(small_folder, monkeypatch, wrong: float):
    right = GraphedEncoder.advance
    monkeypatch.setattr(GraphedEncoder, "advance", lambda *asked: right(*asked) + wrong)
    with capture_logs() as logs:
        assert graphed(prepared(small_folder), torch.device("cpu"), 1e-4, SIZES) is None
    assert [line["log_level"] for line in logs] == ["warning"]


def test_one_of_another_make_is_not():
    with capture_logs() as logs:
        assert graphed(torch.jit.script(torch.nn.Linear(2, 2)), torch.device("cpu"), 1e-4, SIZES) is None
    assert [line["log_level"] for line in logs] == ["warning"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_a_device_that_fails_leaves_torchscript(small_folder):
    with capture_logs() as logs:
        assert _other_form(prepared(small_folder), torch.device("cuda"), "fp32", 1e-4) is None
    assert len(logs) == 1 and "TorchScript serves" in logs[0]["event"]


@given(n_rows=st.integers(0, 20000), sizes=st.sets(st.integers(1, 5000), min_size=1, max_size=4))
def test_every_row_is_in_one_batch_that_it_fills_half(n_rows: int, sizes: set[int]):
    parts = list(batches(n_rows, tuple(sorted(sizes, reverse=True))))
    assert [row for part, _ in parts for row in range(part.start, part.stop)] == list(range(n_rows))
    for part, size in parts:
        assert size in sizes and part.stop - part.start <= size
        assert size <= 2 * (part.stop - part.start) or size == min(sizes)


@needs_gpu
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_what_is_shipped_is_served_by_graphs(precision: str):
    assert isinstance(load_model(None, "cuda", precision).encoder, GraphedEncoder)


@needs_gpu
def test_a_graph_sees_what_its_arrays_hold_when_it_is_replayed(encoder):
    arena = torch.zeros((8, encoder.n_state), device=encoder.device)
    said = [encoder.advance(np.full((8, 32, 25), value, np.float32), arena, np.arange(8)) for value in (0.0, 1.0)]
    assert np.abs(said[1] - said[0]).max() > 1e-3
