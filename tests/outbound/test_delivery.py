"""Alerts to an alarm manager that is down, slow, unwilling or rude: nothing lost, order kept, all of it counted."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest
import trustme

from ecgstream.clock import ManualClock
from ecgstream.errors import SettingsError, StateError
from ecgstream.outbound import queue as queue_module
from ecgstream.outbound.bridge import Bridge
from ecgstream.outbound.metrics import OutboundMetrics
from ecgstream.outbound.queue import OutboundQueue
from ecgstream.wire import ecgstream_pb2 as pb

from .edge import edge, settings, to, until
from .hospital import T0_NS, AlarmManagerStandIn, alert, facet, is_watchdog, updates

LIFE = (pb.Alert.ACTIVE, pb.Alert.LATCHED, pb.Alert.ENDED)


async def test_a_life_arrives_in_order_and_is_counted(tmp_path: Path, manager: AlarmManagerStandIn):
    async with edge(tmp_path, to(manager)) as outside:
        await outside.publish(*updates("a1", LIFE), *updates("a2", LIFE))
        await until(lambda: len(manager.accepted) == 6)
        phases = ("start", "update", "end")
        assert manager.told() == [(f"{name}-{n}", phases[n]) for name in ("a1", "a2") for n in range(3)]
        await until(lambda: outside.metric("waiting", destination="am") == 0)
        assert outside.metric("delivered_total", destination="am", phase="start") == 2
        assert outside.metric("up", destination="am") == 1
        assert len(manager._connections) == 1


@pytest.mark.parametrize("word", ["close", "garbage", "silence", "late", "AE", "AR"])
async def test_what_goes_wrong_once_loses_and_reorders_nothing(tmp_path: Path, manager: AlarmManagerStandIn, word: str):
    manager.script = ["AA", word, word, "AA"]
    # What is answered at once is to be told by its answer, however long a busy machine takes to give it.
    ack_s = 1.0 if word in ("silence", "late") else 30.0
    manager.late_s = ack_s + 0.3
    async with edge(tmp_path, to(manager, ack_s=ack_s)) as outside:
        await outside.publish(*updates("a1", LIFE))
        await until(lambda: len({entry for entry, _ in manager.told()}) == 3)
        await until(lambda: outside.metric("waiting", destination="am") == 0)
        # A late answer leaves a message accepted that is sent again: the same id tells the receiver.
        first_heard = list(dict.fromkeys(str(message["MSH"][0][10]) for message in manager.received))
        assert len(first_heard) == 3
        assert list(dict.fromkeys(manager.told())) == [("a1-0", "start"), ("a1-1", "update"), ("a1-2", "end")]
        reason = {"close": "closed", "garbage": "no_ack", "silence": "timeout", "late": "timeout"}.get(word, word)
        assert outside.metric("retries_total", destination="am", reason=reason) == 2
        assert outside.metric("set_aside_total", destination="am") == 0


async def test_a_receiver_that_is_down_gets_everything_when_it_is_back(tmp_path: Path, manager: AlarmManagerStandIn):
    async with edge(tmp_path, to(manager)) as outside:
        await outside.publish(alert("a0"))
        await until(lambda: len(manager.accepted) == 1)
        await manager.stop()
        for n in range(1, 40):
            await outside.publish(*updates(f"a{n}", LIFE))
            await asyncio.sleep(0.03)
        await until(lambda: outside.metric("waiting", destination="am") == 39 * 3)
        assert outside.metric("up", destination="am") == 0
        await manager.start()
        await until(lambda: len(manager.accepted) == 1 + 39 * 3)
        assert [entry for entry, _ in manager.told()] == ["a0-0"] + [
            f"a{n}-{update}" for n in range(1, 40) for update in range(3)
        ]
        assert outside.metric("dropped_total", destination="am") == 0


async def test_what_waits_survives_the_bridge(tmp_path: Path, manager: AlarmManagerStandIn):
    await manager.stop()
    async with edge(tmp_path, to(manager)) as outside:
        await outside.publish(*updates("a1", LIFE))
        await until(lambda: outside.metric("waiting", destination="am") == 3)
    await manager.start()
    async with edge(tmp_path, to(manager)) as outside:
        await until(lambda: len(manager.accepted) == 3)
        await outside.publish(*updates("a1", LIFE))  # told again, as a daemon does after a restart
        await until(lambda: outside.metric("duplicates_total") == 3)
        await asyncio.sleep(0.1)
    assert manager.told() == [("a1-0", "start"), ("a1-1", "update"), ("a1-2", "end")]


@pytest.mark.parametrize("word", ["AE", "AR"])
async def test_what_is_refused_for_good_is_set_aside_and_named_nowhere(
    tmp_path: Path, manager: AlarmManagerStandIn, word: str, capsys: pytest.CaptureFixture
):
    manager.script = ["AA", word, word, word]
    async with edge(tmp_path, to(manager), refusals=3) as outside:
        await outside.publish(*updates("a1", LIFE))
        await until(lambda: len(manager.accepted) == 2)
        assert [entry for entry, _ in manager.told()] == ["a1-0", "a1-2"]
        assert outside.metric("set_aside_total", destination="am") == 1
        assert outside.metric("retries_total", destination="am", reason=word) == 3
    queue = OutboundQueue(tmp_path / "queue.sqlite3", 10**6, {}, outside.bridge.metrics)
    (destination, reason, entry), *others = queue.refused()
    queue.close()
    assert not others and (destination, entry.alert.alert_id, entry.alert.update) == ("am", "a1", 1)
    assert reason == f"am answered {word} (HL7 error 204); its own log says why."
    said = capsys.readouterr()
    assert "Mulder" not in said.out + said.err


async def test_a_full_queue_drops_the_oldest_and_counts_it(tmp_path: Path, manager: AlarmManagerStandIn):
    await manager.stop()
    size = len(alert("a00").SerializeToString())
    async with edge(tmp_path, to(manager), queue_mb=10.5 * size / 2**20) as outside:
        await outside.publish(*(alert(f"a{n:02}") for n in range(25)))
        # One may be under way, and is then not waiting any more when it is dropped.
        await until(lambda: outside.metric("dropped_total", destination="am") == 15)
        assert outside.metric("waiting", destination="am") == 10
        await manager.start()
        await until(lambda: len(manager.accepted) >= 10)
        await until(lambda: outside.metric("waiting", destination="am") == 0)
    begun = [entry for entry, phase in manager.told() if phase == "start"]  # after that, what stands is continued
    assert begun[-10:] == [f"a{n}-0" for n in range(15, 25)]


async def test_what_stands_is_told_again_until_it_ends(tmp_path: Path, manager: AlarmManagerStandIn):
    clock = ManualClock(T0_NS)
    async with edge(tmp_path, to(manager, watchdog_s=60), clock=clock) as outside:
        await outside.publish(alert("a1"), alert("low", priority=pb.Alert.LOW))
        await until(lambda: outside.metric("delivered_total", destination="am", phase="start") == 2)
        await asyncio.sleep(1.5)  # looked at once at least
        assert len(manager.told()) == 2
        clock.now += 20 * 10**9
        await until(lambda: len(manager.told()) == 4)
        assert set(manager.told()[2:]) == {("a1-0", "continue"), ("low-0", "continue")}
        await outside.publish(alert("a1", 1, pb.Alert.ENDED))
        await until(lambda: outside.metric("delivered_total", destination="am", phase="end") == 1)
        clock.now += 40 * 10**9
        await until(lambda: sum(map(is_watchdog, manager.accepted)) == 2)
        assert manager.told()[4:] == [("a1-1", "end"), ("low-0", "continue")]
    watchdogs = [facet(message, "4") for message in manager.accepted if is_watchdog(message)]
    assert watchdogs == ["active", "active", "inactive"]


async def test_a_continue_that_is_refused_does_not_keep_others_waiting(tmp_path: Path, manager: AlarmManagerStandIn):
    clock = ManualClock(T0_NS)
    async with edge(tmp_path, to(manager), clock=clock) as outside:
        await outside.publish(alert("a1"), alert("b1"))
        await until(lambda: outside.metric("delivered_total", destination="am", phase="start") == 2)
        manager.script = ["AE"]
        clock.now += 20 * 10**9
        await until(lambda: ("b1-0", "continue") in manager.told())
        assert ("a1-0", "continue") not in manager.told()


def test_the_queue_forgets_what_is_old_and_keeps_the_newest_set_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(queue_module, "MOST_SET_ASIDE", 2)
    queue = OutboundQueue(tmp_path / "queue.sqlite3", 10**6, {"am": lambda one: one}, OutboundMetrics())
    queue.take_in([(alert(f"a{n}"), "") for n in range(4)], T0_NS)
    while entry := queue.head("am"):
        queue.set_aside("am", entry, "AR")
    assert [entry.alert.alert_id for _, _, entry in queue.refused()] == ["a2", "a3"]
    assert len(queue.standing(T0_NS)) == 4
    assert queue.standing(T0_NS + queue_module.STANDS_NS) == []
    queue.take_in([(alert("a0"), "")], T0_NS + queue_module.REMEMBERED_NS)
    assert queue.head("am") is None
    queue.take_in([(alert("a0"), "")], T0_NS + queue_module.REMEMBERED_NS + 1)
    queue.take_in([(alert("a0"), "")], T0_NS + queue_module.REMEMBERED_NS + 2)
    assert queue.head("am").phase == "start"
    queue.close()


async def test_a_repeat_of_an_unseen_alert_continues_it_and_strips_are_no_news(
    tmp_path: Path, manager: AlarmManagerStandIn
):
    completed = alert("a1", 1)
    completed.strip.complete = True
    async with edge(tmp_path, to(manager)) as outside:
        await outside.publish(alert("a1"), completed, alert("a1", 1, escalation=1), alert("a1", 2, pb.Alert.ENDED))
        await until(lambda: len(manager.accepted) == 3)
    assert manager.told() == [("a1-0", "start"), ("a1-1", "continue"), ("a1-2", "end")]


async def test_one_that_is_down_does_not_hold_up_another(tmp_path: Path, manager: AlarmManagerStandIn):
    down = AlarmManagerStandIn()
    await down.start()
    await down.stop()
    lethal_only = {**to(manager), "least_priority": "high"}
    async with edge(tmp_path, {**to(down), "name": "down"}, lethal_only) as outside:
        await outside.publish(alert("a1"), alert("b1", priority=pb.Alert.MEDIUM), alert("c1"))
        await until(lambda: len(manager.accepted) == 2)
        assert outside.metric("waiting", destination="down") == 3
    assert [entry for entry, _ in manager.told()] == ["a1-0", "c1-0"]


async def test_draeger_is_content_with_a_commit_ack(tmp_path: Path, manager: AlarmManagerStandIn):
    manager.usually = "CA"
    async with edge(tmp_path, to(manager, dialect="draeger")) as outside:
        await outside.publish(*updates("a1", LIFE))
        await until(lambda: outside.metric("delivered_total", destination="am", phase="end") == 1)


async def test_ihe_waits_for_the_application(tmp_path: Path, manager: AlarmManagerStandIn):
    manager.script = ["CA"]
    async with edge(tmp_path, to(manager, ack_s=1.0)) as outside:
        await outside.publish(alert("a1"))
        await until(lambda: outside.metric("delivered_total", destination="am", phase="start") == 1)
        assert outside.metric("retries_total", destination="am", reason="timeout") == 1


async def test_tls(tmp_path: Path):
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    manager = AlarmManagerStandIn(tls=context)
    await manager.start()
    trusted = to(manager, tls={"ca_file": tmp_path / "ca.pem"})
    async with edge(tmp_path, trusted, {**to(manager), "name": "other", "tls": {}}) as outside:
        await outside.publish(alert("a1"))
        await until(lambda: len(manager.accepted) == 1)
        await until(lambda: outside.metric("retries_total", destination="other", reason="connect") >= 1)
        assert outside.metric("waiting", destination="other") == 1
    await manager.stop()


async def test_a_queue_in_use_or_not_ours_is_refused(tmp_path: Path, manager: AlarmManagerStandIn):
    async with edge(tmp_path, to(manager)) as outside:
        with pytest.raises(StateError, match="another bridge"):
            await Bridge(outside.bridge.settings).run()
    (tmp_path / "queue.sqlite3").write_bytes(b"no database at all" * 100)
    with pytest.raises(StateError, match="cannot be used"):
        await Bridge(outside.bridge.settings).run()


async def test_settings_that_lead_nowhere_are_refused(tmp_path: Path):
    with pytest.raises(SettingsError, match="outbound.destinations is empty"):
        Bridge(settings(tmp_path, "tcp://127.0.0.1:1"))
    with pytest.raises(ValueError, match="given twice: am"):
        settings(tmp_path, "tcp://x", *2 * [{"kind": "pcd04", "name": "am", "host": "h"}])
    with pytest.raises(ValueError, match=r"no dialect 'klingon'; draeger, ihe"):
        settings(tmp_path, "tcp://x", {"kind": "pcd04", "name": "am", "host": "h", "dialect": "klingon"})
