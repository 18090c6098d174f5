"""Can a lead be trusted? Judged once a hop from the last second of raw and filtered signal. Compiled.

Ventricular fibrillation and asystole must pass as signal, or a lethal alarm would be lost to "noise". Hence noise is
never told from rhythm or rate, only from what no heart makes: roughness in the stretches between complexes, and a trace
that stays far from its baseline.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from ..waveform import GRID_HZ, HOP_SAMPLES, Reason

NOISY = (Reason.NOISE, Reason.MOTION, Reason.MAINS)
"""A lead is there, but too noisy to be judged; NOISE where no cause could be named, muscle among them."""

WINDOW_HOPS = 5
N_FEATURES = 11
"""Raw minimum and maximum (adu), share of raw samples stuck at a rail, roughness (mV), mean (mV), shares of raw samples
near the minimum and near the maximum, whether the hop showed a calibration pulse, how far the trace moves (mV), and the
power of its raw steps at mains frequency and in all (adu²; of rough hops alone)."""

FLAT_ADU = 1.0
FLAT_MV = 0.005
"""A lead whose raw range over the window is no more than either is flat. A body shows more, in asystole too."""
RAIL_MV = 2.5
STUCK_SHARE = 0.2
"""A lead is at a rail when this share of a hop's raw samples has one value, RAIL_MV or more from zero, that it has
never gone beyond. (The last keeps a quiet trace on a large electrode offset from counting.)"""
ROUGH_MV = 0.02
"""Mean size of the second difference that halves the quality: about 0.13 mV rms of white noise at the input."""
WANDER_MV = 0.6
"""Mean of the filtered window that halves the quality."""
NOISE_QUALITY = 0.2
"""Below this a lead is called noise."""

MAINS_HZ = (50.0, 60.0)
MAINS_FROM_HZ = 125.0
"""Slower monitors cannot show both."""
MAINS_SHARE = 0.5
"""Noise is the mains' when this share of the power of raw steps from sample to sample lies there."""
MOVING = 3.5
"""Noise is movement's when the trace wanders more than it is rough, or moves from 40 ms to 40 ms by so many times its
roughness, which muscle does not."""

CALIBRATION_MV = (0.5, 5.0)
"""Height of a calibration pulse."""
LEVEL_MV = 0.03
TWO_LEVELS = 0.95
"""Share of samples this near to one of two levels that no heart reaches; and each level is held for 40 ms, which a pace
pulse never is."""
LEVEL_HELD = 0.2
"""40 ms as a share of a hop."""

_OK, _MISSING, _LEAD_OFF = int(Reason.OK), int(Reason.MISSING), int(Reason.LEAD_OFF)
_FLAT, _SATURATED, _NOISE = int(Reason.FLAT), int(Reason.SATURATED), int(Reason.NOISE)
_CALIBRATION, _MOTION, _MAINS = int(Reason.CALIBRATION), int(Reason.MOTION), int(Reason.MAINS)
_PARTS = 5
_PART = HOP_SAMPLES // _PARTS


@njit(cache=True, nogil=True)
def measure_raw(raw, mv_per_adu, baseline, reach, features):
    """Raw range of a hop, the share of its samples stuck at a rail, and those near its ends, into ``features``.

    ``reach`` float64 (2,): how far the lead has ever gone down from 32767 and up from -32768, adu; updated.
    """
    low = high = np.int32(raw[0])
    for m in range(len(raw)):
        value = np.int32(raw[m])
        low, high = (value if value < low else low), (value if value > high else high)
    rail_adu = abs(RAIL_MV / mv_per_adu)
    stuck = 0
    for side, extreme, gone in ((0, low, 32767.0 - low), (1, high, high + 32768.0)):
        reach[side] = max(reach[side], gone)
        if gone == reach[side] and abs(extreme - baseline) > rail_adu:
            here = 0
            for value in raw:
                here += value == extreme
            stuck = max(stuck, here)
    features[0], features[1], features[2] = low, high, stuck / len(raw)
    near = int(min(max(LEVEL_MV / abs(mv_per_adu), 1.0), 65536.0))
    lowest, highest = np.int32(low + near), np.int32(high - near)
    at_low = at_high = np.int32(0)  # of one width, so that many are compared at once
    for m in range(len(raw)):
        value = np.int32(raw[m])
        at_low += np.int32(value <= lowest)
        at_high += np.int32(value >= highest)
    features[5], features[6], features[7] = at_low / len(raw), at_high / len(raw), 0.0


@njit(cache=True, nogil=True)
def measure_filtered(mv, features):
    """Roughness, mean and movement of a filtered hop, into ``features[3:5]`` and ``features[8]``.

    Roughness is that of the second quietest of five 40 ms parts, movement the second least step between the means of
    such parts: what is left beside a QRS complex.
    """
    least = second = near = next_to = np.inf
    total = before = 0.0
    for start in range(0, HOP_SAMPLES, _PART):
        rough = part = 0.0
        for t in range(start + 1, start + _PART - 1):
            rough += abs(mv[t - 1] - 2 * mv[t] + mv[t + 1])
        for t in range(start, start + _PART):
            total += mv[t]
            part += mv[t]
        if rough < least:
            least, second = rough, least
        elif rough < second:
            second = rough
        step = abs(part - before) if start else np.inf
        if step < near:
            near, next_to = step, near
        elif step < next_to:
            next_to = step
        before = part
    features[3], features[4] = second / (_PART - 2), total / HOP_SAMPLES
    features[8] = next_to / _PART


@njit(cache=True, nogil=True)
def measure_mains(raw, fs_hz, features):
    """Power of a rough hop's raw steps at mains frequency and in all, into ``features[9:11]`` (Goertzel 1958)."""
    features[9] = features[10] = 0.0
    if features[3] < ROUGH_MV or fs_hz < MAINS_FROM_HZ:
        return
    for at_hz in MAINS_HZ:
        turn = 2 * np.cos(2 * np.pi * at_hz / fs_hz)
        newer = older = total = 0.0
        for n in range(1, len(raw)):
            step = float(raw[n]) - float(raw[n - 1])
            newer, older = step + turn * newer - older, newer
            total += step * step
        power = 2 * (newer * newer + older * older - turn * newer * older) / (len(raw) - 1)
        features[9], features[10] = max(features[9], power), total


@njit(cache=True, nogil=True)
def median_of_window(window, feature):
    """Median of a feature over the five hops: the least and the greatest of the first four are not it."""
    a, b, c, d = window[0, feature], window[1, feature], window[2, feature], window[3, feature]
    low, high = max(min(a, b), min(c, d)), min(max(a, b), max(c, d))
    return max(min(low, high), min(max(low, high), window[4, feature]))


@njit(cache=True, nogil=True)
def why_unusable(unusable):
    """(usable samples, the commoner Reason among the others) of a hop."""
    off = missing = 0
    for why in unusable:
        off += why == _LEAD_OFF
        missing += why == _MISSING
    return len(unusable) - off - missing, _LEAD_OFF if off >= missing else _MISSING


@njit(cache=True, nogil=True)
def shows_two_levels(window, one, other, mv_per_adu, least):
    """Whether two hops (or one, twice) of the window hold two levels as far apart as calibration pulses are."""
    low, high = min(window[one, 0], window[other, 0]), max(window[one, 1], window[other, 1])
    near = max(LEVEL_MV / abs(mv_per_adu), 1.0)
    if not CALIBRATION_MV[0] <= (high - low) * abs(mv_per_adu) <= CALIBRATION_MV[1]:
        return False
    at_low = at_high = 0.0
    for hop in (one, other):
        at_low += window[hop, 5] / 2 if window[hop, 0] - low <= near else 0.0
        at_high += window[hop, 6] / 2 if high - window[hop, 1] <= near else 0.0
    return at_low + at_high >= TWO_LEVELS and min(at_low, at_high) >= least


@njit(cache=True, nogil=True)
def is_calibration(window, hop, filled, mv_per_adu):
    """Whether a hop shows calibration pulses, alone or with the one before, or a constant, or an edge, behind one."""
    now, before = hop % WINDOW_HOPS, (hop - 1) % WINDOW_HOPS
    shown = shows_two_levels(window, now, now, mv_per_adu, LEVEL_HELD)
    if not shown and filled > 1:
        shown = shows_two_levels(window, before, now, mv_per_adu, LEVEL_HELD / 2)
    window[now, 7] = shown
    lately = False
    for other in range(WINDOW_HOPS):
        lately |= window[other, 7] == 1.0
    if shown or not lately:
        return shown
    constant = (window[now, 1] - window[now, 0]) * abs(mv_per_adu) <= LEVEL_MV
    return constant or shows_two_levels(window, now, now, mv_per_adu, 0.0)


@njit(cache=True, nogil=True)
def judge_window(window, filled, mv_per_adu):
    """(Reason, quality) of a lead from ``window`` (WINDOW_HOPS, N_FEATURES), of which ``filled`` hops are set."""
    low, high, stuck, mean = window[0, 0], window[0, 1], 0.0, 0.0
    for hop in range(WINDOW_HOPS):
        low, high, stuck = min(low, window[hop, 0]), max(high, window[hop, 1]), max(stuck, window[hop, 2])
        mean += window[hop, 4] / WINDOW_HOPS
    if stuck >= STUCK_SHARE:
        return _SATURATED, 0.0
    if filled == WINDOW_HOPS and (high - low <= FLAT_ADU or (high - low) * abs(mv_per_adu) <= FLAT_MV):
        return _FLAT, 0.0
    rough = median_of_window(window, 3) / ROUGH_MV
    wander = mean / WANDER_MV
    quality = 1 / ((1 + rough * rough) * (1 + wander * wander))
    return (_OK if quality >= NOISE_QUALITY else name_noise(window, rough, wander)), quality


@njit(cache=True, nogil=True)
def name_noise(window, rough, wander):
    """What noise is of: mains, movement, or neither of them (muscle, mostly)."""
    at_mains = steps = 0.0
    for hop in range(WINDOW_HOPS):
        at_mains, steps = at_mains + window[hop, 9], steps + window[hop, 10]
    if at_mains > MAINS_SHARE * steps:
        return _MAINS
    moving = median_of_window(window, 8) > MOVING * ROUGH_MV * rough
    return _MOTION if moving or abs(wander) > rough else _NOISE


@njit(cache=True, nogil=True)
def judge_hop(hop, samples, scale, usable, reach, window, filled):
    """(Reason, quality, filled hops) of the segment's ``hop``, of one lead; ``reach``, ``window`` are updated.

    ``samples``: the hop's native ones and the filtered ones, mV (HOP_SAMPLES,); ``scale``: mV per adu, adu at 0 mV and
    native rate (Hz); ``usable`` as ``why_unusable`` tells. Missing samples empty the window.
    """
    raw, mv = samples
    mv_per_adu, baseline, fs_hz = scale
    n_usable, why = usable
    if n_usable < HOP_SAMPLES // 2:
        return why, 0.0, 0
    if n_usable < HOP_SAMPLES:
        return _OK, n_usable / HOP_SAMPLES, 0
    features = window[hop % WINDOW_HOPS]
    measure_raw(raw, mv_per_adu, baseline, reach, features)
    measure_filtered(mv, features)
    measure_mains(raw, fs_hz, features)
    if filled == 0:
        for other in range(WINDOW_HOPS):
            for k in range(N_FEATURES):  # an array assignment here would take two seconds to compile
                window[other, k] = features[k]
    filled = min(filled + 1, WINDOW_HOPS)
    if is_calibration(window, hop, filled, mv_per_adu):
        return _CALIBRATION, 0.0, filled
    reason, quality = judge_window(window, filled, mv_per_adu)
    return reason, quality, filled


@njit(cache=True, nogil=True)
def judge_rows(places, signal, ratio, filtered, state, out):
    """Reason and quality of every measured lead and hop.

    ``places``, ``signal``: as for ``kernels.filter_rows``; ``filtered``: its ecg_mv, unusable and lacking; ``state``:
    reach, window and filled, one entry per row and lead, updated; ``out``: reason and quality as in Conditioned.
    """
    rows, first_hop, origin = places
    raw, slots, mv_per_adu, baseline = signal
    up, down = ratio
    ecg_mv, unusable, lacking = filtered
    reach, window, filled = state
    reason, quality = out
    n_hops = reason.shape[2]
    for r in range(len(rows)):
        row = rows[r]
        for c in range(raw.shape[1]):
            slot, scale = slots[r, c], (mv_per_adu[r, c], baseline[r, c], GRID_HZ * up / down)
            trace, mv, why = raw[r, c], ecg_mv[r, slot], unusable[r, c]
            of_reach, of_window = reach[row, slot], window[row, slot]
            for k in range(n_hops):
                hop, first = first_hop[r] + k, k * HOP_SAMPLES
                start = max((hop * HOP_SAMPLES - 1) * up // down + 1, 0) + origin[r]
                stop = ((hop + 1) * HOP_SAMPLES - 1) * up // down + 1 + origin[r]
                usable = HOP_SAMPLES, _MISSING
                if lacking[r, c]:
                    usable = why_unusable(why[first : first + HOP_SAMPLES])
                samples = trace[start:stop], mv[first : first + HOP_SAMPLES]
                reason[r, slot, k], quality[r, slot, k], filled[row, slot] = judge_hop(
                    hop, samples, scale, usable, of_reach, of_window, filled[row, slot]
                )
