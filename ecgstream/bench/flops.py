"""The arithmetic that the encoder's definition asks for."""

from ..models.encoder import HOP_TOKENS, N_BEAT, EncoderShape
from ..waveform import STANDARD_LEADS

LEADS_PLAYED = len(STANDARD_LEADS)


def flops_per_hop(shape: EncoderShape, leads: int) -> float:
    """Multiplications and additions that the network's definition asks for, whatever is executed: products of weights
    with ``leads`` leads and channels, and the state space as a recurrence. Norms, activations and sums over the pool's
    window are not counted."""
    stem = 2 * shape.kernel * shape.filters * leads + 2 * (shape.filters + 1) * leads * shape.width
    token = stem + shape.depth * _block_flops(shape.width, shape.modes) + 2 * shape.width * N_BEAT
    hop = 2 * HOP_TOKENS * shape.width * shape.slow_width
    hop += shape.slow_depth * _block_flops(shape.slow_width, shape.slow_modes)
    hop += 2 * shape.slow_width * (shape.pool_width + shape.pool_heads)
    hop += 2 * (shape.pool_width + shape.slow_width) * shape.n_scores
    return HOP_TOKENS * token + hop


def _block_flops(width: int, modes: int) -> int:
    """Of a token: 8 a complex mode for x' = λx + γu, 4 for Re(Cx), 2 for the skip, and the gated product."""
    return width * ((8 + 4) * modes + 2) + 2 * width * 2 * width
