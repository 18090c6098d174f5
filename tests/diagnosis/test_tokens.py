"""A beat's class by the encoder is read at the beat's own token."""

import numpy as np
import pytest

from ecgstream.diagnosis.tokens import class_probs, tokens_of


def test_a_token_tells_of_what_both_delays_have_held_back():
    assert tokens_of(np.array([300, 309, 310]), 5.0, 0.4).tolist() == [40, 41, 41]


def test_three_tokens_together_tell_the_class():
    tokens = np.full((20, 5), 0.01, np.float32)
    tokens[9:12, 2] = 0.9
    probs = class_probs(tokens, np.array([10, 4]))
    assert probs[0].argmax() == 2 and probs[0, 2] == pytest.approx(0.9 / 0.94)
    np.testing.assert_allclose(probs[1], 0.2)


@pytest.mark.parametrize("at", [0, 19, 25])
def test_nothing_is_known_beyond_the_tokens(at):
    assert np.isnan(class_probs(np.ones((20, 5), np.float32), np.array([at]))).all()


def test_a_withheld_token_is_no_class():
    tokens = np.ones((20, 5), np.float32)
    tokens[9] = np.nan
    assert np.isnan(class_probs(tokens, np.array([10]))).all()
