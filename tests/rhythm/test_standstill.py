"""A flat line on all leads: when it is asystole, and when it is the cable's."""

import numpy as np
import pytest

from ecgstream.cutting import cut
from ecgstream.rhythm import Rhythm
from ecgstream.rhythm.standstill import OLD_HOPS
from ecgstream.waveform import GRID_HZ, HOP_SAMPLES, LEAD_SLOT, Condition, Conditioned, Reason

from .signals import beat_train, conditioned, noise

STOP_S, SECONDS = 30, 60
STOP, FLAT_FROM, END = 5 * STOP_S, 5 * STOP_S + 4, 5 * SECONDS
II, V1 = LEAD_SLOT["II"], LEAD_SLOT["V1"]

#      beats, all leads good          constant: OK for four more hops, then FLAT
#   0 ------------------------- 30 s ------------------------------------------- 60 s


def bed(beats_until_s: float = STOP_S) -> Conditioned:
    """Two leads whose heart, and then whose trace, stops at 30 s."""
    mv = beat_train(np.arange(1, beats_until_s, 0.8), SECONDS)
    live = np.arange(len(mv)) < STOP_S * GRID_HZ
    mv[~live] = 0.0
    block = conditioned({"II": mv + noise(len(mv), 0) * live, "V1": -0.6 * mv + noise(len(mv), 1) * live})
    mark(block, (II, V1), FLAT_FROM, END, Reason.FLAT)
    return block


def mark(block: Conditioned, leads: tuple[int, ...], first: int, stop: int, reason: Reason) -> None:
    for lead in leads:
        block.reason[0, lead, first:stop] = reason
        block.quality[0, lead, first:stop] = reason == Reason.OK
        block.valid[0, lead, first * HOP_SAMPLES : stop * HOP_SAMPLES] = reason != Reason.LEAD_OFF


def asystole(block: Conditioned, pulse: np.ndarray | None = None) -> np.ndarray:
    return np.flatnonzero(Rhythm(1).step(block, pulse).evidence[0, :, Condition.ASYSTOLE])


def test_all_leads_flat_at_once_is_asystole_four_seconds_after_the_last_beat():
    block = bed()
    result = Rhythm(1).step(block)
    hops = asystole(block)
    last_beat_s = result.beats.sample.max() / GRID_HZ
    assert 4.0 <= (hops[0] + 1) / 5 - last_beat_s <= 5.2
    assert hops[-1] == END - 1 and (np.diff(hops) == 1).all()
    assert result.onset[0, hops[0], Condition.ASYSTOLE] / GRID_HZ == pytest.approx(last_beat_s)
    assert result.standstill[0, FLAT_FROM:].all() and not result.standstill[0, :FLAT_FROM].any()
    assert (result.reason[0, FLAT_FROM:] == Reason.OK).all()


def test_a_lead_that_goes_on_keeps_the_others_flat_line_a_matter_of_leads():
    block = bed()
    mark(block, (V1,), FLAT_FROM, END, Reason.OK)
    mv = -0.6 * beat_train(np.arange(1, SECONDS, 0.8), SECONDS)
    block.ecg_mv[0, V1] = np.roll(mv, 7) + noise(len(mv), 2)
    result = Rhythm(1).step(block)
    assert not result.standstill.any() and not result.evidence[0, :, Condition.ASYSTOLE].any()


@pytest.mark.parametrize("reason", [Reason.LEAD_OFF, Reason.SATURATED, Reason.NOISE, Reason.MISSING])
@pytest.mark.parametrize("leads", [(V1,), (II, V1)])
@pytest.mark.parametrize("hops", [(STOP, FLAT_FROM + 1), (FLAT_FROM, END)])
def test_a_lead_marked_off_at_a_rail_noisy_or_missing_as_the_line_goes_flat_is_the_cable(reason, leads, hops):
    block = bed()
    mark(block, leads, *hops, reason)
    assert not len(asystole(block))


def test_an_electrode_that_has_long_been_off_has_no_say():
    block = bed()
    long = Conditioned(
        block.rows,
        block.n_hops + OLD_HOPS,
        *(block.first_hop, block.segment_hop, block.new_segment, block.delay_samples),
        *(np.concatenate([np.tile(a, 3)[:, :, : OLD_HOPS * n], a], 2) for a, n in samples_of(block)),
        pace=np.zeros((1, (block.n_hops + OLD_HOPS) * HOP_SAMPLES), bool),
    )
    mark(long, (V1,), 0, long.n_hops, Reason.LEAD_OFF)
    mv = beat_train(np.arange(1, OLD_HOPS / 5 + STOP_S, 0.8), long.n_hops / 5)
    live = np.arange(len(mv)) < (OLD_HOPS / 5 + STOP_S) * GRID_HZ
    long.ecg_mv[0, II] = np.where(live, np.roll(mv, 7) + noise(len(mv), 0), 0)
    mark(long, (II,), 0, OLD_HOPS + FLAT_FROM, Reason.OK)
    assert len(asystole(long))


def samples_of(block: Conditioned) -> list[tuple[np.ndarray, int]]:
    return [(block.ecg_mv, HOP_SAMPLES), (block.valid, HOP_SAMPLES), (block.reason, 1), (block.quality, 1)]


def test_a_flat_line_from_the_start_is_nobody_connected():
    block = bed()
    mark(block, (II, V1), 0, END, Reason.FLAT)
    result = Rhythm(1).step(block)
    assert (result.reason == Reason.FLAT).all() and not result.evidence.any()


def test_a_pulse_in_pleth_or_pressure_makes_it_the_leads_fault():
    pulse = np.zeros((1, END), np.int8)
    pulse[0, STOP:] = 1
    result = Rhythm(1).step(bed(), pulse)
    assert not result.evidence[0, :, Condition.ASYSTOLE].any() and not result.standstill.any()
    assert result.pulse_beside[0, FLAT_FROM:].all() and not result.pulse_beside[0, :FLAT_FROM].any()
    pulse[0, FLAT_FROM + 30 :] = 0
    assert asystole(bed(), pulse)[0] >= FLAT_FROM + 30


#     1 yes   0 no   ? not asked: what was said last on this line stands, and nothing said is no
@pytest.mark.parametrize(
    ("asked", "beside"),
    [
        ("1????0????1????0", "#####.....#####."),
        ("????1????", "....#####"),
        ("?????????", "........."),
    ],
)
def test_a_pulse_is_asked_for_now_and_then(asked, beside):
    pulse = np.full((1, END), -1, np.int8)
    for k, letter in enumerate(asked):
        pulse[0, FLAT_FROM + k] = {"1": 1, "0": 0, "?": -1}[letter]
    found = Rhythm(1).step(bed(), pulse).pulse_beside[0, FLAT_FROM : FLAT_FROM + len(asked)]
    assert "".join("#" if here else "." for here in found) == beside


def test_what_was_said_on_an_earlier_line_does_not_stand_on_the_next():
    block = bed()
    mark(block, (II,), FLAT_FROM + 5, FLAT_FROM + 6, Reason.OK)
    pulse = np.full((1, END), -1, np.int8)
    pulse[0, FLAT_FROM] = 1
    beside = Rhythm(1).step(block, pulse).pulse_beside[0]
    assert beside[FLAT_FROM : FLAT_FROM + 5].all() and not beside[FLAT_FROM + 5 :].any()


def test_what_was_said_is_kept_and_goes_on():
    pulse = np.full((1, END), -1, np.int8)
    pulse[0, FLAT_FROM + 3] = 1
    before, after = Rhythm(1), Rhythm(1)
    first, rest = (cut(bed(), *hops) for hops in ((0, FLAT_FROM + 10), (FLAT_FROM + 10, END)))
    before.step(first, pulse[:, : first.n_hops])
    after.step(cut(bed(), 0, FLAT_FROM + 10), np.zeros((1, first.n_hops), np.int8))
    after.restore(0, before.save(0))
    assert after.step(rest, pulse[:, first.n_hops :]).pulse_beside.all()


def test_beats_that_return_end_it():
    block = bed()
    mark(block, (II, V1), 5 * 40, END, Reason.OK)
    mv = beat_train(np.arange(41, SECONDS, 0.8), SECONDS)
    live = np.arange(len(mv)) > 40 * GRID_HZ
    for lead, share in ((II, 1.0), (V1, -0.6)):
        block.ecg_mv[0, lead] += np.where(live, share * np.roll(mv, 7) + noise(len(mv), lead), 0)
    hops = asystole(block)
    assert len(hops) and hops[-1] < 5 * 45
