"""The fibrillation head over seconds: it begins, holds, ends, and takes nothing away."""

from types import SimpleNamespace

import numpy as np
import pytest

from ecgstream.diagnosis.waves import WaveRhythms, log_odds
from ecgstream.rhythm.waves import FEATURES, WAVE_HOPS
from ecgstream.waveform import HOP_SAMPLES, N_CONDITIONS, Condition

VF = Condition.VENTRICULAR_FIBRILLATION
LIKELY, UNLIKELY = 0.99, 0.01


class FirstFeature:
    """A head whose probability is the first feature."""

    manifest = SimpleNamespace(thresholds={"begin": 0.6, "end": 0.4})

    def probability(self, features):
        return np.stack([1 - features[:, 0], features[:, 0]], 1)


def block(line: str, first_hop: int = 0, new_segment: bool = True):
    """Hops of one row; each second is L(ikely), U(nlikely) or "." not measured. Two leads that agree."""
    n_hops = len(line) * WAVE_HOPS
    waves = np.full((1, n_hops, 2, len(FEATURES)), np.nan, np.float32)
    for second, letter in enumerate(line):
        if letter != ".":
            waves[0, (second + 1) * WAVE_HOPS - 1] = LIKELY if letter == "L" else UNLIKELY
    signal = SimpleNamespace(
        rows=np.array([0]), first_hop=np.array([first_hop]), n_hops=n_hops, new_segment=np.array([new_segment])
    )
    return signal, SimpleNamespace(waves=waves)


def cut(made, start: int, stop: int):
    signal, rhythm = made
    part = SimpleNamespace(
        rows=signal.rows,
        first_hop=signal.first_hop + start,
        n_hops=stop - start,
        new_segment=signal.new_segment & (start == 0),
    )
    return part, SimpleNamespace(waves=rhythm.waves[:, start:stop])


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("UULLL", "..###"),
        ("LLLUU", "###.."),
        ("LL..LL", "##..##"),
        ("....", "...."),
    ],
    ids=["begins", "ends", "nothing is told where nothing is measured", "nor before"],
)
def test_seconds_are_told_at_their_end(line, told):
    fibrillates = WaveRhythms(FirstFeature(), 1).step(*block(line)).fibrillates[0]
    seconds = fibrillates[WAVE_HOPS - 1 :: WAVE_HOPS]
    assert "".join("#" if one else "." for one in seconds) == told
    assert not fibrillates[: WAVE_HOPS - 1].any()


def test_the_onset_is_that_of_the_first_window():
    said = WaveRhythms(FirstFeature(), 1).step(*block("UUUUULLL"))
    stop = 6 * WAVE_HOPS * HOP_SAMPLES
    assert set(said.onset[0][said.fibrillates[0]].tolist()) == {stop - 20 * HOP_SAMPLES}


@pytest.mark.parametrize("cuts", [(1,), (4, 5, 9), (13, 14, 27), tuple(range(1, 40))])
def test_cutting_hops_and_moving_the_row_change_nothing(cuts):
    made = block("ULLU.LLL")
    whole = WaveRhythms(FirstFeature(), 1).step(*made)
    edges, room, found = (0, *cuts, 40), WaveRhythms(FirstFeature(), 1), []
    for start, stop in zip(edges, edges[1:], strict=False):
        found.append(room.step(*cut(made, start, stop)))
        moved = WaveRhythms(FirstFeature())
        moved.grow(1)
        moved.restore(0, room.save(0))
        room = moved
    np.testing.assert_array_equal(np.concatenate([part.fibrillates[0] for part in found]), whole.fibrillates[0])
    np.testing.assert_array_equal(np.concatenate([part.onset[0] for part in found]), whole.onset[0])


def test_the_rules_word_stands():
    said = WaveRhythms(FirstFeature(), 1).step(*block("ULLU"))
    rng = np.random.default_rng(1)
    evidence = rng.random((1, 20, N_CONDITIONS)) < 0.5
    onset, from_model = np.where(evidence, 7, -1), np.zeros_like(evidence)
    before = evidence.copy()
    said.add_to(evidence, onset, from_model)
    assert (evidence[before]).all()
    assert (onset[before] == 7).all()
    np.testing.assert_array_equal(evidence[:, :, VF], before[:, :, VF] | said.fibrillates)
    np.testing.assert_array_equal(from_model, evidence & ~before)
    assert from_model.any()


def test_log_odds_are_finite():
    assert np.isfinite(log_odds(np.array([0.0, 0.5, 1.0]))).all()
