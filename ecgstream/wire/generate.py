"""Write ``ecgstream_pb2.py`` and its ``.pyi`` from ``ecgstream.proto``: ``python -m ecgstream.wire.generate``.

Needs grpcio-tools (the ``dev`` extra). Run it after every change of the schema and commit what it wrote.
"""

from __future__ import annotations

import sys
from pathlib import Path

WIRE = Path(__file__).parent


def generate(folder: Path = WIRE) -> None:
    """Compile the schema into ``folder``. Raises SystemExit when protoc finds a fault, which it prints."""
    from grpc_tools import protoc  # a developer's tool: the package itself must import without it

    arguments = ["protoc", f"-I{WIRE}", f"--python_out={folder}", f"--pyi_out={folder}", "ecgstream.proto"]
    if status := protoc.main(arguments):
        raise SystemExit(status)


if __name__ == "__main__":
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else WIRE)
