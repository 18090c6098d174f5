"""Seen records are refused in a sentence."""

import pytest

from ecgstream.errors import RecordError
from ecgstream.evaluation.seen import check_unseen

SEEN = {"mitdb": ["100", "101"], "vfdb": ["418"]}


def test_a_seen_record_is_refused_and_named():
    with pytest.raises(RecordError, match="fitted on 101.*--allow-seen"):
        check_unseen(SEEN, ["I01", "101"], allow=False)


def test_many_are_counted():
    with pytest.raises(RecordError, match="1, 2, 3, 4 and 2 more"):
        check_unseen({"any": [str(n) for n in range(9)]}, [str(n) for n in range(7)], allow=False)


@pytest.mark.parametrize(("records", "allow"), [(["I01"], False), ([], False), (["100"], True)])
def test_unseen_or_allowed_records_pass(records, allow):
    check_unseen(SEEN, records, allow)
