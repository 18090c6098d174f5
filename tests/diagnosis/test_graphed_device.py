"""What a GPU would ask of the encoder's steps, by stand-ins: one device, a graph that is replayed, and a queue."""

from contextlib import contextmanager
from unittest.mock import MagicMock

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from ecgstream.diagnosis.graphed import GraphedEncoder, _recorded, apart
from ecgstream.models.encoder import Stem

from .graphs import SIZES, prepared


class OneDevice(TorchDispatchMode):
    """What is computed, operation by operation; an error where it leaves ``device``, as a graph must not."""

    def __init__(self, device: str):
        super().__init__()
        self.device, self.done = device, []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        met = [each for each in (*args, *(args[0] if isinstance(args[0], list) else ()), out) if torch.is_tensor(each)]
        assert {each.device.type for each in met} <= {self.device}, function
        self.done.append((str(function), [(each.shape, each.dtype, each.stride()) for each in met]))
        return out


@pytest.mark.parametrize("bf16", [False, True])
def test_no_step_waits_for_a_value_or_leaves_the_device(small_folder, bf16: bool):
    loaded = prepared(small_folder, bf16)
    encoder = GraphedEncoder(loaded, torch.device("meta"), SIZES)
    weights = dict(encoder._network.named_parameters())
    assert {weights[name].dtype for name in loaded.lowered} == {torch.bfloat16 if bf16 else torch.float32}
    assert set(encoder.steps) == {(size, hops) for size in SIZES for hops in (1, 5)}
    for step in encoder.steps.values():
        with OneDevice("meta") as seen, torch.no_grad():
            step()
        assert len(seen.done) > 100


def test_a_step_that_asks_which_leads_are_there_is_seen(small_folder):
    encoder = GraphedEncoder(prepared(small_folder), torch.device("meta"), SIZES)
    stem = encoder._network.encoder.stem
    stem.heard = lambda valid: Stem.heard(stem, valid)
    with pytest.raises(NotImplementedError, match="nonzero"), torch.no_grad():
        encoder.steps[2, 1]()


def test_what_a_step_computes_does_not_depend_on_what_is_there(small_folder):
    encoder = GraphedEncoder(prepared(small_folder), torch.device("cpu"), SIZES)
    done = []
    for fill in (0.0, 1.0, torch.nan):
        encoder._samples.fill_(fill)
        with OneDevice("cpu") as seen, torch.no_grad():
            encoder.steps[4, 5]()
        done.append(seen.done)
    assert done[0] == done[1] == done[2]


class Recorded(TorchDispatchMode):
    """A CUDA graph for the CPU: operations as they were, on the arrays that they had, without the Python between."""

    def __init__(self):
        super().__init__()
        self.done = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        self.done.append((function, args, kwargs or {}, out))
        return out

    def replay(self) -> None:
        for function, args, kwargs, out in self.done:
            again = function(*args, **kwargs)
            for before, after in zip(_tensors(out), _tensors(again), strict=True):
                if before.data_ptr() != after.data_ptr():
                    before.copy_(after)


def _tensors(out) -> list[torch.Tensor]:
    return [out] if torch.is_tensor(out) else list(out)


def test_what_was_recorded_goes_on_with_what_the_arrays_hold(small_folder, monkeypatch):
    """As PyTorch's documentation asks: warm runs and recording on one stream aside, one pool for all graphs."""
    main, aside, ran = MagicMock(), MagicMock(), []

    @contextmanager
    def within(stream):
        ran.append([stream])
        yield

    @contextmanager
    def graph(recording, pool, stream, capture_error_mode):
        assert (pool, stream, capture_error_mode) == ("pool", aside, "thread_local")
        with recording, within(stream):
            yield

    for name, fake in {
        "graph_pool_handle": lambda: "pool", "Stream": lambda: aside, "current_stream": lambda: main, "stream": within,
        "CUDAGraph": Recorded, "graph": graph,
    }.items():  # fmt: skip
        monkeypatch.setattr(torch.cuda, name, fake)
    encoder = GraphedEncoder(prepared(small_folder), torch.device("cpu"), SIZES)
    network = encoder._network
    monkeypatch.setattr(encoder, "_network", lambda *asked: (ran[-1].append("ran"), network(*asked))[1])
    encoder.steps = _recorded(encoder.steps)
    assert ran == [[aside, *["ran"] * 3], [aside, "ran"]] * (2 * len(SIZES))
    assert aside.wait_stream.call_count == main.wait_stream.call_count == 2 * len(SIZES)
    monkeypatch.setattr(encoder, "_network", None)  # no more Python
    assert apart(encoder, prepared(small_folder), (*SIZES, 15)) < 1e-5


class Queue(TorchDispatchMode):
    """A stream of a device: what writes waits there until somebody waits for it; the host goes on meanwhile."""

    def __init__(self):
        super().__init__()
        self.waiting, self.done, self.at_work = [], 0, False

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        writes = {"index_select.out": "out", "index_copy_.default": 0, "copy_.default": 0}
        where = writes.get(str(function).removeprefix("aten."))
        if where is None or self.at_work:
            return function(*args, **(kwargs or {}))
        self.waiting.append(lambda: function(*args, **(kwargs or {})))
        return kwargs["out"] if where == "out" else args[where]

    def wait(self, until: int) -> None:
        self.at_work = True
        for write in self.waiting[self.done : until]:
            write()
        self.done, self.at_work = max(self.done, until), False


class Event:
    """Of a queue: what stood there when it was recorded has been done once it is waited for."""

    def __init__(self, queue: Queue):
        self.queue, self.at = queue, 0

    def record(self) -> None:
        self.at = len(self.queue.waiting)

    def synchronize(self) -> None:
        self.queue.wait(self.at)


def test_a_device_that_takes_its_time_is_waited_for(small_folder):
    """Nothing is taken from, or put into, a lane's memory before the device is through with it."""
    encoders = [GraphedEncoder(prepared(small_folder), torch.device("cpu"), SIZES) for _ in range(2)]
    arenas = [torch.zeros((40, encoders[0].n_state)) for _ in range(2)]
    rows, queue, slow = np.arange(40)[::-1].copy(), Queue(), encoders[1]
    slow.steps = {key: lambda step=step: queue.waiting.append(step) for key, step in slow.steps.items()}
    for lane in slow._lanes:
        lane._done = Event(queue)
    for call in range(2):
        samples = torch.randn((40, 32, 12 * 25), generator=torch.Generator().manual_seed(call)).numpy()
        wanted = encoders[0].advance(samples, arenas[0], rows)
        with queue:
            said = slow.advance(samples, arenas[1], rows)
            samples[:] = np.nan
        np.testing.assert_array_equal(said, wanted)
        assert queue.done < len(queue.waiting)
    with torch.no_grad():
        queue.wait(len(queue.waiting))
    assert torch.equal(arenas[1], arenas[0])
