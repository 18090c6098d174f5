"""MiniRocket (aeon's) with logistic regression on the five folds of the foundation networks.

aeon needs an older numba than ecgstream's tests run with, so the features are made in an environment of their own:

    python benchmarks/minirocket.py arrays DATA arrays.npz
    python -m venv peers && peers/bin/pip install aeon
    peers/bin/python benchmarks/minirocket.py features arrays.npz features.npy
    python benchmarks/minirocket.py score DATA features.npy

Ten seconds of eight leads at 125 Hz in millivolts, 10,000 kernels. Their biases are quantiles of recordings of folds 1
to 4, whose labels play no part; the regression never sees the fold it is scored on; its penalty is that of our rocket.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np


def arrays(data: Path, out: Path) -> None:
    """Write signals float32 (N, 8, 1250) and folds."""
    from ecgstream.labelled.reading import read_ptbxl

    records = read_ptbxl(data, Path(".cache"))
    mv = records.mv.astype(np.float32)
    np.savez(out, mv=(mv[:, :, ::2] + mv[:, :, 1::2]) / 2, fold=records.fold)


def features(signals: Path, out: Path) -> None:
    """Write MiniRocket's features (N, 9996)."""
    from aeon.transformations.collection.convolution_based import MiniRocket

    kept = np.load(signals)
    rocket = MiniRocket(n_kernels=10_000, random_state=0, n_jobs=1)
    rocket.fit(kept["mv"][kept["fold"] != 0])
    np.save(out, np.asarray(rocket.transform(kept["mv"]), np.float32))


def score(data: Path, found: Path) -> None:
    """Print superclass and statement figures, all folds together, with intervals by patient."""
    import json

    import torch

    from ecgstream.labelled.reading import read_ptbxl
    from ecgstream.models.rocket import Rocket
    from ecgstream.models.trunk import Classifier
    from ecgstream.training.foundation import calibrated, metrics_of, rocket_logits, taught_by

    taught = taught_by(read_ptbxl(data, Path(".cache")))
    shares = torch.from_numpy(np.load(found))
    logits = rocket_logits(taught, Classifier(Rocket(), len(taught.labels)), shares)
    judged = np.ones(len(logits), bool)
    print(json.dumps(metrics_of(taught, logits, calibrated(logits, taught.targets), judged), indent=1))


if __name__ == "__main__":
    step, *paths = sys.argv[1:] or [""]
    steps = {each.__name__: each for each in (arrays, features, score)}
    if step not in steps or len(paths) != 2:
        sys.exit(__doc__)
    steps[step](*map(Path, paths))
