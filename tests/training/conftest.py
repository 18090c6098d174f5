"""Synthetic examples: enough of every data set to make batches of, without recordings."""

import numpy as np
import pytest

from ecgstream.training import labels
from ecgstream.training.batches import Sources
from ecgstream.training.examples import Example

HZ = 125


def example(dataset: str, seconds: int = 40, n_leads: int = 2, **known) -> Example:
    """Spikes 0.8 s apart, over noise."""
    rng = np.random.default_rng(len(dataset))
    mv = (0.05 * rng.standard_normal((n_leads, seconds * HZ))).astype(np.float16)
    beat_s = np.arange(0.5, seconds - 0.5, 0.8)
    delay_s = 0.03
    mv[:, ((beat_s + delay_s) * HZ).astype(int)] = 1.0
    known.setdefault("targets", np.zeros(labels.N_SCORES, np.float32))
    return Example(
        dataset, "1", np.arange(n_leads), mv, np.ones(mv.shape, bool), delay_s, beat_s=beat_s,
        beat_class=np.zeros(len(beat_s), np.int64), **known,
    )  # fmt: skip


@pytest.fixture(scope="session")
def sources() -> Sources:
    per_hop = np.zeros((200, labels.N_SCORES), np.float32)
    per_hop[100:150, labels.VF] = 1
    examples = {
        "ptbxl": [example("ptbxl", 10, 12)],
        "cinc2011": [example("cinc2011", 10, 12)],
        "mitdb": [example("mitdb", targets=per_hop, beats_known=True)],
        "vfdb": [example("vfdb", targets=per_hop)],
        "cinc2017": [example("cinc2017", 15, 1, group=label, beats_known=label in "NA") for label in "NAO~"],
        "cinc2015": [example("cinc2015", rises=labels.VT, targets=np.full(labels.N_SCORES, np.nan, np.float32))],
    }
    noise = np.random.default_rng(0).standard_normal((2, 10_000)).astype(np.float16)
    return Sources(examples, [noise])
