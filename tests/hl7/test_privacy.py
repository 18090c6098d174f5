"""Identifiers planted wherever a sender can put them, and looked for wherever ecgstream could have let them through."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import suppress
from pathlib import Path

import aiohttp
import zmq

from ecgstream.demo.processes import free_ports
from ecgstream.hl7.framing import framed
from ecgstream.hl7.times import dtm
from ecgstream.settings import KafkaSettings
from ecgstream.strip_endpoint import KINDS
from ecgstream.wire import ecgstream_pb2 as pb

from ..feed import START_NS, signal
from ..kafka.test_daemon import running as running_member
from ..kafka.test_daemon import wait_for
from ..kafka.topics import messages
from ..kafka.ward import Member
from ..test_daemon import running
from .edge import key_file
from .messages import adt, array, attributes, joined, msh, obr, r40
from .test_bridge import ask, bridge

S = 1_000_000_000
PLANTED = ("MRN7734218", "Vandergeest", "Wilhelmina", "19431207", "555-0199", "Elmstreet", "SSN998877", "VISIT4455")
MRN, FAMILY, GIVEN, BORN, PHONE, STREET, SSN, VISIT = PLANTED
TOKEN = "what-lets-the-edge-look-at-strips"

PID = (
    f"PID|1|{SSN}|{MRN}^^^HOUSE^MR~{SSN}^^^GOV^SS|{MRN}|{FAMILY}^{GIVEN}|{FAMILY}|{BORN}|F|{GIVEN}||{STREET} 4||{PHONE}"
    f"|||||{VISIT}|{SSN}"
)
PV1 = f"PV1||I|ward-3^^bed-12|||||{MRN}^{FAMILY}|||||||||{FAMILY}||{VISIT}"
NOTES = [f"NTE|1||{GIVEN} {FAMILY}, born {BORN}", f"NK1|1|{FAMILY}^{GIVEN}|SPO|{STREET}|{PHONE}", f"ZPI|{MRN}|{FAMILY}"]


def waveforms(start_ns: int, values: list[int], *more: str) -> bytes:
    rows = [
        array("II", values).replace("MDC_ECG_ELEC_POTL_II^MDC", f"MDC_ECG_ELEC_POTL_II^MDC^{MRN}^{FAMILY}^L"),
        *attributes("II"),
        f"OBX|9|TX|1^{FAMILY}^L|9|{GIVEN} {FAMILY} {MRN}||||||F",
        f"OBX|10|NA|77^{FAMILY} {MRN}^L|10|" + "^".join(["1"] * len(values)) + f"|{FAMILY}^{GIVEN}^L",
        "OBX||NM|0^MDC_ATTR_SAMP_RATE^MDC|10.1|250",
        *more,
    ]
    head = obr(dtm(start_ns)).replace("|||CONT", f"|{MRN}|{VISIT}|CONT") + f"||{FAMILY}|{MRN}"
    return joined(msh(), PID, PV1, head, *NOTES, *rows)


def refused(good: bytes) -> list[bytes]:
    """Broken in places that hold identifiers: a refusal quotes what it found, and that must reach no log."""
    return [
        good.replace(b"131330^MDC_ECG_ELEC_POTL_II", f"131330^MDC_{FAMILY}".encode()),
        good.replace(b"OBX|1|NA|", f"OBX|{MRN}|NA|".encode()).replace(
            b"131330^MDC_ECG_", b"131330^MDC_PULS_OXIM_PLETH"
        ),
        good.replace(b".1|250|", f".1|{MRN}|".encode()),
        good.replace(b"ward-3^^bed-12", f"{FAMILY}\x07^^{MRN}\x07".encode()),
        good.replace(b"WAVEFORM|||", f"WAVEFORM|||{MRN}".encode()),
        good.replace(b"UNICODE UTF-8", FAMILY.encode()),
        good.replace(b"ORU^R01^ORU_R01", f"{FAMILY}^{MRN}".encode()),
        good.replace(f"{FAMILY}^{GIVEN}".encode(), f"{FAMILY}\\2\\\\{MRN}^{GIVEN}".encode()),
        good.replace(b"|P|2.6", f"|P|{MRN}".encode()),
        f"{MRN} {FAMILY}".encode(),
        adt("A01", PID, PV1.replace("bed-12", "")),
        adt("A40", PID, f"MRG|{MRN}^^^HOUSE^MR"),
    ]


async def web_answers(http: str, alert_id: str) -> dict[str, bytes]:
    """All that the HTTP port tells of a bed and its alert, and what the ward page is sent."""
    pages = ["metrics", "health/ready", "models", "ward/", "ward/session", "ward/beds/1", f"ward/strips/{alert_id}"]
    pages += [f"alerts/{alert_id}/strip.{kind}" for kind in KINDS]
    answers = {}
    async with aiohttp.ClientSession(f"{http}/", headers={"Authorization": f"Bearer {TOKEN}"}) as browser:
        for page in pages:
            async with browser.get(page) as answer:
                assert answer.status == 200, (page, await answer.text())
                answers[page] = await answer.read()
        async with browser.ws_connect("ward/live") as live:
            told = []
            with suppress(TimeoutError):
                while len(told) < 20:
                    data = (await live.receive(timeout=1)).data
                    told.append(data if isinstance(data, bytes) else str(data).encode())
    assert b"ward-3/bed-12" in b"".join(told)
    return answers | {"ward/live": b"".join(told)}


def test_no_identifier_leaves_the_edge_but_in_the_encrypted_table(tmp_path: Path):
    (port,) = free_ports(1)
    audit = tmp_path / "audit.jsonl"
    told = {
        "source": {"kind": "hl7"},
        "clock": "sample",
        "hl7": {"port": port, "key_file": str(key_file(tmp_path)), "patients_file": str(tmp_path / "patients.bin")},
        "log": {"level": "debug", "audit_path": str(audit)},
        "web": {"enabled": True},
        "http": {"order_token_file": str(tmp_path / "token")},
    }
    (tmp_path / "token").write_text(TOKEN)
    samples = signal(250, 1, 0)[0]
    blocks = [samples[at : at + 250].tolist() for at in range(0, len(samples), 250)]
    messages = [waveforms(START_NS + n * 1_000_000_000, block) for n, block in enumerate(blocks)]
    with running(tmp_path, told) as wires, socket.create_connection(("127.0.0.1", port), timeout=20) as sender:
        escaped_badly = PID.replace(f"{FAMILY}^{GIVEN}", f"{FAMILY}\\2\\\\{MRN}^{GIVEN}", 1)
        orders = [adt("A01", PID, PV1), adt("A08", escaped_badly, PV1)]
        orders.append(r40().replace(b"12345", MRN.encode()).replace(b"Doe^John", FAMILY.encode()))
        stream = [*messages[:10], *refused(messages[0]), *orders, *messages[10:]]
        codes = []
        for message in stream:
            sender.sendall(framed(message))
            answer = sender.recv(65_536)
            codes.append(answer.split(b"MSA|")[1][:2].decode())
        assert codes.count("AA") == len(messages) + len(orders) + 1, "one of the broken ones is only badly escaped"
        heard = wires.hear(lambda m: isinstance(m, pb.Vitals) and m.sample >= len(samples) - 250)
        heard += wires.hear_out()
        alert = next(message for message in heard if isinstance(message, pb.Alert) and message.strip.samples)
        answers = asyncio.run(web_answers(wires.daemon.http, alert.alert_id))
        assert wires.daemon.stop() == 0
    assert [json.loads(line)["order"] for line in audit.read_text().splitlines()].count("association") == 1
    written = {path.name: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert {"daemon.log", "patients.bin", "audit.jsonl", "state.sqlite3"} <= written.keys()
    written |= {f"message {n}": message.SerializeToString() for n, message in enumerate(heard)}
    written |= answers
    found = [(name, word) for name, content in written.items() for word in PLANTED if word.encode() in content]
    assert found == []


def test_what_goes_to_kafka_or_another_socket_holds_a_pseudonym(tmp_path: Path):
    with zmq.Context() as context, context.socket(zmq.PULL) as pull:
        source = f"tcp://127.0.0.1:{pull.bind_to_random_port('tcp://127.0.0.1')}"
        good = waveforms(START_NS, list(range(250)))
        with bridge(tmp_path, "zeromq", source={"endpoints": [source]}, control={"endpoint": None}) as port:
            assert ask(port, good)[0][0] == "AA"
            ask(port, *refused(good))
            frames = []
            while pull.poll(500):
                frames += pull.recv_multipart()
    chunk = pb.Chunk.FromString(frames[2])
    assert chunk.patient_reference.startswith("p-")
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert [word for word in PLANTED for content in [*frames, *written] if word.encode() in content] == []


def test_no_topic_of_kafka_holds_an_identifier(kafka_settings: KafkaSettings, tmp_path: Path):
    """What the bridge writes, and what a daemon makes of it."""
    told = kafka_settings.model_dump(mode="json")
    samples = signal(250, 1, 0)[0]
    good = [waveforms(START_NS + n * S, samples[n * 250 : (n + 1) * 250].tolist()) for n in range(len(samples) // 250)]
    orders = [adt("A01", PID, PV1), r40().replace(b"12345", MRN.encode()).replace(b"Doe^John", FAMILY.encode())]
    (tmp_path / "edge").mkdir()
    with (
        running_member(Member(tmp_path / "daemon", kafka_settings)),
        bridge(tmp_path / "edge", "kafka", kafka=told) as port,
    ):
        assert {code for code, _ in ask(port, good[0], *orders, *good[1:])} == {"AA"}
        ask(port, *refused(good[0]))
        names = kafka_settings.topics
        for topic in (names.alerts, names.vitals, names.diagnoses):
            wait_for(lambda topic=topic: messages(kafka_settings.bootstrap[0], topic), topic)
    found, counts = [], {}
    for name, topic in names.model_dump().items():
        if name == "shadow":
            continue  # made only where a second model runs
        read = messages(kafka_settings.bootstrap[0], topic)
        counts[name] = len(read)
        parts = [part for m in read for part in (m.key, m.value, *(value for _, value in m.headers)) if part]
        found += [(topic, word) for word in PLANTED for part in parts if word.encode() in part]
    assert found == []
    assert counts["chunks"] == len(good) + 1, "one of the broken ones is only badly escaped"
    assert counts["control"] == 2 and counts["alerts"] and counts["state"]
    assert counts["dead_letters"] == 0, "what the edge refuses goes nowhere"
