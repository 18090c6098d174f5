"""The causal form hop by hop is the causal form over the whole recording."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from ecgstream.errors import ModelError
from ecgstream.models.ecg_jepa.encoder import EcgJepa, Encoder, patches_of
from ecgstream.models.ecg_jepa.streaming import StreamingJepa, StreamState

REACH = 6


@pytest.fixture
def encoder() -> Encoder:
    torch.manual_seed(0)
    encoder = EcgJepa(dim=32, depth=3, heads=4, attention="causal", reach=REACH).encoder.eval()
    with torch.no_grad():
        for block in encoder.blocks:  # ages that matter, as after training
            block.attention.age_bias.normal_()
    return encoder


def whole(encoder: Encoder, mv: Tensor, present: Tensor) -> Tensor:
    """Tokens (B, T, 8, D) of one run over everything; ``present`` (B, T, 8)."""
    valid = present.transpose(1, 2)
    patches = torch.where(valid[..., None], patches_of(mv), 0.0)
    columns = torch.arange(patches.shape[2]).expand(len(mv), -1)
    with torch.inference_mode():
        tokens = encoder(patches, valid, torch.arange(8), columns)
    return (tokens * valid[..., None]).transpose(1, 2)


def hop_by_hop(streaming: StreamingJepa, mv: Tensor, present: Tensor, state: StreamState) -> Tensor:
    hops = mv.unflatten(2, (-1, 50)).unbind(2)
    return torch.stack(
        [streaming.step(hop, there, state) for hop, there in zip(hops, present.unbind(1), strict=True)], 1
    )


def drawn(seed: int, streams: int, hops: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    present = torch.rand(streams, hops, 8, generator=generator) < 0.8
    return torch.randn(streams, 8, hops * 50, generator=generator), present


def test_hop_by_hop_equals_the_whole_recording_while_leads_come_and_go(encoder):
    mv, present = drawn(1, 3, 5 * REACH)
    streaming = StreamingJepa(encoder)
    found = hop_by_hop(streaming, mv, present, streaming.begin(3))
    torch.testing.assert_close(found, whole(encoder, mv, present), rtol=0, atol=1e-4)


@pytest.mark.recordings
def test_hop_by_hop_equals_the_whole_of_a_real_recording(encoder, recordings: Path):
    from ecgstream.evaluation.records import read_record
    from ecgstream.training.unlabelled import windows_of

    mv = torch.zeros(1, 8, 20 * 2500)
    windows = list(windows_of(read_record(recordings / "mitdb" / "100")))[:20]
    for place, (leads, window) in enumerate(windows):
        mv[0, leads, place * 2500 : (place + 1) * 2500] = torch.from_numpy(window).float()
    present = (mv[0].abs().sum(1) > 0).expand(1, 1000, -1)
    streaming = StreamingJepa(encoder)
    found = hop_by_hop(streaming, mv, present, streaming.begin(1))
    for begin in range(0, 1000, 250):  # in pieces, as 1000 x 1000 scores are many; three blocks remember 3 x REACH hops
        margin = min(begin, 3 * REACH)
        span = slice(begin - margin, begin + 250)
        piece = whole(encoder, mv[:, :, span.start * 50 : span.stop * 50], present[:, span])
        torch.testing.assert_close(found[:, begin : begin + 250], piece[:, margin:], rtol=0, atol=1e-4)


def test_streams_do_not_depend_on_their_neighbours_or_on_when_they_began(encoder):
    mv, present = drawn(2, 2, 20)
    streaming = StreamingJepa(encoder)
    state = streaming.begin(2)
    hop_by_hop(streaming, mv[:1, :, :450], present[:1, :9], first := state.take(torch.tensor([0])))
    both = StreamState(*(torch.cat((getattr(first, name), getattr(state, name)[1:])) for name in StreamState.__slots__))
    together = hop_by_hop(
        streaming, torch.cat((mv[:1, :, 450:], mv[1:, :, :550])), torch.cat((present[:1, 9:], present[1:, :11])), both
    )
    expected = whole(encoder, mv, present)
    torch.testing.assert_close(together[0], expected[0, 9:], rtol=0, atol=1e-4)
    torch.testing.assert_close(together[1], expected[1, :11], rtol=0, atol=1e-4)


def test_a_state_that_was_saved_and_restored_goes_on(encoder, tmp_path: Path):
    from safetensors.torch import load_file, save_file

    mv, present = drawn(3, 2, 16)
    streaming = StreamingJepa(encoder)
    state = streaming.begin(2)
    hop_by_hop(streaming, mv[:, :, :400], present[:, :8], state)
    save_file({name: getattr(state, name) for name in StreamState.__slots__}, tmp_path / "state")
    restored = StreamState(**load_file(tmp_path / "state"))
    expected = hop_by_hop(streaming, mv[:, :, 400:], present[:, 8:], state)
    assert torch.equal(hop_by_hop(streaming, mv[:, :, 400:], present[:, 8:], restored), expected)


def test_nothing_that_comes_later_changes_what_was_said(encoder):
    mv, present = drawn(4, 1, 12)
    before = whole(encoder, mv, present)
    mv[:, :, 400:] += 1
    assert torch.equal(whole(encoder, mv, present)[:, :8], before[:, :8])


def test_an_encoder_that_looks_ahead_is_refused():
    with pytest.raises(ModelError, match="looks ahead"):
        StreamingJepa(EcgJepa(dim=16, depth=1, heads=2).encoder)
