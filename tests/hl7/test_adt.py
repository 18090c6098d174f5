"""ADT against the table: who lies where afterwards, and which beds are told."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecgstream.errors import Hl7Error
from ecgstream.hl7.adt import Adt, changed_beds
from ecgstream.hl7.patients import Identifier, Keys, Table

from .messages import adt, pid, pv1, read


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    path = tmp_path / "hl7.key"
    path.write_text("a secret that is made up for this very test")
    return Keys(path)


class Ward:
    """A table that messages come to; patients are told by the number of their identifier."""

    def __init__(self, keys: Keys):
        self.keys, self.table = keys, Table()

    def hears(self, trigger: str, *segments: str) -> dict[str, str]:
        """The beds that are told, and of whom."""
        after = Adt(read(adt(trigger, *segments)), self.keys, self.table).apply()
        told = changed_beds(self.table, after)
        self.table = after
        return {bed: self._name(pseudonym) for bed, pseudonym in told.items()}

    @property
    def beds(self) -> dict[str, str]:
        return {bed: self._name(pseudonym) for pseudonym, bed in self.table.bed_of.items()}

    def _name(self, pseudonym: str) -> str:
        names = {self.keys.pseudonym(Identifier(str(n), "HOUSE", "MR")): str(n) for n in range(1, 10)}
        return names[pseudonym] if pseudonym else ""


def mrg(identifier: str) -> str:
    return f"MRG|{identifier}^^^HOUSE^MR"


@pytest.fixture
def ward(keys: Keys) -> Ward:
    ward = Ward(keys)
    assert ward.hears("A01", pid("1"), pv1("W^^a")) == {"W/a": "1"}
    assert ward.hears("A04", pid("2"), pv1("W^^b")) == {"W/b": "2"}
    return ward


def test_an_admission_sent_twice_tells_the_bed_once(ward: Ward):
    assert ward.hears("A01", pid("1"), pv1("W^^a")) == {}


def test_a_transfer_empties_one_bed_and_fills_the_other(ward: Ward):
    assert ward.hears("A02", pid("1"), pv1("W^^c", "W^^a")) == {"W/a": "", "W/c": "1"}


def test_whoever_is_admitted_to_a_bed_takes_it(ward: Ward):
    assert ward.hears("A01", pid("3"), pv1("W^^a")) == {"W/a": "3"}
    assert ward.beds == {"W/a": "3", "W/b": "2"}


def test_two_patients_swap_their_beds(ward: Ward):
    assert ward.hears("A17", pid("1"), pv1("W^^b"), pid("2"), pv1("W^^a")) == {"W/b": "1", "W/a": "2"}
    with pytest.raises(Hl7Error, match="two groups of PID and PV1"):
        ward.hears("A17", pid("1"), pv1("W^^b"))


@pytest.mark.parametrize("trigger", ["A03", "A11"])
def test_a_discharge_or_a_cancelled_admission_empties_the_bed(ward: Ward, trigger: str):
    assert ward.hears(trigger, pid("1"), pv1("W^^a")) == {"W/a": ""}
    assert ward.hears(trigger, pid("1"), pv1("W^^a")) == {}


def test_a_cancelled_discharge_and_a_cancelled_transfer_bring_him_back(ward: Ward):
    ward.hears("A03", pid("1"), pv1("W^^a"))
    assert ward.hears("A13", pid("1"), pv1("W^^a")) == {"W/a": "1"}
    ward.hears("A02", pid("1"), pv1("W^^c", "W^^a"))
    assert ward.hears("A12", pid("1"), pv1("W^^a")) == {"W/c": "", "W/a": "1"}


def test_an_update_changes_what_is_known_and_tells_no_bed(ward: Ward, keys: Keys):
    assert ward.hears("A08", pid("1", "Roe^Jane"), pv1("W^^c")) == {}
    assert ward.table.patients[keys.pseudonym(Identifier("1", "HOUSE"))].family == "Roe"
    assert ward.hears("A08", pid("4"), pv1("W^^d")) == {"W/d": "4"}, "ADT began mid-stay"
    assert ward.hears("A08", pid("5"), pv1("W^^a")) == {}, "somebody lies there already"


def test_a_merge_leaves_the_bed_its_patient_and_resets_nothing(ward: Ward):
    assert ward.hears("A40", pid("9"), mrg("1")) == {}
    assert ward.beds == {"W/a": "9", "W/b": "2"}
    assert ward.hears("A03", pid("1")) == {"W/a": ""}, "the old number still means him"


def test_a_merge_of_two_who_lie_somewhere_keeps_one_bed(ward: Ward):
    assert ward.hears("A40", pid("1"), mrg("2")) == {"W/b": ""}


def test_circular_merges_are_refused_and_change_nothing(ward: Ward):
    with pytest.raises(Hl7Error, match="the one who is to go"):
        ward.hears("A40", pid("1"), mrg("1"))
    ward.hears("A40", pid("1"), mrg("2"))
    ward.hears("A40", pid("3"), mrg("1"))
    before = ward.table
    with pytest.raises(Hl7Error, match="the one who is to go"):
        ward.hears("A40", pid("2"), mrg("3"))
    assert ward.table is before


@pytest.mark.parametrize(
    ("trigger", "segments", "where"),
    [
        ("A01", [pid("1")], "PV1"),
        ("A01", [pv1("W^^a")], "PID"),
        ("A01", [pid(""), pv1("W^^a")], "PID-3"),
        ("A01", [pid("1"), pv1("W^^")], "PV1-3"),
        ("A40", [pid("1")], "MRG"),
        ("A40", [mrg("1"), pid("2")], "MRG"),
        ("A40", [pid("1"), "MRG|"], "MRG-1"),
        ("A05", [pid("1"), pv1("W^^a")], "MSH-9"),
    ],
)
def test_what_is_missing_is_named(ward: Ward, trigger: str, segments: list[str], where: str):
    before = ward.table
    with pytest.raises(Hl7Error) as caught:
        ward.hears(trigger, *segments)
    assert caught.value.where == where
    assert ward.table is before


WHO, BED = st.integers(1, 5).map(str), st.sampled_from("abcd")
MOVES = st.one_of(
    st.tuples(st.sampled_from(["A01", "A02", "A03", "A08", "A11", "A12", "A13"]), WHO, BED),
    st.tuples(st.just("A40"), WHO, WHO),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=st.lists(MOVES, max_size=25))
def test_whatever_comes_nobody_lies_in_two_beds_and_every_change_is_told(keys: Keys, moves: list):
    ward, told = Ward(keys), {}
    for trigger, who, other in moves:
        segments = [pid(who), mrg(other)] if trigger == "A40" else [pid(who), pv1(f"W^^{other}")]
        try:
            told |= ward.hears(trigger, *segments)
        except Hl7Error as error:
            assert trigger == "A40", error
    table = ward.table
    assert len(set(table.bed_of.values())) == len(table.bed_of)
    assert all(table.surviving(pseudonym) == pseudonym for pseudonym in table.bed_of)
    occupied = {bed for bed, name in told.items() if name}
    assert occupied == set(table.bed_of.values())
