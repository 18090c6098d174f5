"""The patient table: encrypted, shared with readers, and a pseudonym that tells nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecgstream.errors import SettingsError, StateError
from ecgstream.hl7 import patients as module
from ecgstream.hl7.patients import Identifier, Identity, Keys, Patients, Table

JOHN = Identity(
    (Identifier("V1", "HOUSE", "VN"), Identifier("12345", "HOUSE", "MR")), "Aberdeen", "John", "19700101", "M"
)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "hl7.key"
    path.write_text("a secret that is made up for this very test\n")
    return path


@pytest.fixture
def keys(key_file: Path) -> Keys:
    return Keys(key_file)


def test_a_pseudonym_is_the_same_again_and_another_with_another_key_or_authority(keys: Keys, tmp_path: Path):
    other = tmp_path / "other.key"
    other.write_text("another secret, made up as well, and long enough")
    pseudonym = keys.pseudonym(Identifier("12345", "HOUSE", "MR"))
    assert pseudonym == keys.pseudonym(Identifier("12345", "HOUSE", "PI"))
    assert len({pseudonym, keys.pseudonym(Identifier("12345", "X")), Keys(other).pseudonym(JOHN.identifiers[1])}) == 3
    assert "12345" not in pseudonym


def test_a_secret_that_could_be_guessed_or_is_not_there_is_refused(tmp_path: Path):
    short = tmp_path / "short"
    short.write_text("1234")
    with pytest.raises(SettingsError, match="32 bytes.*it has 4"):
        Keys(short)
    with pytest.raises(SettingsError, match="cannot be read"):
        Keys(tmp_path / "none")


def test_what_is_saved_is_read_by_another_process_and_holds_no_name_in_clear(keys: Keys, tmp_path: Path):
    path = tmp_path / "patients.bin"
    writer, reader = Patients(path, keys), Patients(path, keys)
    pseudonym = keys.pseudonym(module.main(JOHN.identifiers))
    writer.save(Table().with_patient(pseudonym, JOHN).with_bed(pseudonym, "ward/bed-1"))
    assert reader.identity_at("ward/bed-1") == JOHN == reader.identity(reader.pseudonym_at("ward/bed-1"))
    writer.save(writer.table.with_bed(pseudonym, None))
    assert reader.identity_at("ward/bed-1") is None
    assert reader.identity(pseudonym) == JOHN, "what is told late of him can still be filled in"
    stored = path.read_bytes()
    assert not any(word in stored for word in (b"Aberdeen", b"12345", b"bed-1", pseudonym.encode()))
    assert path.stat().st_mode & 0o077 == 0


def test_a_table_of_another_key_or_damaged_is_refused_in_a_sentence(keys: Keys, tmp_path: Path):
    path = tmp_path / "patients.bin"
    Patients(path, keys).save(Table())
    path.write_bytes(path.read_bytes()[:-8] + b"AAAAAAA=")
    with pytest.raises(StateError, match="not written with the key.*or is damaged"):
        Patients(path, keys)


def test_a_table_that_cannot_be_written_is_told_and_nothing_changes(keys: Keys, tmp_path: Path):
    patients = Patients(tmp_path / "gone" / "patients.bin", keys)
    with pytest.raises(StateError, match="cannot be written"):
        patients.save(Table(bed_of={"p-1": "bed"}))
    assert patients.pseudonym_at("bed") is None


def test_a_merged_patient_is_found_by_any_name_he_had():
    table = Table().with_patient("p-new", JOHN).with_merge("p-old", "p-mid").with_merge("p-mid", "p-new")
    assert table.surviving("p-old") == "p-new"


def test_those_longest_gone_are_forgotten_and_those_in_a_bed_never(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "MOST_GONE", 2)
    table = Table().with_patient("p-0", JOHN).with_bed("p-0", "bed")
    for n in range(1, 6):
        table = table.with_patient(f"p-{n}", JOHN).with_merge(f"q-{n}", f"p-{n}")
    assert list(table.patients) == ["p-0", "p-3", "p-4", "p-5"]
    assert len(table.merged) == 3
