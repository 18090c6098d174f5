"""Load: very many beds for very little work. Payloads are made once; only what differs is added to each message.

A message is the bed's version, stream id, sequence and start time, put before the ready bytes of its groups: the order
in which protobuf writes fields. A patient's minute goes round and round, beds of one patient at different places in it;
where it begins again the signal may take a small step.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass

from ecgstream.waveform import STANDARD_LEADS, Chunk
from ecgstream.wire import ecgstream_pb2 as pb
from ecgstream.wire.codec import content_type, encode_chunk

from .destinations import Destination
from .feed import NS
from .patient import Patient
from .script import BedScript, Episode, episode

LOOP_S = 60
TOGETHER_S = 0.01
"""It sleeps, if at all, for so long: waking for each of thousands of beds would cost more than what it sends. A chunk
leaves that much late at most, and its latency counts from when it was due."""
SCENES: tuple[tuple[Episode, ...], ...] = (
    (episode("sinus", 0, LOOP_S, 66),),
    (episode("sinus", 0, LOOP_S, 84),),
    (episode("atrial_fibrillation", 0, LOOP_S, 95),),
    (episode("sinus", 0, LOOP_S, 72), episode("muscle", 20, 35)),
    (episode("pvcs", 0, LOOP_S, 75),),
    (episode("paced", 0, LOOP_S, 70),),
    (episode("sinus", 0, LOOP_S, 58), episode("baseline_wander", 10, 50)),
    (episode("sinus", 0, 30, 76), episode("ventricular_tachycardia", 30, 45, 165), episode("sinus", 45, LOOP_S, 90)),
)
"""One patient each. One bed in eight has a VT every minute, so that alarms are part of the load."""


@dataclass(frozen=True, slots=True)
class Load:
    """How many beds of what."""

    beds: int
    leads: int = 12
    fs_hz: int = 250
    chunk_s: float = 1.0
    seed: int = 0

    @property
    def chunk_samples(self) -> int:
        """Raises ValueError unless a chunk is a whole number of samples and the loop a whole number of chunks."""
        samples = round(self.chunk_s * self.fs_hz)
        if abs(samples - self.chunk_s * self.fs_hz) > 1e-9 or samples < 1 or (LOOP_S * self.fs_hz) % samples:
            raise ValueError(
                f"Chunks of {self.chunk_s} s at {self.fs_hz} Hz do not divide {LOOP_S} s into whole chunks of whole "
                "samples; take 0.2, 0.5 or 1 s."
            )
        return samples


@dataclass(slots=True)
class LoadReport:
    """What was sent."""

    played_s: float = 0.0
    sent: int = 0
    dropped: int = 0
    latest_s: float = 0.0


def payloads(load: Load) -> list[list[bytes]]:
    """For each patient the groups of its chunks of one loop."""
    size = load.chunk_samples
    patients = [
        Patient(BedScript("", STANDARD_LEADS[: load.leads], load.fs_hz, load.seed + i, scene))
        for i, scene in enumerate(SCENES[: load.beds])
    ]
    return [
        [_payload(patient, start, start + size) for start in range(0, LOOP_S * load.fs_hz, size)]
        for patient in patients
    ]


def heading(stream_id: bytes, sequence: int, start_ns: int) -> bytes:
    """Fields 1 to 4 of a Chunk on the wire: what makes ready groups this bed's next chunk."""
    return b"\x08\x01\x12%c%s\x18%s\x21%s" % (len(stream_id), stream_id, _varint(sequence), struct.pack("<Q", start_ns))


def run_load(load: Load, seconds: float, destination: Destination, speed: float | None = 1.0) -> Iterator[LoadReport]:
    """Send ``seconds`` of every bed, phases spread evenly over a chunk; tells after each round of beds.

    In real time a chunk's last sample has the time at which the chunk is due to be sent: latency can be told from the
    chunk alone. At another ``speed`` start times run ahead of the clock; None sends as fast as the other side takes it.
    """
    ready, kind = payloads(load), content_type(pb.Chunk).encode()
    streams = [b"load-%05d" % bed for bed in range(load.beds)]
    chunk_ns = round(load.chunk_s * NS)
    before_last_ns = round((load.chunk_samples - 1) / load.fs_hz * NS)
    begin_ns, begin_utc_ns, report = time.monotonic_ns(), time.time_ns(), LoadReport()
    for sequence in range(round(seconds / load.chunk_s)):
        for bed, stream in enumerate(streams):
            due_ns = (sequence + 1) * chunk_ns + bed * chunk_ns // load.beds  # after the beginning, in signal time
            if speed is not None:
                report.latest_s = max(report.latest_s, _wait(begin_ns + round(due_ns / speed)))
            loop = ready[bed % len(ready)]
            begins = heading(stream, sequence, begin_utc_ns + due_ns - before_last_ns)
            payload = begins + loop[(sequence + 7 * bed) % len(loop)]
            taken = destination.send(kind, stream, payload, speed != 1.0)
            report.sent, report.dropped = report.sent + taken, report.dropped + (not taken)
        report.played_s = (sequence + 1) * load.chunk_s
        yield report


def _wait(until_ns: int) -> float:
    left_ns = until_ns - time.monotonic_ns()
    if left_ns > 0:
        time.sleep(max(left_ns / NS, TOGETHER_S))
    return max(-left_ns, 0) / NS


def _payload(patient: Patient, start: int, stop: int) -> bytes:
    message = encode_chunk(Chunk("", 0, 0, patient.read(start, stop)))
    for field in ("version", "start_time_ns"):
        message.ClearField(field)
    return message.SerializeToString()


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
