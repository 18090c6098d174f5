"""Alert ids are a promise to every receiver: they must never come out otherwise."""

from itertools import product
from uuid import UUID

from ecgstream.alarms.ids import alert_id
from ecgstream.waveform import Condition


def test_an_id_never_changes():
    assert alert_id("bed-1", Condition.ASYSTOLE, 1250) == "ca93248d-b26f-a14f-4ad4-f2cebc7ea939"


def test_every_part_counts():
    ids = {alert_id(*parts) for parts in product(("a", "a1", "b"), Condition, (0, 1, 10, 11))}
    assert len(ids) == 3 * len(Condition) * 4
    assert all(str(UUID(one)) == one for one in ids)
