"""The numbers of an explanation, its picture, and what cannot be explained."""

import re

import numpy as np
import pytest

from ecgstream.errors import ModelError, RecordError
from ecgstream.evaluation.records import record_of
from ecgstream.explanations.alert import decided_s, record_of_alert, score_of_alert
from ecgstream.explanations.explanation import explain
from ecgstream.explanations.picture import draw_explanation
from ecgstream.explanations.window import LONGEST_S, window_of
from ecgstream.recorded.strip import recording_of

from ..alert_strips.test_draw import alert
from .probes import LinearProbe, two_leads, window


def explained(seconds: float = 2.0):
    mv = two_leads(seconds)
    weights = np.zeros(mv.shape)
    weights[0, 250], weights[1, 260:270] = 3.0, -1.0  # in the QRS of a beat at 1 s
    return explain(LinearProbe(weights), window(mv, (1.0,)), None, "gradients"), weights * mv


def test_sums_by_lead_and_wave_are_those_of_the_contributions():
    explanation, added = explained()
    document = explanation.document()
    assert document["score"] == "sum"  # noise is likelier, and no finding
    assert document["logit_of_nothing"] == 1.0 and document["not_accounted_for"] == pytest.approx(0.0, abs=1e-4)
    assert document["leads"]["I"]["QRS"] == {"for": round(added[0, 250], 4), "against": 0.0}
    assert document["all"]["QRS"] == document["all"]["all"]
    assert document["all"]["T"] == {"for": 0.0, "against": 0.0}
    assert document["cells"]["II"][26] == pytest.approx(added[1, 260:270].sum(), abs=1e-4)
    assert np.count_nonzero(document["cells"]["I"]) == 1


def test_the_picture_is_coloured_where_the_signal_speaks_for_the_score_and_nowhere_else():
    explanation, added = explained(10.0)
    assert added[0, 250] > 0 > added[1, 260:270].sum()
    svg = draw_explanation(explanation).decode()
    coloured = re.findall(r'<path d="[^"]*"[^>]*style="fill: #0059d9; fill-opacity: ([\d.]+)"', svg)
    assert coloured == ["0.6"] and "sum" in svg and "Not for diagnosis" in svg


def test_a_score_that_the_model_lacks_is_refused_with_those_it_has():
    with pytest.raises(ModelError, match="'CLBBB'; it has sum, noise"):
        explain(LinearProbe(np.ones((2, 500))), window(two_leads()), "CLBBB", "gradients")


def test_what_is_explained_is_the_time_before_a_decision():
    said = alert(2, seconds=20.0)
    assert score_of_alert(said) == "rhythm.vt" and decided_s(said) == 14.0
    shown = window_of(record_of_alert(said), decided_s(said), 50)
    assert shown.mv.shape == (2, 14 * 250) and shown.leads == ("V1", "V2")
    assert shown.time_s[-1] == pytest.approx(14.0 - shown.delay_s, abs=0.01)


def test_at_most_what_the_encoder_remembers_is_explained():
    shown = window_of(record_of(recording_of(alert(1, seconds=40.0))), 35.0, 50)
    assert shown.mv.shape[1] == LONGEST_S * 250 and shown.start_s == 15.0


@pytest.mark.parametrize("stop_s", [0.0, 7.0])
def test_too_little_signal_is_told(stop_s: float):
    with pytest.raises(RecordError, match="needs 8 s"):
        window_of(record_of_alert(alert(1)), stop_s, 50)


def test_an_alert_of_rules_alone_is_told():
    said = alert()
    said.condition = "asystole"
    with pytest.raises(ModelError, match="rules alone"):
        score_of_alert(said)
