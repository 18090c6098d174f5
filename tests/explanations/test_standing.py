"""Which diagnoses are explained, and how often: one that comes up to its threshold, once, and not again for a while."""

from pathlib import Path

from ecgstream.explanations.on_disk import Scored
from ecgstream.explanations.standing import AGAIN_S, FORGET_S, RETRY_S, StandingDiagnoses
from ecgstream.wire import ecgstream_pb2 as pb

VERSION = "model@0123456789ab"
MONITOR_AHEAD_NS = 5 * 10**9


class TwoScores:
    """One model on disk, that states two diagnoses."""

    def scores(self, model: str, heads: tuple[str, ...]) -> dict[str, Scored]:
        thresholds = {"MI": 0.5, "LVH": 0.3} if model == VERSION else {}
        return {name: Scored(model, Path(), threshold, is_head=False) for name, threshold in thresholds.items()}

    def asked_ns(self, diagnosis: pb.Diagnosis, by: Scored) -> int:
        return diagnosis.time_ns


def standing() -> StandingDiagnoses:
    return StandingDiagnoses(TwoScores())


def said(at_s: float, stream_id: str = "bed-1", model: str = VERSION, **scores: float) -> pb.Diagnosis:
    told = [pb.Score(name=name, probability=probability) for name, probability in scores.items()]
    stamp = {"published_time_ns": round(at_s * 1e9), "time_ns": MONITOR_AHEAD_NS + round(at_s * 1e9)}
    return pb.Diagnosis(stream_id=stream_id, model=model, scores=told, **stamp)


def taken(standing: StandingDiagnoses, diagnosis: pb.Diagnosis) -> list[str]:
    """Which of its scores are handed out at once."""
    standing.take(diagnosis)
    out = []
    while (stated := standing.next()) is not None:
        out.append(stated.score)
    return out


def test_a_score_is_explained_when_it_comes_up_to_its_own_threshold_and_not_while_it_stands():
    diagnoses = standing()
    assert taken(diagnoses, said(1, MI=0.49, LVH=0.29, SR=0.9)) == []
    assert taken(diagnoses, said(2, MI=0.5, LVH=0.29, SR=0.9)) == ["MI"]
    assert taken(diagnoses, said(3, MI=0.9, LVH=0.31)) == ["LVH"]
    assert [taken(diagnoses, said(at_s, MI=0.9, LVH=0.31)) for at_s in (4, AGAIN_S + 9)] == [[], []]


def test_one_that_wavers_is_explained_again_no_sooner_than_after_a_while():
    diagnoses = standing()
    assert taken(diagnoses, said(1, MI=0.6)) == ["MI"]
    taken(diagnoses, said(2, MI=0.4))
    assert taken(diagnoses, said(3, MI=0.6)) == []
    assert taken(diagnoses, said(AGAIN_S, MI=0.6)) == []
    assert taken(diagnoses, said(AGAIN_S + 1, MI=0.6)) == ["MI"]


def test_one_that_could_not_be_explained_is_tried_again_while_it_stands():
    diagnoses = standing()
    diagnoses.take(said(1, MI=0.6))
    diagnoses.failed(diagnoses.next())
    assert taken(diagnoses, said(2, MI=0.6)) == []
    assert taken(diagnoses, said(RETRY_S + 1, MI=0.6)) == ["MI"]
    assert taken(diagnoses, said(2 * RETRY_S + 1, MI=0.6)) == []


def test_one_that_falls_before_its_turn_is_counted_and_waits_no_more():
    diagnoses = standing()
    assert diagnoses.take(said(1, MI=0.6, LVH=0.6)) == 0 and len(diagnoses) == 2
    assert diagnoses.take(said(2, LVH=0.6)) == 1
    assert diagnoses.next().score == "LVH" and diagnoses.next() is None
    assert taken(diagnoses, said(3, MI=0.6)) == ["MI"], "it was never explained"


def test_whatever_waits_longest_comes_first_as_it_was_told_last():
    diagnoses = standing()
    diagnoses.take(said(1, "bed-2", LVH=0.4))
    diagnoses.take(said(2, "bed-1", MI=0.6))
    diagnoses.take(said(3, "bed-2", LVH=0.5))
    first, second = diagnoses.next(), diagnoses.next()
    assert (first.stream_id, round(first.probability, 3), first.by.threshold, first.time_ns) == ("bed-2", 0.5, 0.3, 8e9)
    assert (second.stream_id, second.score) == ("bed-1", "MI")


def test_scores_of_another_model_are_not_explained_by_this_one():
    diagnoses = standing()
    diagnoses.take(said(1, MI=0.6))
    assert diagnoses.take(said(2, model="swapped@ba9876543210", MI=0.9)) == 1 and diagnoses.next() is None


def test_another_patients_diagnosis_is_new():
    diagnoses = standing()
    assert taken(diagnoses, said(1, MI=0.6)) == ["MI"]
    diagnoses.take(said(2, MI=0.6, LVH=0.6))
    diagnoses.forget("bed-1")
    assert len(diagnoses) == 0
    assert taken(diagnoses, said(3, MI=0.6)) == ["MI"]


def test_a_monitor_whose_clock_jumps_changes_nothing():
    diagnoses = standing()
    assert taken(diagnoses, said(1, MI=0.6)) == ["MI"]
    ahead = said(2, "bed-2", MI=0.6)
    ahead.time_ns += 86_000 * 10**9
    assert taken(diagnoses, ahead) == ["MI"]
    assert taken(diagnoses, said(3, MI=0.6)) == []
    assert taken(diagnoses, said(4, "bed-2")) == [] == taken(diagnoses, said(5, "bed-2", MI=0.6))
    assert taken(diagnoses, said(AGAIN_S + 2, "bed-2", MI=0.6)) == ["MI"]


def test_beds_that_have_gone_are_forgotten():
    diagnoses = standing()
    for number in range(50):
        diagnoses.take(said(number, f"gone-{number}", MI=0.6))
    for number in range(100):
        diagnoses.take(said(FORGET_S + 100 + number, "bed-1"))
    assert len(diagnoses) == 0 and list(diagnoses._streams) == ["bed-1"]
