"""An untrained encoder, small, and compiled."""

import pytest
import torch

from ecgstream.diagnosis.fused import FusedEncoder
from ecgstream.models.encoder import Encoder, EncoderShape
from ecgstream.models.streaming import StreamingEncoder

from ..untrained import small_shape

N_SCORES = 7


@pytest.fixture(scope="session", params=["network", "compiled"])
def streaming(request: pytest.FixtureRequest) -> StreamingEncoder | FusedEncoder:
    compiled = request.param == "compiled"
    torch.manual_seed(0)
    encoder = Encoder(EncoderShape(N_SCORES) if compiled else small_shape(N_SCORES))
    calibration = torch.full((N_SCORES,), 3.0), torch.zeros(N_SCORES), torch.zeros(5)
    streaming = StreamingEncoder(encoder, *calibration).eval()
    streaming.prepare()
    return FusedEncoder(streaming) if compiled else streaming


@pytest.fixture(scope="session")
def samples() -> torch.Tensor:
    """Two beds, 30 s: noise in mV with rising offsets, and validity that comes and goes."""
    generator = torch.Generator().manual_seed(1)
    mv = torch.randn(2, 16, 25 * 150, generator=generator) + torch.arange(16)[:, None] / 16
    valid = (torch.rand(2, 16, 150, generator=generator) > 0.2).repeat_interleave(25, 2)
    return torch.cat((mv * valid, valid.float()), 1)
