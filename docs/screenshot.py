"""``python docs/screenshot.py``: play the demo for a while and keep its live table as docs/demo.svg."""

from __future__ import annotations

import io
import tempfile
import time
from pathlib import Path

import zmq
from rich.console import Console

from ecgstream.demo.board import Board
from ecgstream.demo.processes import DaemonProcess, start_simulator
from ecgstream.demo.run import read_truth, receive, ward_arguments

AFTER_S = 36.0
OUT = Path(__file__).parent / "demo.svg"


def main() -> None:
    """The same processes and sockets as the demo's, and one picture."""
    with tempfile.TemporaryDirectory() as name:
        daemon = DaemonProcess(Path(name))
        daemon.start()
        daemon.wait_ready()
        truth_file = Path(name) / "truth.json"
        ward = start_simulator(*ward_arguments(daemon, 8, 60, 1, truth_file), log=Path(name) / "ward.log")
        truth = read_truth(truth_file, ward)
        board = Board({bed["stream_id"]: f"{bed['leads']} × {bed['fs_hz']:g} Hz" for bed in truth})
        with zmq.Context() as context, context.socket(zmq.SUB) as sub:
            sub.setsockopt(zmq.LINGER, 0)
            sub.connect(daemon.sink)
            sub.subscribe(b"")
            start_s = time.monotonic()
            while time.monotonic() - start_s < AFTER_S:
                receive(sub, board, None)
        ward.terminate()
        ward.wait()
        daemon.stop()
    console = Console(record=True, width=150, file=io.StringIO())
    console.print(board.render(f"{AFTER_S:.0f} s · {daemon.http}/metrics"))
    console.save_svg(str(OUT), title="make demo")


if __name__ == "__main__":
    main()
