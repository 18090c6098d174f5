"""Untrained model directories, of a small encoder and of one with a compiled form, and conditioned blocks of noise."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ecgstream.diagnosis.graphed import GraphedEncoder
from ecgstream.diagnosis.loader import load_model
from ecgstream.models.encoder import Encoder, EncoderShape
from ecgstream.models.export import export_model
from ecgstream.waveform import HOP_SAMPLES, N_LEADS, Conditioned, Reason

from ..untrained import small_shape, untrained_model
from .graphs import prepared

NAMES = ("NORM", "rhythm.vf")


@pytest.fixture(scope="session", params=["TorchScript", "compiled"])
def model_folder(tmp_path_factory, request):
    torch.manual_seed(0)
    encoder = Encoder(EncoderShape(len(NAMES)) if request.param == "compiled" else small_shape(len(NAMES)))
    folder = tmp_path_factory.mktemp("model")
    calibration = torch.full((2,), 3.0), torch.zeros(2), torch.zeros(5)
    export_model(encoder, calibration, folder, NAMES, {"rhythm.vf": 0.5}, "records.json")
    return folder


@pytest.fixture(scope="session")
def small_folder(tmp_path_factory):
    return untrained_model(tmp_path_factory.mktemp("model"), 0, NAMES)


@pytest.fixture(scope="session", params=["served", "as on a GPU"])
def model(model_folder, request):
    served = load_model(model_folder, "cpu")
    if request.param == "served":
        return served
    return replace(served, encoder=GraphedEncoder(prepared(model_folder), torch.device("cpu"), (64, 16, 4)))


@pytest.fixture(scope="session")
def make_block():
    def make(rows, first_hop, n_hops, seed=0, new=False, valid=True) -> Conditioned:
        """Hops of noise that depend on the row and the hop alone, so that any cut has the same samples."""
        rows = np.asarray(rows)
        mv = np.stack([_noise(seed + row, first_hop, n_hops) for row in rows])
        ok = np.full(mv.shape, valid)
        ok[:, 4:] = False
        reason = np.where(ok.reshape(len(rows), N_LEADS, n_hops, -1).all(3), Reason.OK, Reason.MISSING).astype(np.uint8)
        reason[:, 4:] = Reason.ABSENT
        full = np.full(len(rows), first_hop)
        return Conditioned(
            rows=rows, n_hops=n_hops, first_hop=full, segment_hop=np.zeros_like(full),
            new_segment=np.full(len(rows), new), delay_samples=np.full(len(rows), 5.0, np.float32),
            ecg_mv=mv * ok, valid=ok, reason=reason, quality=(reason == Reason.OK).astype(np.float32),
            pace=np.zeros((len(rows), n_hops * HOP_SAMPLES), bool),
        )  # fmt: skip

    return make


def _noise(seed: int, first_hop: int, n_hops: int) -> np.ndarray:
    hops = [
        np.random.default_rng((seed, hop)).standard_normal((N_LEADS, HOP_SAMPLES), np.float32)
        for hop in range(first_hop, first_hop + n_hops)
    ]
    return np.concatenate(hops, 1)
