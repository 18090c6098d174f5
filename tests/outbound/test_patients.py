"""Names leave at sending, for the patient in whose time the alert began, and lie nowhere on the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecgstream.hl7.patients import Identifier, Identity, Keys, Patients, main
from ecgstream.settings import Hl7Settings

from .edge import edge, to, until
from .hospital import AlarmManagerStandIn, alert
from .test_pcd04 import MULDER

SCULLY = Identity((Identifier("FBI-2", "Hospital", "MR"),), "Scully")
PLANTED = (b"Mul|der", b"Mulder", b"Geert", b"HO2009001", b"18991230", b"Scully", b"FBI-2")


@pytest.fixture
def table(tmp_path: Path) -> Hl7Settings:
    key = tmp_path / "key"
    key.write_text("a secret of more than thirty-two bytes\n")
    return Hl7Settings(key_file=key, patients_file=tmp_path / "patients.bin")


def lies_in_bed(told: Hl7Settings, identity: Identity) -> None:
    keys = Keys(told.key_file)
    patients = Patients(told.patients_file, keys)
    pseudonym = keys.pseudonym(main(identity.identifiers))
    patients.save(patients.table.with_patient(pseudonym, identity).with_bed(pseudonym, "ward-3/bed-12"))


def everything_in(folder: Path, pattern: str) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob(pattern))


async def test_an_alert_held_back_names_whoever_lay_there_when_it_began(
    tmp_path: Path,
    manager: AlarmManagerStandIn,  # noqa: F811
    table: Hl7Settings,
    capfd: pytest.CaptureFixture,
):
    lies_in_bed(table, MULDER)
    await manager.stop()
    async with edge(tmp_path, to(manager), hl7=table) as outside:
        await outside.publish(alert("a1"))
        await until(lambda: outside.metric("waiting", destination="am") == 1)
        lies_in_bed(table, SCULLY)
        await outside.publish(alert("a1", 1, 4), alert("b1"))
        await until(lambda: outside.metric("waiting", destination="am") == 3)
        on_disk = everything_in(tmp_path, "queue.sqlite3*")
        assert b"ward-3/bed-12" in on_disk and not any(name in on_disk for name in PLANTED)
        await manager.start()
        await until(lambda: len(manager.accepted) == 3)
        metrics = str(list(outside.bridge.metrics.registry.collect())).encode()
    told = [message.unescape(str(message["PID"][0][5])).partition("^")[0] for message in manager.accepted]
    assert told == ["Mul|der", "Mul|der", "Scully"]
    assert [str(message["PID"][0][3]).partition("^")[0] for message in manager.accepted][1:] == ["HO2009001", "FBI-2"]
    said = "".join(capfd.readouterr()).encode() + metrics
    assert b"ready" in said and not any(name in said for name in PLANTED)


async def test_an_alert_leaves_without_a_name_where_the_table_cannot_be_read(
    tmp_path: Path,
    manager: AlarmManagerStandIn,  # noqa: F811
    table: Hl7Settings,
):
    lies_in_bed(table, MULDER)
    async with edge(tmp_path, to(manager), hl7=table) as outside:
        table.patients_file.write_bytes(b"damaged")
        await outside.publish(alert("a1"))
        await until(lambda: len(manager.accepted) == 1)
    assert str(manager.accepted[0]["PID"][0][3]) == '""'
