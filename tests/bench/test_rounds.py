"""Rounds over a filled arena: the form that serves is the one measured, and figures fit together."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console

from ecgstream.bench import rounds
from ecgstream.bench.encoder import run_encoder_bench
from ecgstream.bench.flops import flops_per_hop
from ecgstream.bench.rounds import measure_rounds, rounds_table
from ecgstream.diagnosis import Model
from ecgstream.diagnosis.graphed import GraphedEncoder
from ecgstream.diagnosis.loader import load_torchscript
from ecgstream.models.encoder import EncoderShape

BEDS = 9


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rounds, "MEASURED_S", 0.0)
    monkeypatch.setattr(rounds, "LEAST_ROUNDS", 3)
    monkeypatch.setattr(rounds, "FILLING_ROUNDS", 1)
    monkeypatch.setattr(rounds, "COPIED_BYTES", {"cpu": 1 << 20})


def text_of(measured: dict) -> str:
    written = io.StringIO()
    Console(width=160, file=written).print(rounds_table(measured))
    return written.getvalue()


def test_figures_fit_together():
    measured = measure_rounds(None, "cpu", ("fp32", "bf16"), BEDS)
    assert [measured[precision]["form"] for precision in ("fp32", "bf16")] == ["compiled", "TorchScript"]
    assert measured["beds_in_real_time"] == measured["fp32"]["beds_in_real_time"]
    for found in (measured["fp32"], measured["bf16"]):
        assert found["round_s"]["count"] == 3 and found["round_s"]["p50"] <= found["round_s"]["p99"]
        ratio = found["beds_in_real_time"] / found["torchscript_beds_in_real_time"]
        assert found["times_torchscript"] == pytest.approx(ratio, rel=0.02, abs=0.01)
        reached = 5 * found["beds_in_real_time"] * flops_per_hop(EncoderShape(40), 12)
        assert found["roofline_fraction"] == pytest.approx(reached / found["peak_flop_per_s"], rel=1e-2, abs=1e-4)
        assert found["replay_ms_by_rows"] == {}
        n_state, samples, scores = 16360, 32 * 125, 5 * 70
        least = 4 * (2 * n_state + samples + scores) * found["beds_in_real_time"]
        assert found["least_bytes_per_s"] == pytest.approx(least, rel=1e-3)
    assert measured["bf16"]["model"].endswith("+bf16")
    assert "compiled" in text_of(measured) and "a graph alone" not in text_of(measured)


def test_graphs_are_measured_alone_as_well(monkeypatch: pytest.MonkeyPatch):
    shipped = load_torchscript(None, "cpu", "fp32")
    loaded = torch.jit.load(Path(rounds.__file__).parents[1] / "diagnosis" / "weights" / "encoder.pt").eval()
    loaded.prepare()
    graphed = Model(GraphedEncoder(loaded, torch.device("cpu"), (8, 2)), shipped.manifest, shipped.device)
    monkeypatch.setattr(rounds, "load_model", lambda *asked: graphed)
    measured = measure_rounds(None, "cpu", ("fp32",), BEDS)
    assert measured["fp32"]["form"] == "CUDA graphs" and list(measured["fp32"]["replay_ms_by_rows"]) == [8, 2]
    assert "a graph alone" in text_of(measured)


def test_a_device_that_cannot_take_torchscript_is_measured_all_the_same(monkeypatch: pytest.MonkeyPatch):
    def lost(*asked):
        raise RuntimeError("no kernel image")

    monkeypatch.setattr(rounds, "load_torchscript", lost)
    measured = measure_rounds(None, "cpu", ("fp32",), BEDS)
    assert measured["beds_in_real_time"] > 0 and measured["fp32"]["times_torchscript"] is None
    assert "—" in text_of(measured)


def test_a_round_brings_every_bed_its_own_second(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rounds, "DIFFERENT_BEDS", 4)
    samples = rounds._samples(6)
    assert samples.shape == (6, 32, 125) and samples[:, 16:28].all() and not samples[:, 12:16].any()
    assert np.array_equal(samples[4:], samples[:2]) and not np.array_equal(samples[0], samples[1])


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_a_gpu_that_is_not_there_is_a_sentence(capsys: pytest.CaptureFixture):
    assert run_encoder_bench(None, "cuda", None, 10, None) == 2
    assert "PyTorch finds none" in capsys.readouterr().out
