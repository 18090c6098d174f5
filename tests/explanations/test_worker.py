"""The process that explains: it ends with the daemon, however that ends."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from ecgstream.errors import ModelError
from ecgstream.explanations import worker

from ..alert_strips.test_draw import alert
from .probes import LinearProbe

KILLED = """
import multiprocessing, os, signal
from concurrent.futures import ProcessPoolExecutor
from ecgstream.explanations import worker
pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), worker.load, (None,))
print(pool.submit(os.getpid).result(), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_version_that_lies_there_no_more_is_not_explained_by_another(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(worker, "_probe", LinearProbe(np.ones((1, 1))))
    strip = alert().strip.SerializeToString()
    with pytest.raises(ModelError, match=r"holds foundation_cnn_0@.* by now; scores of gone@1 are not explained"):
        worker.explained_diagnosis(strip, "MI", {"stream_id": "bed-1"}, 50, "gone@1", "foundation_cnn_0")


def test_it_does_not_outlive_a_daemon_that_is_killed():
    told = subprocess.run([sys.executable, "-c", KILLED], stdout=subprocess.PIPE, text=True, timeout=100)
    process = Path(f"/proc/{int(told.stdout)}")
    deadline_s = time.monotonic() + 20
    while process.exists() and "(zombie)" not in (process / "status").read_text():
        assert time.monotonic() < deadline_s
        time.sleep(0.1)
