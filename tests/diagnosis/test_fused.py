"""The compiled encoder says what the TorchScript it was made of says, whatever the beds, the hops and the leads."""

import numpy as np
import pytest
import torch

from ecgstream.diagnosis.diagnosis import Diagnosis
from ecgstream.diagnosis.fused import FusedEncoder, fused
from ecgstream.diagnosis.loader import load_model
from ecgstream.errors import ModelError
from ecgstream.models.encoder import Encoder, EncoderShape
from ecgstream.models.streaming import StreamingEncoder

from ..untrained import small_shape


def streaming_of(shape: EncoderShape) -> StreamingEncoder:
    torch.manual_seed(0)
    n_scores = shape.n_scores
    calibration = torch.rand(n_scores) + 0.5, torch.randn(n_scores), torch.randn(5)
    streaming = StreamingEncoder(Encoder(shape), *calibration).eval()
    streaming.prepare()
    return streaming


@pytest.fixture(scope="module")
def streaming() -> StreamingEncoder:
    return streaming_of(EncoderShape(7))


@pytest.fixture(scope="module")
def encoder(streaming: StreamingEncoder) -> FusedEncoder:
    return FusedEncoder(streaming)


def noise(batch: int, hops: int, leads: int = 12, seed: int = 0) -> torch.Tensor:
    """Beds of so many leads, in mV, some beyond the encoder's range; the last bed has one lead less, and gaps."""
    draw = torch.Generator().manual_seed(seed)
    samples = torch.zeros(batch, 32, 25 * hops)
    samples[:, :leads] = 4 * torch.randn(batch, leads, 25 * hops, generator=draw)
    samples[:, 16 : 16 + leads] = 1.0
    samples[-1, 2] = samples[-1, 18] = 0.0
    gap = torch.rand(25 * hops, generator=draw) < 0.1
    samples[-1, :, gap] = 0.0
    return samples


def assert_alike(streaming: StreamingEncoder, encoder: FusedEncoder, calls: list[torch.Tensor]) -> None:
    states = [torch.zeros(len(calls[0]), streaming.n_state) for _ in range(2)]
    for samples in calls:
        with torch.no_grad():
            wanted, _ = streaming(samples, states[0])
        said, _ = encoder(samples, states[1])
        torch.testing.assert_close(said, wanted, atol=1e-5, rtol=0)
    torch.testing.assert_close(states[1], states[0], atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize("batch", [1, 3, 8, 9, 64])
@pytest.mark.parametrize("hops", [1, 2, 5, 7])
def test_any_number_of_beds_and_hops(streaming, encoder, batch: int, hops: int):
    assert_alike(streaming, encoder, [noise(batch, hops, seed=call) for call in range(3)])


@pytest.mark.parametrize("hops", [25, 26, 49, 50, 75, 120])
def test_more_hops_than_the_pool_looks_back_over(streaming, encoder, hops: int):
    assert_alike(streaming, encoder, [noise(2, 5, seed=8), noise(2, hops), noise(2, 1, seed=9)])


@pytest.mark.parametrize("leads", [0, 1, 3, 16])
def test_any_number_of_leads(streaming, encoder, leads: int):
    assert_alike(streaming, encoder, [noise(9, 5, leads), noise(9, 5, 3, seed=1), noise(9, 1, leads, seed=2)])


def test_what_is_shipped_is_served_compiled_in_fp32():
    assert isinstance(load_model(None, "cpu").encoder, FusedEncoder)
    assert not isinstance(load_model(None, "cpu", "bf16").encoder, FusedEncoder)


def test_several_threads_say_what_one_says(encoder):
    samples = noise(40, 5)
    said = []
    for threads in (1, 3):
        torch.set_num_threads(threads)
        state = torch.zeros(40, encoder.n_state)
        said.append((encoder(samples, state)[0], state))
    torch.set_num_threads(1)
    torch.testing.assert_close(said[0], said[1], atol=1e-6, rtol=0)


def test_rows_are_advanced_where_they_lie_and_others_are_left_alone(encoder):
    samples, rows = noise(3, 5).numpy(), torch.tensor([4, 0, 2])
    state = torch.randn(6, encoder.n_state)
    before, own = state.clone(), state[rows].clone()
    said = encoder.advance(samples, state.numpy(), rows.numpy())
    wanted, _ = encoder(torch.from_numpy(samples), own)
    torch.testing.assert_close(torch.from_numpy(said), wanted)
    torch.testing.assert_close(state[rows], own)
    assert torch.equal(state[[1, 3, 5]], before[[1, 3, 5]])


@pytest.mark.parametrize(
    ("rows", "beds", "n_state"), [([0, 6], 2, 0), ([-1, 0], 2, 0), ([0, 1], 3, 0), ([0, 1], 2, -1)]
)
def test_arrays_that_do_not_belong_together_are_refused(encoder, rows: list[int], beds: int, n_state: int):
    state = np.zeros((6, encoder.n_state + n_state), np.float32)
    with pytest.raises(ValueError, match="do not belong together"):
        encoder.advance(noise(beds, 1).numpy(), state, np.array(rows))
    assert not state.any()


@pytest.mark.parametrize("where", [0, 12, 50, 16000])
def test_what_is_no_number_comes_out_as_such(encoder, where: int):
    state = torch.zeros(3, encoder.n_state)
    state[1, where] = torch.nan
    samples = noise(3, 5)
    scores, _ = encoder(samples, state)
    assert scores[1].isnan().any() and scores[[0, 2]].isfinite().all()


def test_a_state_that_is_no_number_is_an_error(make_block):
    diagnosis = Diagnosis(load_model(None, "cpu"), 2)
    diagnosis.step(make_block([0, 1], 0, 5, new=True))
    diagnosis.state[1] = torch.nan
    with pytest.raises(ModelError, match="not numbers"):
        diagnosis.step(make_block([0, 1], 5, 5))


@pytest.mark.parametrize(
    "shape",
    [small_shape(3), EncoderShape(3, modes=4), EncoderShape(3, width=112), EncoderShape(3, pool_heads=4),
     EncoderShape(3, filters=8), EncoderShape(3, kernel=15)],
)  # fmt: skip
def test_an_encoder_of_other_sizes_has_no_compiled_form(shape: EncoderShape):
    assert fused(torch.jit.script(streaming_of(shape))) is None


@pytest.mark.parametrize("shape", [EncoderShape(2, depth=1), EncoderShape(60, slow_width=128, pool_width=64)])
def test_an_encoder_of_other_depth_or_width_has_one(shape: EncoderShape):
    assert isinstance(fused(torch.jit.script(streaming_of(shape))), FusedEncoder)


class Louder(StreamingEncoder):
    """The same weights, but another network."""

    def forward(self, samples: torch.Tensor, state: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return super().forward(2 * samples, state)


def test_an_encoder_that_says_otherwise_serves_as_it_is(streaming):
    louder = Louder(streaming.encoder, streaming.score_scale, streaming.score_shift, streaming.beat_shift).eval()
    louder.prepare()
    assert fused(louder) is None
