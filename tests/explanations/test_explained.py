"""What is kept of explained diagnoses: the newest of each score, so many in all, nothing of the last patient."""

from pathlib import Path

from ecgstream.explanations.explained import MOST, Explained, ExplainedDiagnoses
from ecgstream.explanations.on_disk import Scored
from ecgstream.explanations.standing import Stated
from ecgstream.wire import ecgstream_pb2 as pb

BY = Scored("model@1", Path(), 0.5, is_head=False)


def explained(stream_id: str, score: str, time_ns: int = 0) -> Explained:
    return Explained(Stated(stream_id, score, 0.6, time_ns, BY), pb.Strip(), b"{}")


def test_the_newest_of_each_score_is_kept_until_another_patient_comes():
    kept = ExplainedDiagnoses()
    for one in (explained("bed-1", "MI", 1), explained("bed-1", "LVH", 2), explained("bed-1", "MI", 3)):
        kept.keep(one)
    kept.keep(explained("bed-2", "MI", 4))
    assert [each.stated.time_ns for each in kept.of("bed-1")] == [2, 3]
    assert kept.find("bed-1", "MI").stated.time_ns == 3 and kept.find("bed-1", "CD") is None
    kept.forget("bed-1")
    assert kept.of("bed-1") == [] and kept.find("bed-2", "MI")


def test_the_oldest_make_room():
    kept = ExplainedDiagnoses()
    for number in range(MOST + 1):
        kept.keep(explained(f"bed-{number}", "MI"))
    assert kept.find("bed-0", "MI") is None and kept.find("bed-1", "MI") and kept.find(f"bed-{MOST}", "MI")
