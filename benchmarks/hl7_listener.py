"""What HL7 costs: a waveform message read our way and whole by python-hl7, and a ward of them through one listener.

    python benchmarks/hl7_listener.py [--beds 500] [--seconds 30] [--daemon]

The ward plays in real time, a message of three leads a bed and second (250 Hz), over 20 connections, to `ecgstream
bridge mllp` in a process of its own, or with --daemon to a daemon whose source it is. Told are the time from the last
byte of a message sent to its answer, and the CPU time of the process that listens.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path

import hl7
import numpy as np

from ecgstream.demo.processes import DaemonProcess, free_ports
from ecgstream.hl7.chunks import Numbering, chunks
from ecgstream.hl7.framing import END, framed
from ecgstream.hl7.message import header_of, parse
from ecgstream.hl7.times import dtm
from ecgstream.hl7.waves import waves
from ecgstream.waveform import Chunk
from simulators.patient import Patient
from simulators.script import BedScript, episode
from simulators.wcm import waveform_message

LEADS, FS_HZ = ("I", "II", "V1"), 250
CONNECTIONS = 20
LOOP_S = 20
START_NS = 1_767_268_800_000_000_000
"""In place of the time in prepared messages."""
S = 1_000_000_000


def prepared(patients: int) -> list[list[bytes]]:
    """For each patient a message a second, of the bed BED at a time to be put in."""
    made = []
    for seed in range(patients):
        patient = Patient(BedScript("", LEADS, FS_HZ, seed, (episode("sinus", 0, LOOP_S, 60 + 5 * seed),)))
        made.append(
            [
                waveform_message(Chunk("ward/BED", 0, START_NS, patient.read(at * FS_HZ, (at + 1) * FS_HZ)), "ID")
                for at in range(LOOP_S)
            ]
        )
    return made


def cost_us(work: Callable[[], object], times: int = 300) -> float:
    """CPU time, median of single runs."""
    taken = []
    for _ in range(times):
        begun_s = time.thread_time()
        work()
        taken.append(time.thread_time() - begun_s)
    return statistics.median(taken) * 1e6


def tell_costs(block: bytes) -> None:
    numbering, text = Numbering(), block.decode()

    def ours() -> list[bytes]:
        message = parse(block, header_of(block), UTC)
        return chunks(waves(message), message.stream_id, "", numbering)

    def arrays(message: hl7.Message) -> list[np.ndarray]:
        rows = [row for row in message.segments("OBX") if str(row[2]) == "NA"]
        return [np.array([int(str(value)) for value in row[5][0]], np.int16) for row in rows]

    read = [wave.samples for wave in waves(parse(block, header_of(block), UTC))]
    assert all(np.array_equal(a, b) for a, b in zip(read, arrays(hl7.parse(text)), strict=True))
    fast, slow = cost_us(ours), cost_us(lambda: hl7.parse(text))
    slower = cost_us(lambda: arrays(hl7.parse(text)))
    print(f"a message of {len(LEADS)} leads, {FS_HZ} samples each, {len(block)} bytes:")
    print(f"  to a checked chunk, arrays by numpy, the rest by python-hl7: {fast:.0f} us")
    print(
        f"  parsed whole by python-hl7, no more:                         {slow:.0f} us, {slow / fast:.1f} times as much"
    )
    print(f"  and its samples as numbers:                                  {slower:.0f} us, {slower / fast:.1f} times")


async def play(port: int, beds: int, seconds: int) -> tuple[list[float], int]:
    """Seconds to each answer, and how many answers were not AA."""
    loops = prepared(8)
    begun_s, begun_ns = time.monotonic(), time.time_ns()
    taken_s: list[float] = []
    refused = 0

    async def gateway(first: int) -> None:
        nonlocal refused
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        sent_s: list[float] = []

        async def answers(count: int) -> None:
            nonlocal refused
            for place in range(count):
                answer = await reader.readuntil(END)
                taken_s.append(time.monotonic() - sent_s[place])
                refused += b"MSA|AA" not in answer

        mine = range(first, beds, CONNECTIONS)
        listening = asyncio.create_task(answers(seconds * len(mine)))
        for second in range(seconds):
            for bed in mine:
                due_s = begun_s + second + 1 + bed / beds
                await asyncio.sleep(max(0.0, due_s - time.monotonic()))
                at_ns = begun_ns + second * S + bed * S // beds
                message = loops[bed % 8][(second + bed) % LOOP_S]
                message = message.replace(b"BED", b"%d" % bed).replace(b"|ID|", b"|%d.%d|" % (bed, second))
                for offset_ns in (0, S):
                    message = message.replace(dtm(START_NS + offset_ns).encode(), dtm(at_ns + offset_ns).encode())
                writer.write(framed(message))
                sent_s.append(time.monotonic())
        await listening
        writer.close()

    await asyncio.gather(*(gateway(first) for first in range(min(CONNECTIONS, beds))))
    return taken_s, refused


@contextmanager
def bridge(folder: Path) -> Iterator[tuple[int, str]]:
    """Port and metrics of a bridge whose chunks are taken and thrown away."""
    port, http, source = free_ports(3)
    config = folder / "bridge.yaml"
    told = {"hl7": edge(folder, port), "http": {"port": http}, "control": {"endpoint": None}}
    config.write_text(json.dumps(told | {"source": {"endpoints": [f"tcp://127.0.0.1:{source}"]}}))
    command = [sys.executable, "-m", "ecgstream", "bridge", "mllp", "--to", "zeromq", "--config", str(config)]
    drain = (
        f"import zmq; s=zmq.Context().socket(zmq.PULL); s.bind('tcp://127.0.0.1:{source}')\nwhile 1: s.recv_multipart()"
    )
    processes = [subprocess.Popen([sys.executable, "-c", drain]), subprocess.Popen(command, stderr=subprocess.DEVNULL)]
    try:
        wait_for(f"http://127.0.0.1:{http}/metrics")
        yield port, f"http://127.0.0.1:{http}/metrics"
    finally:
        for process in processes:
            process.terminate()
            process.wait()


@contextmanager
def daemon(folder: Path) -> Iterator[tuple[int, str]]:
    """Port and metrics of a daemon that listens to HL7 itself."""
    (port,) = free_ports(1)
    process = DaemonProcess(folder, {"source": {"kind": "hl7"}, "hl7": edge(folder, port)})
    process.start()
    try:
        process.wait_ready(180)
        yield port, f"{process.http}/metrics"
    finally:
        process.stop()


def edge(folder: Path, port: int) -> dict[str, object]:
    key = folder / "hl7.key"
    key.write_text("no patient of this benchmark was ever born")
    return {"port": port, "key_file": str(key), "patients_file": str(folder / "patients.bin")}


def wait_for(url: str) -> None:
    deadline_s = time.monotonic() + 60
    while True:
        try:
            metric(url, "process_cpu_seconds_total")
            return
        except OSError:
            if time.monotonic() > deadline_s:
                raise
            time.sleep(0.2)


def metric(url: str, name: str) -> float:
    with urllib.request.urlopen(url, timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--beds", type=int, default=500)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--daemon", action="store_true", help="a whole daemon listens in place of the bridge")
    arguments = parser.parse_args()
    tell_costs(prepared(1)[0][0])
    listens = daemon if arguments.daemon else bridge
    with tempfile.TemporaryDirectory() as folder, listens(Path(folder)) as (port, url):
        before_s = metric(url, "process_cpu_seconds_total")
        taken_s, refused = asyncio.run(play(port, arguments.beds, arguments.seconds))
        cpu_s = metric(url, "process_cpu_seconds_total") - before_s
        chunks_taken = metric(url, "ecgstream_hl7_chunks_total")
    p50, p99 = np.percentile(taken_s, [50, 99])
    wanted = arguments.beds * arguments.seconds
    who = "daemon" if arguments.daemon else "bridge"
    print(f"{arguments.beds} beds for {arguments.seconds} s through one listener ({who}):")
    print(f"  {len(taken_s)} of {wanted} messages answered, {refused} not AA, {chunks_taken:.0f} chunks handed on")
    print(
        f"  answer after {p50 * 1e3:.1f} ms (median), {p99 * 1e3:.1f} ms (p99), {max(taken_s) * 1e3:.0f} ms (longest)"
    )
    print(f"  {cpu_s / arguments.seconds:.2f} cores, {cpu_s / wanted * 1e6:.0f} us CPU a message, all of the process")


if __name__ == "__main__":
    main()
