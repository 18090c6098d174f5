"""The encoder on a GPU: its operations recorded once for each size of batch, as CUDA graphs, and replayed.

A call is more than a hundred small operations; launched one by one from Python they leave a GPU waiting, as a graph
they are one launch. A graph holds the addresses of its arrays, so it computes on arrays of its own, the same for every
size; rows' state is gathered into them before and put back after, and the arena may grow. What PyTorch asks of a graph:
https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import cycle
from math import prod
from threading import Lock

import numpy as np
import structlog
import torch

from ..models.encoder import HOP_INPUTS
from ..models.streaming import StreamingEncoder, rebuilt
from ..waveform import N_LEADS
from .batches import HOP_RUNS, BatchedEncoder, runs_of

SIZES = (4096, 1024, 256, 64)
"""Rows in one call, the most first: the graphs of fewer then find room in the memory of those before."""
_MOST_HOPS = HOP_RUNS[0]
_WARM_RUNS = 3
_BEDS_TRIED, _HOPS_TRIED = 8, 12

_one_capture = Lock()
log = structlog.get_logger()


def graphed(
    scripted: torch.jit.ScriptModule, device: torch.device, tolerance: float, sizes: tuple[int, ...] = SIZES
) -> GraphedEncoder | None:
    """The graphed form, on ``device``, of a loaded encoder that is prepared, not yet frozen and on the CPU.

    None where the encoder is of another make, the device cannot take it, or scores differ by more than ``tolerance``.
    """
    try:
        encoder = GraphedEncoder(scripted, device, sizes)
        found = apart(encoder, scripted, sizes)
    except Exception as error:  # whatever a GPU that nobody has tried may say: there is another form
        log.warning("no CUDA graphs of the encoder; TorchScript serves", fault=f"{type(error).__name__}: {error}")
        return None
    if found <= tolerance:
        return encoder
    log.warning("CUDA graphs of the encoder do not say what its TorchScript says, which serves", apart=found)
    return None


class GraphedEncoder:
    """``(samples, state) -> (scores, state)`` as ``StreamingEncoder``; ``advance`` takes rows of more beds' state.

    ``steps`` advance the arrays it computes on, by rows and hops. On a CPU they run without graphs: to test them.
    """

    def __init__(self, scripted: torch.jit.ScriptModule, device: torch.device, sizes: tuple[int, ...] = SIZES):
        """Lay out the arrays and record the graphs. ModelError where the encoder is of another make."""
        self.device, self._sizes, self._network = device, sizes, _network_of(scripted, device)
        self.n_state = self._network.n_state
        self._n_out = len(self._network.score_scale) + self._network.hop_beats
        n_samples, n_scores = sizes[0] * 2 * N_LEADS * _MOST_HOPS * HOP_INPUTS, sizes[0] * _MOST_HOPS * self._n_out
        self._samples, self._scores = (torch.zeros(n, device=device) for n in (n_samples, n_scores))
        self._state = torch.zeros((sizes[0], self.n_state), device=device)
        pinned = device.type == "cuda"
        self._lanes = [_Lane(n_samples, n_scores, pinned) for _ in range(2)]
        self._turns = cycle(self._lanes)
        self._one_at_a_time = Lock()  # of the calls that use these arrays
        steps = {(size, hops): self._step_of(size, hops) for size in sizes for hops in HOP_RUNS}
        self.steps = _recorded(steps) if pinned else steps

    def __call__(self, samples: torch.Tensor, state: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """As ``StreamingEncoder.forward``, without graphs."""
        return self._network(samples, state)

    def advance(self, samples: np.ndarray, state: np.ndarray | torch.Tensor, rows: np.ndarray) -> np.ndarray:
        """Advance ``rows`` (B,), no two alike, of ``state`` (R, n_state) in place by ``samples`` (B, 32, 25 n), n >= 1.

        Returns (B, n, S + 30). The host fills one lane while the device computes what came by the other.
        """
        arena, index = torch.as_tensor(state), torch.as_tensor(rows, device=self.device)
        runs = runs_of(samples.shape[2] // HOP_INPUTS, HOP_RUNS)
        out = np.empty((len(rows), runs[-1].stop, self._n_out), np.float32)
        with self._one_at_a_time, torch.no_grad():
            for part, size in batches(len(rows), self._sizes):
                mine = self._state[: part.stop - part.start]  # what rows of the batch lie behind is nobody's
                torch.index_select(arena, 0, index[part], out=mine)
                for hops in runs:
                    self._run(size, samples[part, :, hops.start * HOP_INPUTS : hops.stop * HOP_INPUTS], out[part, hops])
                arena.index_copy_(0, index[part], mine)
            for lane in self._lanes:
                lane.hand_over()
        return out

    def _run(self, size: int, samples: np.ndarray, out: np.ndarray) -> None:
        """Queue one call for as many rows as ``samples`` has, in a batch of ``size``; ``out`` is written later."""
        n_rows, n_hops, _ = out.shape
        on_device = _shaped(self._samples, size, 2 * N_LEADS, n_hops * HOP_INPUTS)[:n_rows]
        scores = _shaped(self._scores, size, n_hops, self._n_out)[:n_rows]
        lane = next(self._turns)
        lane.bring(samples, on_device)
        self.steps[size, n_hops]()
        lane.fetch(scores, out)

    def _step_of(self, size: int, hops: int) -> Callable[[], None]:
        """What a graph records: no shape depends on a value, nothing waits for the device or goes to the host."""
        samples = _shaped(self._samples, size, 2 * N_LEADS, hops * HOP_INPUTS)
        scores, state = _shaped(self._scores, size, hops, self._n_out), self._state[:size]

        def step() -> None:
            scores.copy_(self._network(samples, state)[0])

        return step


class _Lane:
    """Memory of the host through which a batch goes to the device and its scores come back, without waiting."""

    def __init__(self, n_samples: int, n_scores: int, pinned: bool):
        self._samples, self._scores = (torch.empty(n, pin_memory=pinned) for n in (n_samples, n_scores))
        self._done = torch.cuda.Event(blocking=True) if pinned else None
        self._wanted: np.ndarray | None = None

    def bring(self, samples: np.ndarray, to: torch.Tensor) -> None:
        """Send ``samples`` on their way, once what went before has come back."""
        self.hand_over()
        host = _shaped(self._samples, *samples.shape)
        np.copyto(host.numpy(), samples)
        to.copy_(host, non_blocking=True)

    def fetch(self, scores: torch.Tensor, out: np.ndarray) -> None:
        """Have ``scores`` come, to be handed over to ``out``."""
        _shaped(self._scores, *out.shape).copy_(scores, non_blocking=True)
        self._wanted = out
        if self._done is not None:
            self._done.record()

    def hand_over(self) -> None:
        """Wait for what is on its way."""
        if self._wanted is None:
            return
        if self._done is not None:
            self._done.synchronize()
        np.copyto(self._wanted, _shaped(self._scores, *self._wanted.shape).numpy())
        self._wanted = None


def batches(n_rows: int, sizes: tuple[int, ...]) -> Iterator[tuple[slice, int]]:
    """Parts of so many rows, and the size of batch that each goes in: the greatest of which it fills half, if any."""
    start = 0
    while start < n_rows:
        size = next((size for size in sizes if size <= 2 * (n_rows - start)), sizes[-1])
        stop = min(start + size, n_rows)
        yield slice(start, stop), size
        start = stop


def _recorded(steps: dict[tuple[int, int], Callable[[], None]]) -> dict[tuple[int, int], Callable[[], None]]:
    """The replay of each step's graph. All share memory: of what lies in it, no graph needs anything of another's."""
    replays, pool, aside = {}, torch.cuda.graph_pool_handle(), torch.cuda.Stream()
    with _one_capture, torch.no_grad():
        for key, step in steps.items():
            aside.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(aside):
                for _ in range(_WARM_RUNS):
                    step()
            torch.cuda.current_stream().wait_stream(aside)
            graph = torch.cuda.CUDAGraph()
            # Another thread may be serving by the model that this one is to replace: its calls are its own.
            with torch.cuda.graph(graph, pool=pool, stream=aside, capture_error_mode="thread_local"):
                step()
            replays[key] = graph.replay
    return replays


def _network_of(scripted: torch.jit.ScriptModule, device: torch.device) -> StreamingEncoder:
    """The network of a loaded encoder, not scripted, on ``device``, its weights in the same precision."""
    weights = dict(scripted.state_dict())
    network = rebuilt(weights).requires_grad_(False)
    for name, parameter in network.named_parameters():
        parameter.data = parameter.data.to(weights[name].dtype)
    network.prepare()
    network.encoder.stem.heard = _every_lead  # which some bed has, only the host could tell
    network.to(device)
    network.by_hop, network.by_stride = (
        [[part.to(device) for part in parts] for parts in maps] for maps in (network.by_hop, network.by_stride)
    )
    return network


def _every_lead(valid: torch.Tensor) -> torch.Tensor:
    return torch.arange(N_LEADS, device=valid.device)


def apart(encoder: GraphedEncoder | BatchedEncoder, scripted: torch.jit.ScriptModule, sizes: tuple[int, ...]) -> float:
    """How far scores lie apart, at most, from those of ``scripted`` on the CPU after twice 2.4 s of noise, of as many
    beds as each of ``sizes`` says, with all, some and no leads."""
    draw = torch.Generator().manual_seed(0)
    runs = [slice(run.start * HOP_INPUTS, run.stop * HOP_INPUTS) for run in runs_of(_HOPS_TRIED, HOP_RUNS)]
    state, calls = torch.zeros(_BEDS_TRIED, encoder.n_state), []
    for _ in range(2):
        samples = torch.randn((_BEDS_TRIED, 2 * N_LEADS, _HOPS_TRIED * HOP_INPUTS), generator=draw)
        samples[:, N_LEADS:] = 1.0
        samples[1, 3:N_LEADS] = samples[1, N_LEADS + 3 :] = samples[2] = 0.0
        with torch.no_grad():
            wanted = torch.cat([scripted(samples[:, :, run], state)[0] for run in runs], 1)
        calls.append((samples.numpy(), wanted.numpy()))
    found = []
    for size in sizes:
        bed, rows = np.arange(size) % _BEDS_TRIED, np.arange(size)[::-1].copy()
        arena = torch.zeros((size, encoder.n_state), device=encoder.device)
        found += [np.abs(encoder.advance(samples[bed], arena, rows) - wanted[bed]).max() for samples, wanted in calls]
    return float(np.max(found))  # NaN where there is one


def _shaped(flat: torch.Tensor, *shape: int) -> torch.Tensor:
    """The first of ``flat``, in this shape."""
    return flat[: prod(shape)].view(shape)
