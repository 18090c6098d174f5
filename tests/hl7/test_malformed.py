"""Two hundred malformed messages and more: each is answered with a sentence, and the listener lives."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgstream.hl7.framing import END, framed

from .edge import Edge, edge
from .messages import adt, array, attributes, joined, msh, obr, pid, pv1, r40, ramp, wcm

GOOD = wcm({"II": ramp(50), "V1": ramp(50)})
ALARM = r40()
ADMISSION = adt("A01", pid(), pv1())


@pytest.fixture(scope="module")
def listening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    """A listener with an event loop of its own in a thread."""
    started, loop = threading.Event(), asyncio.new_event_loop()
    stopping, found = asyncio.Event(), []

    async def live() -> None:
        async with edge(tmp_path_factory.mktemp("malformed")) as listening:
            found.append(listening)
            started.set()
            await stopping.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(live(),))
    thread.start()
    assert started.wait(10)
    yield found[0]
    loop.call_soon_threadsafe(stopping.set)
    thread.join()
    loop.close()


def asked(listening: Edge, sent: bytes) -> list[tuple[str, str]]:
    """Code and sentence of each answer up to that of a good message behind ``sent``, which must be taken."""
    with socket.create_connection(("localhost", listening.listener.port), timeout=20) as sender:
        sender.sendall(sent + framed(wcm({"I": [1]}, control_id="mark")))
        received, answers = b"", []
        while b"mark" not in received:
            data = sender.recv(65_536)
            assert data, f"the connection was closed; answers so far: {answers}"
            received += data
    for answer in received.split(END)[:-1]:
        _, code, control_id, *sentence = re.search(rb"MSA[^\r]*", answer)[0].decode("latin-1").split("|")
        if control_id != "mark":
            answers.append((code, "".join(sentence)))
    return answers


def swapped(old: bytes, new: bytes, block: bytes = GOOD) -> bytes:
    assert old in block, old
    return block.replace(old, new)


def without(name: bytes, block: bytes = GOOD) -> bytes:
    return b"".join(line + b"\r" for line in block.split(b"\r") if line and not line.startswith(name))


def waveform(*rows: str) -> bytes:
    return joined(msh(), pid(), pv1(), obr(), *rows)


HAND_MADE: dict[str, bytes] = {
    "nothing": b"",
    "blanks": b"   ",
    "no header": b"PID|1\r",
    "half a header": b"MSH|^",
    "letters for separators": b"MSHx^~\\&xA\r",
    "header of bytes": b"MSH|^~\\&|" + bytes(range(128, 256)),
    "json": b'{"resourceType": "Observation"}',
    "batch": b"FHS|^~\\&|\rBHS|^~\\&|\r" + GOOD,
    "no type": swapped(b"ORU^R01^ORU_R01", b""),
    "type unknown": swapped(b"ORU^R01^ORU_R01", b"SIU^S12"),
    "trigger unknown": swapped(b"ORU^R01^ORU_R01", b"ORU^R02"),
    "an acknowledgement": swapped(b"ORU^R01^ORU_R01", b"ACK^R01^ACK"),
    "version 3": swapped(b"|P|2.6", b"|P|3.0"),
    "no version": swapped(b"|P|2.6", b"|P|"),
    "processing id unknown": swapped(b"|P|2.6", b"|X|2.6"),
    "character set unknown": swapped(b"UNICODE UTF-8", b"KLINGON"),
    "not utf-8": swapped(b"Doe", b"D\xff\xfe"),
    "ascii that is none": swapped(b"UNICODE UTF-8", b"ASCII").replace(b"Doe", "Döe".encode()),
    "no PV1": without(b"PV1"),
    "no bed": swapped(b"ward-3^^bed-12", b"ward-3"),
    "bed of control characters": swapped(b"bed-12", b"bed\x07"),
    "bed too long": swapped(b"bed-12", b"b" * 300),
    "no OBR": without(b"OBR"),
    "no time": swapped(b"WAVEFORM|||20260101120000.000+0000", b"WAVEFORM|||"),
    "an OBR that ends before its times": swapped(b"OBR|1|||CONTINUOUS WAVEFORM|||20260101120000.000+0000|", b"OBR|1"),
    "time of words": swapped(b"WAVEFORM|||20260101120000.000+0000", b"WAVEFORM|||noon"),
    "thirteenth month": swapped(b"WAVEFORM|||20260101", b"WAVEFORM|||20261301"),
    "before 1970": swapped(b"WAVEFORM|||2026", b"WAVEFORM|||1901"),
    "offset of days": swapped(b"WAVEFORM|||20260101120000.000+0000", b"WAVEFORM|||20260101120000.000+9999"),
    "samples of words": swapped(b"0^1^2^", b"0^one^2^"),
    "samples with commas": swapped(b"0^1^2^", b"0,1,2^"),
    "samples in hex": swapped(b"0^1^2^", b"0x0^0x1^2^"),
    "samples of another separator": swapped(b"0^1^2^", b"0;1;2^"),
    "repetitions in NA": swapped(b"0^1^2^", b"0^1~2^"),
    "no samples": waveform(array("I", []), *attributes("I")),
    "only separators": waveform(array("I", ["", "", ""]), *attributes("I")),
    "not a number": waveform(array("I", ["nan", "1.0"]), *attributes("I")),
    "infinite": waveform(array("I", ["1e999", "1.0"]), *attributes("I")),
    "above 16 bits": waveform(array("I", [1, 70_000]), *attributes("I")),
    "above 64 bits": waveform(array("I", [1, 10**30]), *attributes("I")),
    "ends before its samples": waveform(
        "OBX|1|NA|131329^MDC_ECG_ELEC_POTL_I^MDC|1", array("II", [1]), *attributes("II")
    ),
    "data of no array type": waveform("OBX|1|CD|1&CHN|1|1&I^^5&uV^^250", "OBX|2|NM|1&WAV|1|1", array("II", [1])),
    "no rate": without(b"OBX||NM|0^MDC_ATTR_SAMP_RATE"),
    "rate of words": swapped(b".1|250|", b".1|fast|"),
    "rate 0": swapped(b".1|250|", b".1|0|"),
    "rate below 0": swapped(b".1|250|", b".1|-250|"),
    "rate of millions": swapped(b".1|250|", b".1|1e7|"),
    "no resolution": without(b"OBX||NM|2327"),
    "resolution 0": swapped(b"|0.005|", b"|0|"),
    "resolution of words": swapped(b"|0.005|", b"|5 uV|"),
    "resolution in mmHg": swapped(b"266418^MDC_DIM_MILLI_VOLT", b"266016^MDC_DIM_MMHG"),
    "unit contradicts its code": swapped(b"266418^MDC_DIM_MILLI_VOLT", b"266418^MDC_DIM_PERCENT"),
    "gain beyond reason": swapped(b"|0.005|", b"|0.00000000001|"),
    "code contradicts name": swapped(b"131330^MDC_ECG_ELEC_POTL_II^", b"131331^MDC_ECG_ELEC_POTL_II^"),
    "pleth by the code of lead II": swapped(b"MDC_ECG_ELEC_POTL_II", b"MDC_PULS_OXIM_PLETH"),
    "code that is no lead's": swapped(b"131330^", b"131310^"),
    "lead twice": swapped(b"131331^MDC_ECG_ELEC_POTL_V1", b"131330^MDC_ECG_ELEC_POTL_II"),
    "five leads of unknown name": waveform(
        *(
            row.replace(f"{131331 + n}^MDC_ECG_ELEC_POTL_V{n + 1}^", "131328^MDC_ECG_ELEC_POTL^")
            for n in range(5)
            for row in (array(f"V{n + 1}", [1, 2]), *attributes(f"V{n + 1}"))
        )
    ),
    "leads of two rates": waveform(
        array("I", [1, 2]), *attributes("I"), array("II", [1, 2, 3, 4]), *attributes("II", "500")
    ),
    "leads of two lengths": waveform(array("I", [1, 2]), *attributes("I"), array("II", [1, 2, 3]), *attributes("II")),
    "longer than a minute": waveform(array("I", [0] * 16_000), *attributes("I")),
    "more channels than there may be": waveform(*(array("I", [1], n) for n in range(70)), *attributes("I")),
    "invalid value of words": waveform(array("I", [1]), *attributes("I", invalid="none")),
    "invalid value beyond 16 bits": waveform(array("I", [1]), *attributes("I", invalid="99999")),
    "data without definition": waveform("OBX|1|NA|1&WAV|1|1^2"),
    "definition of another number": waveform("OBX|1|CD|1&CHN|2|1&I^^5&uV^^250", "OBX|2|NA|1&WAV|1|1^2"),
    "definition without rate": waveform("OBX|1|CD|1&CHN|1|1&I^^5&uV", "OBX|2|NA|1&WAV|1|1^2"),
    "definition of no lead": waveform("OBX|1|CD|1&CHN|1|1&EEG^^5&uV^^250", "OBX|2|NA|1&WAV|1|1^2"),
    "ragged MA": waveform("OBX|1|CD|1&CHN|1|1&I^^5&uV^^250~2&II^^5&uV^^250", "OBX|2|MA|1&WAV|1|1^2~3"),
    "alarm without OBR": without(b"OBR", ALARM),
    "alarm without a bed": swapped(b"bed-12", b"", ALARM),
    "alarm without time": swapped(b"|196616^MDC_EVT_ALARM^MDC|||20260101120000.000+0000", b"||||", ALARM),
    "admission without PID": without(b"PID", ADMISSION),
    "admission without PV1": without(b"PV1", ADMISSION),
    "admission of nobody": swapped(b"12345^^^HOUSE^MR", b"^^^HOUSE^MR", ADMISSION),
    "admission of null": swapped(b"12345^^^HOUSE^MR", b'""', ADMISSION),
    "admission to no bed": swapped(b"ward-3^^bed-12", b"ward-3^7", ADMISSION),
    "trigger of another world": swapped(b"ADT^A01", b"ADT^A99", ADMISSION),
    "no trigger": swapped(b"ADT^A01^ADT_A01", b"ADT", ADMISSION),
    "swap of one": adt("A17", pid(), pv1()),
    "merge of nobody": adt("A40", pid()),
    "merge with himself": adt("A40", pid(), "MRG|12345^^^HOUSE^MR"),
    "merge before the patient": adt("A40", "MRG|1^^^HOUSE^MR", pid()),
    "merge of null": adt("A40", pid(), 'MRG|""'),
}


def test_there_are_enough_of_them():
    assert len(HAND_MADE) >= 75


@pytest.mark.parametrize("name", HAND_MADE)
def test_each_is_refused_in_a_sentence_and_the_next_message_is_taken(listening: Edge, name: str):
    ((code, sentence),) = asked(listening, framed(HAND_MADE[name]))
    assert code in ("AE", "AR"), sentence
    assert len(sentence.split()) >= 3 and sentence.rstrip().endswith((".", ")")), sentence
    assert "itself failed" not in sentence


def cut_short(block: bytes, at: float, _: bytes) -> bytes:
    return block[: int(len(block) * at)]


def overwritten(block: bytes, at: float, what: bytes) -> bytes:
    place = int(len(block) * at)
    return block[:place] + what + block[place + len(what) :]


def inserted(block: bytes, at: float, what: bytes) -> bytes:
    place = int(len(block) * at)
    return block[:place] + what + block[place:]


def field_gone(block: bytes, at: float, _: bytes) -> bytes:
    fields = block.split(b"|")
    place = int(len(fields) * at)
    return b"|".join(fields[:place] + fields[place + 1 :])


def segment_again(block: bytes, at: float, _: bytes) -> bytes:
    segments = block.split(b"\r")
    place = int(len(segments) * at)
    return b"\r".join(segments[: place + 1] + segments[place:])


HARM = st.sampled_from([cut_short, overwritten, inserted, field_gone, segment_again])
NOISE = st.one_of(
    st.binary(min_size=1, max_size=12), st.text('|^~\\&\r\n0123456789.-eE"AZ', min_size=1).map(str.encode)
)


@settings(max_examples=200, deadline=None)
@given(
    block=st.sampled_from([GOOD, ALARM, ADMISSION, adt("A40", pid(), "MRG|1^^^HOUSE^MR")]),
    harm=HARM,
    at=st.floats(0, 0.999),
    noise=NOISE,
)
def test_whatever_is_done_to_a_message_it_is_answered(
    listening: Edge, block: bytes, harm: Callable[[bytes, float, bytes], bytes], at: float, noise: bytes
):
    sent = harm(block, at, noise.replace(b"\x0b", b" ").replace(b"\x1c", b" "))
    answers = asked(listening, framed(sent))
    if not answers:
        line = sent.replace(b"\n", b"\r").split(b"\r")[0]
        assert any(line.split(line[3:4])[14:16]), "only MSH-15 and MSH-16 may wish for no answer"
    for code, sentence in answers:
        assert code[0] in "AC" and code[1] in "AER"
        assert code[1] == "A" or len(sentence.split()) >= 3
        assert "itself failed" not in sentence


@settings(max_examples=100, deadline=None)
@given(noise=st.binary(max_size=200))
def test_any_bytes_at_all_leave_the_listener_alive(listening: Edge, noise: bytes):
    for code, sentence in asked(listening, noise + b"\x1c\r"):
        assert code == "AR" or code == "AE", sentence


def test_nothing_of_it_was_a_fault_of_ours(listening: Edge, tmp_path: Path):
    assert listening.metric('ecgstream_hl7_refused_total{reason="internal"}') == 0
    assert listening.metric("ecgstream_hl7_messages_total") > 0
