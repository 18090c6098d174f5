"""Every recording there is, without its labels: windows of ten seconds as the daemon's conditioning leaves them."""

from __future__ import annotations

import hashlib
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import structlog
from rich.progress import track

from .. import conditioning
from ..conditioning import condition_record
from ..errors import EcgstreamError, RecordError
from ..evaluation.records import Record, read_record, record_names
from ..labelled import SAMPLES
from ..labelled.records import SLOTS
from ..settings import ConditioningSettings
from ..waveform import GRID_HZ
from .labels import DS1

DATA_SETS = ("ptbxl", "ptbxl250", "ludb", "cinc2011", "cinc2015", "mitdb", "vfdb", "cinc2017")
ARCHIVES = ("cinc2017",)
LEAST_S = 5.0
"""A window with less signal in every lead is left out."""
MOST_WINDOWS = 60
"""Of one recording, spread over it: half an hour of one patient is not 180 patients."""
ANY_LEAD = 1
"""Where a lead goes whose name says nothing: the network takes it for lead II."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Windows:
    """N windows with the same leads."""

    data_set: str
    leads: np.ndarray  # int64 (C,), index into labelled.LEADS
    mv: np.ndarray  # float16 (N, C, 2500)
    record: np.ndarray  # str (N,)

    def __len__(self) -> int:
        return len(self.mv)


def read_unlabelled(data: Path, cache: Path) -> list[Windows]:
    """Windows of every data set that is in ``data``, by data set and leads; kept in ``cache``.

    MITDB's DS2 is never read. Raises RecordError when there is nothing.
    """
    parts = [part for name in DATA_SETS for part in _of_data_set(name, data, cache)]
    if not parts:
        raise RecordError(f"{data} holds none of {', '.join(DATA_SETS)}; name the folder of data sets.")
    return _each_once(parts)


def _of_data_set(name: str, data: Path, cache: Path) -> list[Windows]:
    source = data / (f"{name}.tar" if name in ARCHIVES else name)
    if not source.exists():
        return []
    kept = cache / f"unlabelled-{name}-{_hash(source)}.npz"
    if not kept.exists():
        cache.mkdir(parents=True, exist_ok=True)
        partly = kept.with_suffix(".partly.npz")
        np.savez(partly, **_by_leads(name, source))
        partly.replace(kept)
    with np.load(kept, allow_pickle=False) as columns:
        groups = sorted({key.split("/")[0] for key in columns.files})
        return [
            Windows(name, np.array([int(lead) for lead in group]), columns[f"{group}/mv"], columns[f"{group}/record"])
            for group in groups
        ]


def _by_leads(name: str, source: Path) -> dict[str, np.ndarray]:
    """Columns of ``Windows`` under the digits of the leads they have."""
    groups: dict[str, list[tuple[np.ndarray, str]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        root = _unpacked(source, Path(folder)) if name in ARCHIVES else source
        names = [each for each in record_names(root) if name != "mitdb" or each in DS1]
        for each in track(names, f"reading {name}", transient=True):
            try:
                record = read_record(root / each)
            except (EcgstreamError, ValueError) as error:
                log.warning("a recording is left out", record=str(root / each), fault=str(error))
                continue
            for leads, mv in windows_of(record):
                groups.setdefault("".join(map(str, leads)), []).append((mv, each))
    columns = {}
    for group, windows in groups.items():
        columns[f"{group}/mv"] = np.stack([mv for mv, _ in windows])
        columns[f"{group}/record"] = np.array([record for _, record in windows])
    return columns


def windows_of(record: Record) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Leads (C,) and mV float16 (C, 2500) of at most MOST_WINDOWS windows; what is missing is 0."""
    block = condition_record(
        record.adu, record.fs_hz, record.slots, record.mv_per_adu, record.baseline_adu, ConditioningSettings().mains_hz
    )
    mv, valid = block.ecg_mv[0, SLOTS], block.valid[0, SLOTS]
    if not valid.any():  # a lead without a name
        slots = np.flatnonzero(block.valid[0].any(axis=1))[:1]
        mv[ANY_LEAD : ANY_LEAD + len(slots)] = block.ecg_mv[0, slots]
        valid[ANY_LEAD : ANY_LEAD + len(slots)] = block.valid[0, slots]
    count = max(1, mv.shape[1] // SAMPLES)
    for place in np.unique(np.linspace(0, count - 1, min(count, MOST_WINDOWS)).astype(int)):
        span = slice(place * SAMPLES, (place + 1) * SAMPLES)
        leads = np.flatnonzero(valid[:, span].sum(axis=1) >= LEAST_S * GRID_HZ)
        if len(leads):
            cut = np.zeros((len(leads), SAMPLES), np.float16)
            there = np.where(valid[leads, span], mv[leads, span], 0)
            cut[:, : there.shape[1]] = there
            yield leads, cut


def _each_once(parts: list[Windows]) -> list[Windows]:
    """Without the records of ``ptbxl250`` that ``ptbxl`` has, too."""
    known = {name for part in parts if part.data_set == "ptbxl" for name in part.record}
    kept = []
    for part in parts:
        own = np.array([part.data_set != "ptbxl250" or name not in known for name in part.record])
        kept.append(Windows(part.data_set, part.leads, part.mv[own], part.record[own]))
    return [part for part in kept if len(part)]


def _unpacked(archive: Path, folder: Path) -> Path:
    with tarfile.open(archive) as opened:
        opened.extractall(folder, filter="data")
    return folder / archive.stem


def _hash(source: Path) -> str:
    """Changes with the code that reads, and with the files."""
    code = [Path(__file__), *sorted(Path(conditioning.__file__).parent.glob("*.py"))]
    said = hashlib.sha256(b"".join(file.read_bytes() for file in code))
    for file in sorted(source.glob("*.hea")) if source.is_dir() else [source]:
        said.update(f"{file.name}|{file.stat().st_size}\n".encode())
    return said.hexdigest()[:12]
