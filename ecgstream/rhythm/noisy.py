"""Beats where no lead can be judged for noise: the likeliest train of the patient's own QRS. Compiled.

Each main lead and band is held against the QRS learnt there before the noise: the logarithm of how much likelier the
last 200 ms are with that QRS in them than without, where the noise is of unknown size (a multivariate Student's t, so
that a burst says little either way). Leads and bands add up. The train is the likeliest path (Viterbi 1967) of a hidden
semi-Markov model whose state is the time since the last beat; intervals are likeliest near the usual one. A beat is
told as late as any other, and only where the signal itself speaks for it, not the interval alone.

Nothing here reaches the rules: neither their beats nor what they have learnt.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from ..conditioning import NOISY
from ..waveform import HOP_SAMPLES, Reason
from .detector import LOOK_AHEAD
from .state import BANDS, N_MAIN_LEADS, SHAPE, SINCE

_MEAN = (8, 4)
"""Samples of each mean in a band's second difference, which peaks near 12 and 24 Hz."""
_SPAN = 24
"""Samples that a difference depends on in the widest band; those of the others lie amid them."""
_BIN = 5
"""Samples between the times at which a beat may lie (20 ms)."""
_LOOKS = (1, 3)
"""Samples of a bin at which the QRS is tried."""
_BEHIND = 12
"""Samples from a beat's peak of energy to the end of the window that it is told from."""
_LAG = (LOOK_AHEAD - _BEHIND) // _BIN
_HEARD_HOPS = 6
"""Whole hops of a lead before it is tried: what the first hop of noise looks back on."""
_BACK_HOPS = 3
_RUN_ON = 0b1111
"""A hop's last beats are told within three hops."""

_DEGREES = 4.0
"""Half the degrees of freedom of a window of one band: 200 ms of some 20 Hz."""
_FLOOR = 0.1
"""Share of the QRS's own energy that it differs by from beat to beat."""
_SIZE = (0.6, 1.6)
"""A QRS may be so much smaller or taller than the one learnt."""
_ODDS = (-4.0, 12.0)
_BIAS = 1.0
"""Log odds for a beat; a missed one and one too many are then about as frequent."""
_SPREAD = 0.2
"""Of the logarithm of intervals."""
_ANY = 0.1
"""Share of intervals that are of any length."""
_SHORTEST = 10
_LEAST_APART = 50
_TALL = 0.25

_HEARD = tuple(int(reason) for reason in (Reason.OK, *NOISY))


@njit(cache=True, nogil=True)
def learn_qrs(s, main, ecg, start, share):
    """Move a main lead's QRS in every band by ``share`` towards the beat whose shape begins at index ``start``."""
    trace = np.empty(SHAPE)
    first = start - _SPAN // 2 + 1
    for band in range(BANDS):
        _difference(ecg[first : first + SHAPE + _SPAN - 1], _MEAN[band], trace)
        for i in range(SHAPE):
            s.qrs[main, band, i] += share * (trace[i] - s.qrs[main, band, i])


@njit(cache=True, nogil=True)
def _difference(ecg, mean, out):
    """Second difference of means: ``out[i]`` is of the middle of ``ecg[i : i + _SPAN]``."""
    total = np.empty(len(ecg) + 1)
    total[0] = 0.0
    for i in range(len(ecg)):
        total[i + 1] = total[i] + ecg[i]
    before = (_SPAN - 3 * mean) // 2
    for i in range(len(out)):
        a = i + before
        ends = total[a + mean] - total[a] + total[a + 3 * mean] - total[a + 2 * mean]
        out[i] = (total[a + 2 * mean] - total[a + mean] - 0.5 * ends) / mean


@njit(cache=True, nogil=True)
def find_in_noise(s, ecg, start, reason, hop, told):
    """Follow the beats through the hop that begins at index ``start`` of ``ecg`` (N_LEADS, samples), where it is noise
    or follows on some; returns how many are told in ``told`` (2,), grid samples of their peaks of energy."""
    followed = s.noisy & _RUN_ON > 0
    heard = np.zeros(N_MAIN_LEADS, np.bool_)
    for main in range(N_MAIN_LEADS):
        lead = s.main_lead[main]
        if lead >= 0 and s.shapes_learnt[main] > 0 and s.wave_hops[main] >= _HEARD_HOPS:
            heard[main] = reason[lead] in _HEARD
    noise = s.weight.sum() == 0.0 and heard.any()
    s.noisy = (s.noisy << 1 | noise) & 0xFF
    if s.noisy & _RUN_ON == 0:
        return 0
    chance = np.empty((2, SINCE))
    if not followed:
        _begin(s, (hop - _BACK_HOPS) * HOP_SAMPLES)
    _expect(s, chance)
    if not followed:
        for back in range(_BACK_HOPS, 0, -1):
            _follow(s, ecg, start - back * HOP_SAMPLES, heard, chance, hop - back, told)
    return _follow(s, ecg, start, heard, chance, hop, told)


@njit(cache=True, nogil=True)
def _begin(s, sample):
    """Start where the last beat of before leaves off, or anywhere."""
    s.path_odds[:] = 0.0
    s.path[:] = 0
    s.noise_rr = s.mean_rr
    s.last_in_noise = s.last_peak
    since = (sample - _BEHIND - s.last_peak) // _BIN
    if s.last_peak >= 0 and since < SINCE:
        s.path_odds[:] = -1e3
        s.path_odds[max(since, 0)] = 0.0


@njit(cache=True, nogil=True)
def _expect(s, chance):
    """Log chance of a beat and of none, by time since the last: ``chance`` (2, SINCE)."""
    usual = s.noise_rr / _BIN
    share = np.zeros(SINCE)
    for since in range(_SHORTEST, SINCE):
        apart = np.log((since + 1) / usual) / _SPREAD
        near = np.exp(-0.5 * apart * apart) / (_SPREAD * (since + 1) * np.sqrt(2 * np.pi))
        share[since] = (1 - _ANY) * near + _ANY / (SINCE - _SHORTEST)
    left = share.sum()
    for since in range(SINCE):
        now = min(max(share[since] / max(left, 1e-3), 1e-6), 0.3)
        chance[0, since] = np.log(now) if since >= _SHORTEST else -30.0
        chance[1, since] = np.log(1 - now)
        left -= share[since]


@njit(cache=True, nogil=True)
def _follow(s, ecg, start, heard, chance, hop, told):
    """Bring the paths through a hop; returns how many beats are told."""
    odds = np.zeros(HOP_SAMPLES // _BIN)
    _weigh_evidence(s, ecg, start, heard, odds)
    count = 0
    for k in range(len(odds)):
        best = _extend_paths(s, odds[k], chance)
        if s.path[best] >> _LAG & 1:
            peak = hop * HOP_SAMPLES + (k - _LAG) * _BIN + _BIN // 2 - _BEHIND
            if _is_told(s, peak, hop):
                told[count] = peak
                count += 1
                s.last_in_noise = peak
    return count


@njit(cache=True, nogil=True)
def _is_told(s, peak, hop):
    """A beat of a hop of noise that is neither told already nor one of those the rules found, or will, at its edge."""
    if not s.noisy >> (hop - peak // HOP_SAMPLES) & 1 or peak - s.last_in_noise < _LEAST_APART:
        return False
    if s.last_peak >= 0 and abs(peak - s.last_peak) < _LEAST_APART:
        return False
    for k in range(s.n_candidates):
        if abs(peak - s.candidate_sample[k]) < _LEAST_APART and s.candidate_height[k] > _TALL:
            return False
    return True


@njit(cache=True, nogil=True)
def _weigh_evidence(s, ecg, start, heard, odds):
    """Log odds of a beat against none in each bin of a hop, of all heard leads and bands: ``odds`` (bins,)."""
    trace = np.empty(HOP_SAMPLES + SHAPE - 1)
    sums = np.zeros((len(odds), len(_LOOKS)))
    first = start - SHAPE - _SPAN + 2
    for main in range(N_MAIN_LEADS):
        if heard[main]:
            window = ecg[s.main_lead[main], first : start + HOP_SAMPLES]
            for band in range(BANDS):
                _difference(window, _MEAN[band], trace)
                _add_odds(s.qrs[main, band], trace, sums)
    for k in range(len(odds)):
        odds[k] = min(max(sums[k].max(), _ODDS[0]), _ODDS[1])


@njit(cache=True, nogil=True)
def _add_odds(qrs, trace, sums):
    size = 0.0
    for i in range(SHAPE):
        size += qrs[i] * qrs[i]
    for k in range(len(sums)):
        for look in range(len(_LOOKS)):
            first = k * _BIN + _LOOKS[look]
            product = whole = 0.0
            for i in range(SHAPE):
                product += trace[first + i] * qrs[i]
                whole += trace[first + i] * trace[first + i]
            share = min(max(product / max(size, 1e-12), _SIZE[0]), _SIZE[1])
            rest = max(whole - share * (2 * product - share * size), 0.0)
            sums[k, look] += _DEGREES * np.log((_FLOOR * size + whole + 1e-12) / (_FLOOR * size + rest + 1e-12))


@njit(cache=True, nogil=True)
def _extend_paths(s, odds, chance):
    """Bring all paths on by a bin; returns the state whose path is the likeliest."""
    beat, at = -np.inf, 0
    for since in range(SINCE):
        if s.path_odds[since] + chance[0, since] > beat:
            beat, at = s.path_odds[since] + chance[0, since], since
    path = s.path[at] << 1 | (odds > 0.0)
    last = SINCE - 1
    for since in range(last, 0, -1):
        odds_here, from_state = s.path_odds[since - 1] + chance[1, since - 1], since - 1
        if since == last and s.path_odds[last] + chance[1, last] > odds_here:
            odds_here, from_state = s.path_odds[last] + chance[1, last], last
        s.path_odds[since], s.path[since] = odds_here, s.path[from_state] << 1
    s.path_odds[0], s.path[0] = beat + odds + _BIAS, path
    best = np.argmax(s.path_odds)
    s.path_odds -= s.path_odds[best]
    return best
