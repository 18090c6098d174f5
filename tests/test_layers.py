"""The order of the rooms: who may import whom, read from the source itself."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "ecgstream"
PURE = ("waveform", "errors", "limits", "rows", "conditioning", "rhythm", "alarms", "beats", "pulse", "strips")
PURE += ("electrodes", "fused", "shedding", "cutting")
IO_ROOMS = ("wire", "sources", "sinks", "kafka", "outbound", "hl7")
ARRAY_LIBRARIES = {"numpy", "scipy", "numba"}
FORBIDDEN_IN_PURE = {"asyncio", "time", "datetime", "logging", "structlog", "socket", "threading", "torch", "pathlib"}


def _modules(room: str) -> list[Path]:
    single = PACKAGE / f"{room}.py"
    return [single] if single.exists() else sorted(p for p in (PACKAGE / room).rglob("*.py") if "_pb2" not in p.name)


def over_modules_of(*rooms: str) -> pytest.MarkDecorator:
    paths = [path for room in rooms for path in _modules(room)]
    return pytest.mark.parametrize("path", paths, ids=lambda path: str(path.relative_to(PACKAGE)))


def _imports(path: Path) -> set[str]:
    """Top-level names of foreign packages; ``ecgstream.<room>`` for our own."""
    found = set()
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add(node.module.split(".")[0])
        elif isinstance(node, ast.ImportFrom):
            base = [*parts[: len(parts) - node.level], *(node.module or "").split(".")]
            rooms = [base[1]] if len(base) > 1 and base[1] else [alias.name for alias in node.names]
            found |= {f"ecgstream.{room}" for room in rooms}
    return found


@over_modules_of(*PURE)
def test_pure_rooms_have_no_clock_no_io_and_no_torch(path: Path):
    assert not _imports(path) & FORBIDDEN_IN_PURE


@over_modules_of(*PURE)
def test_pure_rooms_import_only_pure_rooms(path: Path):
    own = {name for name in _imports(path) if name.startswith("ecgstream.")}
    assert own <= {f"ecgstream.{room}" for room in PURE}


@over_modules_of(*IO_ROOMS)
def test_rooms_that_do_io_know_nothing_of_signals(path: Path):
    own = {name for name in _imports(path) if name.startswith("ecgstream.")}
    common = ("waveform", "errors", "settings", "clock", "bridge_health")
    assert own <= {f"ecgstream.{room}" for room in (*IO_ROOMS, *common)}
    # Bytes of many messages are read at once by a kernel; nothing else here computes.
    computing = {"torch", "scipy"} if path.name == "plain.py" else {"torch", "scipy", "numba"}
    assert not _imports(path) & computing


@over_modules_of("web")
def test_the_ward_page_knows_nothing_of_signals(path: Path):
    signals = {f"ecgstream.{room}" for room in ("intake", "conditioning", "rhythm", "beats", "diagnosis", "pipeline")}
    assert not _imports(path) & ({"torch", "scipy", "numba"} | signals)


@over_modules_of("labelled")
def test_of_labelled_recordings_only_what_reads_them_opens_files(path: Path):
    if path.stem not in ("reading", "table"):
        assert not _imports(path) & (FORBIDDEN_IN_PURE | {"pandas", "wfdb"})


def test_nobody_below_the_daemon_imports_it():
    for path in PACKAGE.rglob("*.py"):
        if path.parent == PACKAGE and path.stem in {"daemon"} or "cli" in path.parts:
            continue
        assert "ecgstream.daemon" not in _imports(path), path


def test_training_reads_signals_through_the_daemons_own_conditioning():
    imports = set().union(*(_imports(path) for path in _modules("training")))
    assert "ecgstream.conditioning" in imports or "ecgstream.evaluation" in imports
