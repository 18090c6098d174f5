"""Sizes that the kernels are compiled for: of this processor, and of the encoder."""

from __future__ import annotations

import llvmlite.binding

LANES, ROWS = (16, 8) if llvmlite.binding.get_host_cpu_features().get("avx512f", False) else (8, 4)
"""Floats side by side, and rows of a tile of a product: ROWS x PANEL sums are as much as registers hold."""
PANEL = 2 * LANES
PADDING = 8
"""Rows beyond the last that a tile may write to."""
BLOCK_TOKENS = 200
"""Tokens at a time: what lies between two products then stays in the second level of the cache."""

N_LEADS, N_BEAT = 16, 6
FILTERS, KERNEL = 16, 20
TOKEN_INPUTS, HOP_TOKENS = 5, 5
HOP_INPUTS = HOP_TOKENS * TOKEN_INPUTS
HISTORY = KERNEL - TOKEN_INPUTS
MODES, SLOW_MODES = 8, 4
HEADS, POOL_HOPS = 8, 50
MOST_HOPS = 25
"""Hops at a time; fewer than the pool's ring has."""
