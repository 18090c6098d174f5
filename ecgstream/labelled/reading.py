"""Folders of labelled recordings: PTB-XL's layout, or any WFDB records with ``Dx:`` lines in their headers."""

from __future__ import annotations

import ast
import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import structlog
from rich.progress import track

from .. import conditioning, recorded
from ..conditioning import condition_record
from ..errors import EcgstreamError, RecordError
from ..evaluation.records import Record, read_record
from ..settings import ConditioningSettings
from . import statements
from .records import SAMPLES, SLOTS, LabelledRecords, concatenated

PTBXL_TABLE = "ptbxl_database.csv"
PTBXL_FOLDERS = ("ptbxl", "ptbxl250")
PTBXL_OLDEST = 89.0  # above it the table states 300
_DIAGNOSES = re.compile(r"^\s*#?\s*Dx:\s*(.*)$", re.IGNORECASE)
_PERSON = re.compile(r"^\s*#?\s*<?(age|sex)>?:\s*(\S+)", re.IGNORECASE)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Listed:
    """A recording and what is known of it, before it is read."""

    path: Path  # without extension where it is a WFDB record
    patient: str
    stated: frozenset[str] = field(default_factory=frozenset)
    age: float = np.nan
    sex: float = np.nan


def read_labelled(folder: Path, cache: Path | None = None) -> LabelledRecords:
    """Every labelled recording under ``folder``, conditioned as the daemon does.

    Where there is a table ``ptbxl_database.csv`` its rows are read, as far as their records are there, whatever their
    rate and leads; else every WFDB record whose header has a line ``Dx:`` with SNOMED CT or SCP codes. ``cache``: a
    folder that keeps what was read, under the hash of the code, the folder's files and the table.
    Raises RecordError when there is nothing to read.
    """
    tables = sorted(folder.rglob(PTBXL_TABLE), key=lambda path: len(path.parts))
    listed = list(_of_table(tables[0], folder) if tables else _of_headers(folder))
    if not listed:
        wanted = f"a record of {tables[0]}" if tables else f"{PTBXL_TABLE}, nor a WFDB header with a line '# Dx: …'"
        raise RecordError(f"{folder} holds no labelled recording: there is neither {wanted}; check the folder.")
    return read_listed("ptbxl" if tables else folder.name, listed, cache)


def read_ptbxl(data: Path, cache: Path) -> LabelledRecords:
    """Every PTB-XL record under ``data``, once by its ``ecg_id``. Raises RecordError when there is none."""
    parts = [read_labelled(data / name, cache) for name in PTBXL_FOLDERS if (data / name / PTBXL_TABLE).exists()]
    if not parts:
        raise RecordError(f"{data} holds neither of {', '.join(PTBXL_FOLDERS)}; name the folder of data sets.")
    records = concatenated(parts)
    return records.take(np.unique(records.name, return_index=True)[1])


def read_listed(data_set: str, listed: list[Listed], cache: Path | None = None) -> LabelledRecords:
    """The recordings that are listed; from the ``cache`` where nothing has changed. Raises RecordError."""
    path = cache / f"labelled-{data_set}-{_hash(listed)}.npz" if cache else None
    if path is not None and path.exists():
        return _load(path)
    records = _read(data_set, listed)
    if path is not None:
        _save(records, path)
    return records


def list_ptbxl(data: Path) -> list[Listed]:
    """PTB-XL's records under ``data``, each ``ecg_id`` once, without reading a signal. Raises RecordError."""
    folders = [data / name for name in PTBXL_FOLDERS if (data / name / PTBXL_TABLE).exists()]
    stated = [each for folder in reversed(folders) for each in _of_table(folder / PTBXL_TABLE, folder)]
    listed = {_own_name(each.path): each for each in stated}
    if not listed:
        raise RecordError(f"{data} holds neither of {', '.join(PTBXL_FOLDERS)}; name the folder of data sets.")
    return [listed[name] for name in sorted(listed)]


def _read(data_set: str, listed: list[Listed]) -> LabelledRecords:
    """The recordings that can be read; the log names the others. Raises RecordError when none can be."""
    mv = np.zeros((len(listed), len(SLOTS), SAMPLES), np.float16)
    present, length = np.zeros(mv.shape[:2], bool), np.zeros(len(listed), np.int64)
    for row, each in enumerate(track(listed, f"reading {data_set}", transient=True)):
        try:
            length[row] = _condition(read_record(each.path), mv[row], present[row])
        except (EcgstreamError, ValueError) as error:
            log.warning("a recording is left out", record=str(each.path), fault=str(error))
    if not length.any():
        raise RecordError(f"None of the {len(listed)} labelled recordings of {data_set} can be read; the log says why.")
    records = LabelledRecords(
        data_set=data_set,
        name=np.array([_own_name(each.path) for each in listed]),
        patient=np.array([each.patient for each in listed]),
        mv=mv,
        present=present,
        length=length,
        stated=tuple(each.stated for each in listed),
        age=np.array([each.age for each in listed], np.float32),
        sex=np.array([each.sex for each in listed], np.float32),
    )
    return records if length.all() else records.take(length > 0)


def _condition(record: Record, mv: np.ndarray, present: np.ndarray) -> int:
    """Fill ``mv`` and ``present`` from the first ten seconds of a record; how many samples they hold."""
    wanted = int(SAMPLES * record.fs_hz / 250) + 1
    block = condition_record(
        record.adu[:, :wanted], record.fs_hz, record.slots, record.mv_per_adu, record.baseline_adu,
        ConditioningSettings().mains_hz,
    )  # fmt: skip
    length = min(block.ecg_mv.shape[2], SAMPLES)
    mv[:, :length] = block.ecg_mv[0, SLOTS, :length]
    present[:] = block.valid[0, SLOTS].any(axis=1)
    return length


def _of_table(table: Path, folder: Path) -> Iterator[Listed]:
    import pandas as pd

    paths = _by_number(folder)
    for row in pd.read_csv(table).itertuples():
        if (path := paths.get(int(row.ecg_id))) is None:
            continue
        age, sex = (float(getattr(row, name, np.nan)) for name in ("age", "sex"))
        patient = getattr(row, "patient_id", np.nan)
        yield Listed(
            path=path,
            patient=str(int(patient)) if patient == patient else path.stem,
            stated=_statements(row.scp_codes, table, row.ecg_id),
            age=age if age <= PTBXL_OLDEST else np.nan,
            sex=sex,
        )


def _statements(cell: str, table: Path, ecg_id: int) -> frozenset[str]:
    try:
        return frozenset(ast.literal_eval(cell))
    except (ValueError, SyntaxError, TypeError) as error:
        raise RecordError(
            f"scp_codes of ecg_id {ecg_id} in {table} must be a dictionary such as {{'NORM': 100.0}}; found {cell!r}."
        ) from error


def _by_number(folder: Path) -> dict[int, Path]:
    """Paths without extension by the number in their names; of one at several rates that of the highest."""
    headers = sorted(folder.rglob("*.hea"), key=lambda path: ("_lr" not in path.stem, path))
    numbered = ((re.search(r"\d+", header.stem), header.with_suffix("")) for header in headers)
    return {int(number.group()): path for number, path in numbered if number}


def _of_headers(folder: Path) -> Iterator[Listed]:
    for header in sorted(folder.rglob("*.hea")):
        lines = header.read_text(encoding="utf-8", errors="replace").splitlines()
        if found := next((match.group(1) for line in lines if (match := _DIAGNOSES.match(line))), None):
            person = {match.group(1).lower(): match.group(2) for line in lines if (match := _PERSON.match(line))}
            yield Listed(
                path=header.with_suffix(""),
                patient=header.stem,
                stated=stated_by(found.split(",")),
                age=_number(person.get("age", "")),
                sex={"f": 1.0, "m": 0.0}.get(person.get("sex", "")[:1].lower(), np.nan),
            )


def stated_by(codes: Iterable[str]) -> frozenset[str]:
    """Statements from SNOMED CT or SCP codes; codes with no statement here are left out."""
    known = {*statements.STATEMENTS, *statements.SUPERCLASSES}
    named = [statements.SNOMED.get(code.strip(), code.strip().upper()) for code in codes]
    return frozenset(name for name in named if name in known)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return np.nan


def _own_name(path: Path) -> str:
    """A record's name; of PTB-XL's the number alone, whichever rate it is read at."""
    return re.sub(r"_(hr|lr)$", "", path.name)


def _hash(listed: list[Listed]) -> str:
    """Changes with the code that reads, and with what is read."""
    rooms = (Path(conditioning.__file__).parent, Path(recorded.__file__).parent)
    files = [Path(__file__), *(file for room in rooms for file in sorted(room.glob("*.py")))]
    said = hashlib.sha256(b"".join(file.read_bytes() for file in files))
    for each in listed:
        header = each.path.with_name(f"{each.path.name}.hea")
        stat = (header if header.exists() else each.path).stat()
        said.update(f"{each.path}|{stat.st_size}|{stat.st_mtime_ns}|{sorted(each.stated)}|{each.patient}\n".encode())
    return said.hexdigest()[:12]


def _save(records: LabelledRecords, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {name: getattr(records, name) for name in ("name", "patient", "mv", "present", "length", "age", "sex")}
    stated = json.dumps([sorted(each) for each in records.stated])
    partly = path.with_suffix(".partly.npz")
    np.savez(partly, data_set=records.data_set, stated=stated, **columns)
    partly.replace(path)


def _load(path: Path) -> LabelledRecords:
    with np.load(path, allow_pickle=False) as kept:
        columns = {name: kept[name] for name in kept.files if name not in ("stated", "data_set")}
        stated = tuple(frozenset(each) for each in json.loads(str(kept["stated"])))
        return LabelledRecords(data_set=str(kept["data_set"]), stated=stated, **columns)
