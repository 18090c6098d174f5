"""ADT: admissions, transfers, swaps, discharges, their cancellations, and merges, as changes of the patient table.

A bed gets an order only where its patient changes: an update of somebody's address leaves his alarms alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import hl7

from ..errors import Hl7Error
from .message import Message, repetitions
from .patients import Identifier, Identity, Keys, Table, main
from .refusals import Refused


class Adt:
    """One ADT message against the table as it stands."""

    def __init__(self, message: Message, keys: Keys, table: Table):
        self._message, self._keys = message, keys
        self.table = table

    def apply(self) -> Table:
        """The table after the message. Raises Hl7Error, and nothing has changed."""
        trigger = self._message.header.kind.partition("^")[2]
        if trigger not in _TRIGGERS:
            raise Hl7Error(
                Refused.UNSUPPORTED,
                f"ADT^{trigger[:10]} is not spoken here; send one of {', '.join(sorted(_TRIGGERS))}.",
                "MSH-9",
            )
        _TRIGGERS[trigger](self)
        return self.table

    # ---------------------------------------------------------------------------------------------------- its triggers

    def _arrive(self) -> None:
        """A01, A04, A02, A12, A13, A17: each patient now lies where PV1-3 says; A04 may name no bed."""
        visits = list(self._visits())
        for pseudonym, _ in visits:  # of a swap both get up before one lies down
            self.table = self.table.with_bed(pseudonym, None)
        for pseudonym, pv1 in visits:
            if pv1 is None:
                self._message.first("PV1")
            elif self._message.text(pv1, 3, 3) or not self._message.header.kind.endswith("A04"):
                self.table = self.table.with_bed(pseudonym, self._message.bed(pv1, 3))

    def _swap(self) -> None:
        """A17: two patients, two beds."""
        if sum(1 for _ in self._message.all("PID")) != 2:
            raise Hl7Error(Refused.MISSING_FIELD, "ADT^A17 needs two groups of PID and PV1, one a patient.", "PID")
        self._arrive()

    def _leave(self) -> None:
        """A03 and A11: the patient lies in no bed any more."""
        for pseudonym, _ in self._visits():
            self.table = self.table.with_bed(pseudonym, None)

    def _update(self) -> None:
        """A08: what is known of the patient; a bed only if he has none and it is free, as when ADT begins mid-stay."""
        for pseudonym, pv1 in self._visits():
            if pv1 is None or pseudonym in self.table.bed_of or not self._message.text(pv1, 3, 3):
                continue
            bed = self._message.bed(pv1, 3)
            if self.table.patient_at(bed) is None:
                self.table = self.table.with_bed(pseudonym, bed)

    def _merge(self) -> None:
        """A40: whoever was known by MRG-1 is the patient of PID-3. Refused where that would go round in a circle."""
        surviving = ""
        merges = 0
        for segment in self._message.all("PID", "MRG"):
            if str(segment[0]) == "PID":
                surviving = self._known(segment)
                continue
            merges += 1
            self._merge_one(self._keys.pseudonym(main(identifiers(self._message, segment, 1))), surviving)
        if not merges:
            self._message.first("MRG")

    def _merge_one(self, prior: str, surviving: str) -> None:
        if not surviving:
            raise Hl7Error(Refused.NO_PATIENT, "MRG stands before any PID; the patient who remains comes first.", "MRG")
        table = self.table
        if table.surviving(surviving) == prior or prior == surviving:
            raise Hl7Error(
                Refused.CIRCULAR_MERGE,
                "The patient who is to remain (PID-3) is, by this or an earlier merge, the one who is to go (MRG-1).",
                "MRG-1",
            )
        bed = table.bed_of.get(surviving) or table.bed_of.get(prior)
        patients = {pseudonym: one for pseudonym, one in table.patients.items() if pseudonym != prior}
        merged = replace(table, patients=patients).with_merge(prior, surviving)
        self.table = merged.with_bed(prior, None).with_bed(surviving, bed)

    # ------------------------------------------------------------------------------------------------- what it is about

    def _visits(self) -> Iterator[tuple[str, hl7.Segment | None]]:
        """Each PID's patient, known to the table from here on, and the PV1 that follows it."""
        waiting: hl7.Segment | None = None
        for segment in [*self._message.all("PID", "PV1"), None]:
            if segment is not None and str(segment[0]) == "PV1":
                if waiting is not None:
                    yield self._known(waiting, segment), segment
                waiting = None
                continue
            if waiting is not None:
                yield self._known(waiting), None
            waiting = segment
        self._message.first("PID")

    def _known(self, pid: hl7.Segment, pv1: hl7.Segment | None = None) -> str:
        identity = self._identity(pid, pv1)
        pseudonym = self.table.surviving(self._keys.pseudonym(main(identity.identifiers)))
        self.table = self.table.with_patient(pseudonym, identity)
        return pseudonym

    def _identity(self, pid: hl7.Segment, pv1: hl7.Segment | None) -> Identity:
        text = self._message.text
        visit = text(pv1, 19) if pv1 is not None else ""
        return Identity(
            identifiers(self._message, pid, 3),
            family=text(pid, 5),
            given=text(pid, 5, 2),
            birth_date=text(pid, 7)[:8],
            sex=text(pid, 8),
            visit=visit or text(pid, 18),
        )


def identifiers(message: Message, segment: hl7.Segment, field: int) -> tuple[Identifier, ...]:
    """All repetitions of a CX field that say something. Raises Hl7Error where none does."""
    text = message.text
    found = [
        Identifier(text(segment, field, 1, n), text(segment, field, 4, n), text(segment, field, 5, n))
        for n in range(1, repetitions(segment, field) + 1)
    ]
    if not (found := [one for one in found if one.value]):
        where = f"{segment[0]}-{field}"
        raise Hl7Error(Refused.NO_PATIENT, f"{where} must hold a patient identifier; it is empty.", where)
    return tuple(found)


def changed_beds(before: Table, after: Table) -> dict[str, str]:
    """Every bed whose patient is another now, and the pseudonym, empty where nobody lies there; left beds first.

    Two pseudonyms of a merge are one patient.
    """
    was = {bed: after.surviving(pseudonym) for pseudonym, bed in before.bed_of.items()}
    now = {bed: pseudonym for pseudonym, bed in after.bed_of.items()}
    left = {bed: "" for bed in was if bed not in now}
    return left | {bed: pseudonym for bed, pseudonym in now.items() if was.get(bed) != pseudonym}


_TRIGGERS: dict[str, Callable[[Adt], None]] = {
    "A01": Adt._arrive,
    "A02": Adt._arrive,
    "A03": Adt._leave,
    "A04": Adt._arrive,
    "A08": Adt._update,
    "A11": Adt._leave,
    "A12": Adt._arrive,
    "A13": Adt._arrive,
    "A17": Adt._swap,
    "A40": Adt._merge,
}
