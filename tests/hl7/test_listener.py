"""The listener over real sockets: answers, framing, bounds, TLS, and senders that go away."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import hl7
import pytest
import trustme

from ecgstream.errors import SettingsError
from ecgstream.hl7 import framing, listener
from ecgstream.hl7.framing import framed

from .edge import edge
from .messages import adt, joined, msh, obr, pid, pv1, r40, ramp, wcm

GOOD = wcm({"II": ramp()})


async def test_a_waveform_is_taken_and_answered_aa(tmp_path: Path):
    async with edge(tmp_path) as e, e.sender() as sender:
        head, msa = await sender.asks(GOOD)
        assert head[2:6] == ["ECGSTREAM", "HOUSE", "GATEWAY", "WARD"]
        assert (head[8], head[10], head[11]) == ("ACK^R01^ACK", "P", "2.6")
        assert msa == ["MSA", "AA", "4711"]
        assert e.taken.chunks[0].ecg.samples.tolist() == [ramp()]
        assert e.metric('ecgstream_hl7_messages_total{answer="AA",kind="ORU^R01"}') == 1


async def test_a_refusal_says_the_rule_in_a_sentence_and_the_next_message_is_taken(tmp_path: Path):
    async with edge(tmp_path) as e, e.sender() as sender:
        _, msa, err = await sender.asks(GOOD.replace(b"|0^1^2", b"|0^x^2"))
        assert msa[:3] == ["MSA", "AE", "4711"]
        assert "holds numbers" in msa[3]
        assert (err[2], err[3], err[4], err[8]) == ("OBX 1", "102^^HL70357", "E", msa[3])
        assert (await sender.asks(GOOD))[1][1] == "AA"
        assert e.metric('ecgstream_hl7_refused_total{reason="bad_samples"}') == 1


async def test_an_answer_is_hl7_to_the_library(tmp_path: Path):
    async with edge(tmp_path) as e, e.sender() as sender:
        sender.writer.write(framed(GOOD.replace(b"ORU^R01", b"ORU^R99")))
        answer = hl7.parse((await sender.reader.readuntil(b"\x1c\r"))[1:-2].decode())
        assert answer.extract_field("MSA", 1, 1) == "AR"
        assert "ORU^R99 is not spoken here" in answer.unescape(answer.extract_field("ERR", 1, 8))


@pytest.mark.parametrize(
    ("accept", "application", "good", "bad"),
    [
        ("", "", ["AA"], ["AE"]),
        ("AL", "NE", ["CA"], ["CE"]),
        ("NE", "AL", ["AA"], ["AE"]),
        ("AL", "AL", ["CA", "AA"], ["CE", "AE"]),
        ("ER", "SU", ["AA"], ["CE"]),
        ("NE", "NE", [], []),
    ],
)
async def test_enhanced_mode(tmp_path: Path, accept: str, application: str, good: list[str], bad: list[str]):
    async with edge(tmp_path) as e, e.sender() as sender:
        for block, codes in ((GOOD, good), (GOOD.replace(b"|0^1^2", b"|0^x^2"), bad)):
            message = block.replace(b"|P|2.6||||||", f"|P|2.6|||{accept}|{application}||".encode())
            assert message != block or not accept + application
            sender.writer.write(framed(message) + framed(wcm({"I": [1]}, control_id="mark")))
            heard = []
            while (msa := (await sender.answer())[1])[2] != "mark":
                heard.append(msa[1])
            assert heard == codes


async def test_what_cannot_be_handed_on_is_answered_ar_and_may_be_sent_again(tmp_path: Path):
    async with edge(tmp_path) as e, e.sender() as sender:
        e.taken.away = True
        for message in (GOOD, r40(), adt("A01", pid(), pv1())):
            _, msa, err = await sender.asks(message)
            assert msa[1] == "AR"
            assert "Send the message again" in msa[3]
            assert err[3].startswith("207")
        e.taken.away = False
        for message in (GOOD, r40(), adt("A01", pid(), pv1())):
            assert (await sender.asks(message))[1][1] == "AA"
        assert len(e.taken.chunks) == 1
        assert [order.WhichOneof("order") for order in e.taken.orders] == ["monitor_alarm", "association"]
        assert e.door.patients.identity_at("ward-3/bed-12").family == "Doe"


async def test_a_message_is_not_answered_before_it_is_safe(tmp_path: Path):
    async with edge(tmp_path) as e, e.sender() as sender:
        e.taken.held = asyncio.Event()
        sender.writer.write(framed(GOOD))
        answer = asyncio.create_task(sender.answer())
        done, _ = await asyncio.wait({answer}, timeout=0.3)
        assert e.taken.chunks and not done
        e.taken.held.set()
        assert (await answer)[1][1] == "AA"


async def test_many_messages_without_waiting_are_answered_in_their_order(tmp_path: Path):
    async with edge(tmp_path, inflight=8) as e, e.sender() as sender:
        blocks = [wcm({"II": [n]}, control_id=str(n)) for n in range(300)]
        sender.writer.write(b"".join(map(framed, blocks)))
        answers = [(await sender.answer())[1][1:3] for _ in blocks]
        assert answers == [["AA", str(n)] for n in range(300)]
        assert [int(chunk.ecg.samples[0, 0]) for chunk in e.taken.chunks] == list(range(300))


async def test_bytes_between_messages_are_told_and_survived(tmp_path: Path):
    async with edge(tmp_path) as e, e.sender() as sender:
        sender.writer.write(b"\r\n" + framed(GOOD) + b"GET / HTTP/1.1\r\n\r\n" + framed(GOOD))
        assert [(await sender.answer())[1][1] for _ in range(3)] == ["AA", "AR", "AA"]
        assert e.metric('ecgstream_hl7_refused_total{reason="framing"}') == 1
        assert len(e.taken.chunks) == 2


async def test_a_message_begun_anew_on_the_same_connection_is_taken(tmp_path: Path):
    async with edge(tmp_path) as e, e.sender() as sender:
        sender.writer.write(framed(GOOD)[:100] + framed(GOOD))
        assert [(await sender.answer())[1][1] for _ in range(2)] == ["AR", "AA"]


async def test_a_message_that_is_too_large_is_passed_over(tmp_path: Path):
    async with edge(tmp_path, largest_message_bytes=10_000) as e, e.sender() as sender:
        sender.writer.write(framed(wcm({"II": [1] * 200_000})))
        _, msa, _ = await sender.answer()
        assert msa[1] == "AR"
        assert "more than 10000 bytes" in msa[3]
        assert (await sender.asks(wcm({"II": [1]})))[1][1] == "AA"


async def test_a_sender_that_goes_in_the_middle_or_stops_there_harms_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(framing, "MESSAGE_S", 0.2)
    async with edge(tmp_path) as e, e.sender() as other:
        async with e.sender() as sender:
            sender.writer.write(framed(GOOD)[:50])
        async with e.sender() as sender:
            sender.writer.write(framed(GOOD)[:50])
            assert await sender.reader.read() == b"", "closed: the message did not end in time"
        assert (await other.asks(GOOD))[1][1] == "AA"
        while e.metric("ecgstream_hl7_connections") > 1:  # noqa: ASYNC110  a metric sets no flag
            await asyncio.sleep(0.01)
        assert e.metric("ecgstream_hl7_cut_off_total") == 2


async def test_one_sender_too_many_is_turned_away(tmp_path: Path):
    async with edge(tmp_path, connections=2) as e, e.sender() as one, e.sender() as two:
        assert (await one.asks(GOOD))[1][1] == (await two.asks(GOOD))[1][1] == "AA"
        async with e.sender() as three:
            assert await three.reader.read() == b""
        assert e.metric("ecgstream_hl7_turned_away_total") == 1
        assert (await one.asks(GOOD))[1][1] == "AA"


async def test_forty_senders_at_once(tmp_path: Path):
    async with edge(tmp_path) as e:

        async def send(bed: int) -> list[str]:
            async with e.sender() as sender:
                return [(await sender.asks(GOOD.replace(b"bed-12", b"bed-%d" % bed)))[1][1] for _ in range(5)]

        assert await asyncio.gather(*map(send, range(40))) == [["AA"] * 5] * 40
        assert len({chunk.stream_id for chunk in e.taken.chunks}) == 40


async def test_tls_and_senders_that_must_show_who_they_are(tmp_path: Path):
    authority = trustme.CA()
    server, client = authority.issue_cert("localhost"), authority.issue_cert("gateway")
    files = {name: tmp_path / f"{name}.pem" for name in ("certificate", "key", "client_ca")}
    server.cert_chain_pems[0].write_to_path(files["certificate"])
    server.private_key_pem.write_to_path(files["key"])
    authority.cert_pem.write_to_path(files["client_ca"])
    async with edge(tmp_path, tls={f"{name}_file": path for name, path in files.items()}) as e:
        context = ssl.create_default_context()
        authority.configure_trust(context)
        with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
            async with e.sender(context) as sender:
                await sender.asks(GOOD)
        client.configure_cert(context)
        async with e.sender(context) as sender:
            assert (await sender.asks(GOOD))[1][1] == "AA"


async def test_files_that_are_no_certificate_and_a_port_in_use_are_told_at_start(tmp_path: Path):
    rubbish = tmp_path / "rubbish.pem"
    rubbish.write_text("rubbish")
    with pytest.raises(SettingsError, match="hl7.tls"):
        async with edge(tmp_path, tls={"certificate_file": rubbish, "key_file": rubbish}):
            pass
    async with edge(tmp_path) as e:
        with pytest.raises(SettingsError, match="cannot listen"):
            e.listener._settings = e.listener._settings.model_copy(update={"port": e.listener.port})
            await e.listener.start()


async def test_beds_without_a_name_and_versions_without_a_2_are_refused(tmp_path: Path):
    async with edge(tmp_path) as e, e.sender() as sender:
        assert (await sender.asks(GOOD.replace(b"bed-12", b"")))[2][2] == "PV1-3"
        assert (await sender.asks(GOOD.replace(b"|P|2.6", b"|P|3")))[1][1] == "AR"
        assert (await sender.asks(joined(msh(), obr(), "OBX|1|NM|1^x|1|5")))[1][1:3] == ["AE", "4711"]


async def test_a_bed_is_that_of_its_own_message_wherever_pv1_stands_and_whatever_the_separators(tmp_path: Path):
    other = GOOD.replace(b"bed-12", b"bed-13")
    pv1_line = b"PV1||I|ward-3^^bed-13|||\r"
    assert pv1_line in other
    late = other.replace(pv1_line, b"") + pv1_line
    without_pid = b"".join(line + b"\r" for line in other.split(b"\r") if line and not line.startswith(b"PID"))
    carets = GOOD.replace(b"MSH|^~\\&|", b"MSH|$~\\&|").replace(b"^", b"$").replace(b"bed-12", b"bed-12^7")
    async with edge(tmp_path) as e, e.sender() as sender:
        for block in (GOOD, late, GOOD, without_pid, carets, GOOD):
            assert (await sender.asks(block))[1][1] == "AA"
        beds = [chunk.stream_id.rpartition("/")[2] for chunk in e.taken.chunks]
        assert beds == ["bed-12", "bed-13", "bed-12", "bed-13", "bed-12^7", "bed-12"]
        assert [bool(chunk.patient) for chunk in e.taken.chunks] == [True, True, True, False, True, True]


async def test_a_sender_who_hears_no_answers_is_cut_off_and_holds_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(listener, "MESSAGE_S", 0.3)
    asked = framed(joined(msh("SIU^S12", control_id="4" * 100_000)))  # comes back in the answer: a few fill the socket
    async with edge(tmp_path) as e, e.sender() as other, e.sender() as deaf:
        deaf.reader.feed_data = lambda _: None
        deaf.writer.transport.pause_reading()
        with pytest.raises(ConnectionError):
            while True:
                deaf.writer.write(asked)
                await deaf.writer.drain()
        assert (await other.asks(GOOD))[1][1] == "AA"
