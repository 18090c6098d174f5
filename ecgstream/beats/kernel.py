"""The walk over rows, hops and beats. A beat is measured when the rules confirm it, and told with the one after it, or
when none has come in two seconds. Compiled."""

from __future__ import annotations

import numpy as np
from numba import njit

from ..conditioning.recent import RECENT
from ..rhythm.leads import LEARNING_HOPS
from ..waveform import GRID_HZ, HOP_SAMPLES, LEAD_SLOT, LEADS, N_LEADS, Reason
from . import intervals, p_reader, shapes, waves
from .intervals import LONGEST_S, NEXT_S, measure_intervals, measure_next, remember_interval
from .p_reader import learn_p, measure_p
from .shapes import area_width, correlation, learn, match, measure_shape, steep_width, take_qrs, usual_shape
from .state import P_FORM, P_START, QRS, SHAPES, USED, P, T
from .waves import learn_late, learn_waves, measure_waves

OTHER_NAMES = (
    "ventricular", "quality", "before_like", "before_p_like", "before_ventricular", "before_share", "before_width",
    "before_rr", "quality_least", "lately_like", "lately_rough", "lately_leads_differ", "leads_differ",
    "before_t_like", "before_t_size",
)  # fmt: skip
NEXT_BEAT_NAMES = ("after_like", "after_p_like", "after_ventricular", "after_like_this", "after_width")
_OF_BEAT = intervals.NAMES + shapes.NAMES + waves.NAMES + p_reader.NAMES + OTHER_NAMES
NAMES = _OF_BEAT + intervals.NEXT_NAMES + NEXT_BEAT_NAMES

_SHAPE = len(intervals.NAMES)
_WAVE = _SHAPE + len(shapes.NAMES)
_READ = _WAVE + len(waves.NAMES)
_OTHER = _READ + len(p_reader.NAMES)
_NEXT = _OTHER + len(OTHER_NAMES)
_NEXT_BEAT = _NEXT + len(intervals.NEXT_NAMES)
N_FEATURES = len(NAMES)
_LIKE, _SHARE, _WIDTH, _P_LIKE, _RR = _SHAPE, _SHAPE + 5, _SHAPE + 16, _WAVE, 6
_TO_MEAN, _ROUGH = intervals.NAMES.index("rr_to_mean32"), _WAVE + waves.NAMES.index("rough")
_LEAST, _LATELY, _DIFFER, _BEFORE_T = _OTHER + 8, _OTHER + 9, _OTHER + 12, _OTHER + 13
_T_LIKE = _WAVE + waves.NAMES.index("t_like")

_PREFERRED = ("II", "V1", "I", "V2", "X1", "X2", "V5", "V3", "V4", "V6", "III", "aVF", "aVL", "aVR", "X3", "X4")
assert sorted(_PREFERRED) == sorted(LEADS)
_PREFER = np.array([LEAD_SLOT[name] for name in _PREFERRED])
_POOR_BEATS = 5
_MARGIN = 20
_ON_TIME = (0.85, 1.25)
_LATE, _NARROW = 0.98, 1.3
_LATELY_STEP = 0.1
_OK, _ABSENT = int(Reason.OK), int(Reason.ABSENT)


@njit(cache=True, nogil=True)
def step_rows(state, recent, places, signal, beats, out):
    """Step each row through its hops; returns how many beats were told into ``out`` (row, sample, features).

    ``recent``: what came before, of all rows of the room, as ``Recent`` has it; ``places``: rows, first_hop, delay
    (samples), segment_hop, int64 (R,); ``signal``: ecg_mv, valid, reason, quality as in
    Conditioned; ``beats``: row, sample, ventricular, confirmed_hop as in Beats.
    """
    rows, first_hop, delay, segment_hop = places
    told = b = 0
    for r in range(len(rows)):
        s, ecg = state[rows[r]], recent[rows[r]].copy()
        for k in range(signal[2].shape[2]):
            hop = first_hop[r] + k
            _take_in(s, ecg, r, k, hop, delay[r], signal)
            while b < len(beats[0]) and beats[0][b] == rows[r] and beats[3][b] == hop:
                # Sooner in a segment the first peak may be the T wave of a beat before it: then intervals alone count.
                judged = (signal[2][r, :, k], signal[3][r, :, k], hop - segment_hop[r] >= LEARNING_HOPS)
                told = _meet(s, ecg, rows[r], (beats[1][b], delay[r], beats[2][b]), judged, out, told)
                b += 1
            if s.waiting and (hop + 1) * HOP_SAMPLES - delay[r] - s.sample > _PATIENCE:
                told = _tell_alone(s, rows[r], hop, delay[r], out, told)
    return told


_PATIENCE = int(NEXT_S * GRID_HZ) + 150
"""A beat within NEXT_S of the last has been confirmed by then."""


@njit(cache=True, nogil=True)
def _take_in(s, ecg, r, k, hop, delay, signal):
    """Put a hop into the rings of the leads that are there, ``ecg`` (N_LEADS, RECENT)."""
    new, valid, reason, _ = signal
    heard = False
    for lead in range(N_LEADS):
        if reason[r, lead, k] == _ABSENT:
            s.clean_from[lead] = (hop + 1) * HOP_SAMPLES
            continue
        heard |= reason[r, lead, k] == _OK
        place, part = hop * HOP_SAMPLES % RECENT, slice(k * HOP_SAMPLES, (k + 1) * HOP_SAMPLES)
        ring, samples, usable = ecg[lead, place : place + HOP_SAMPLES], new[r, lead, part], valid[r, lead, part]
        n_usable = 0
        for t in range(HOP_SAMPLES):
            ring[t] = samples[t]
            n_usable += usable[t]
        if n_usable < HOP_SAMPLES:
            for t in range(HOP_SAMPLES):
                if not usable[t]:
                    s.clean_from[lead] = hop * HOP_SAMPLES + t + 1
    if not heard:
        s.broken_at = (hop + 1) * HOP_SAMPLES - delay


@njit(cache=True, nogil=True)
def _meet(s, ecg, row, beat, judged, out, told):
    """Measure a new beat, complete and tell the one before it, and learn from the new one."""
    sample, delay, ventricular = beat
    follows = s.n_beats > 0 and s.broken_at < s.sample
    rr = np.float32((sample - s.sample) / GRID_HZ) if follows else np.float32(np.nan)
    rr = rr if rr <= LONGEST_S else np.float32(np.nan)
    f = np.full(N_FEATURES, np.nan, np.float32)
    used, qrs = np.zeros(USED, np.bool_), np.empty((USED, QRS), np.float32)
    p, t = np.empty((USED, P), np.float32), np.empty((USED, T), np.float32)
    read = np.full(3, np.nan, np.float32), np.empty((USED, P_FORM), np.float32)
    _choose_leads(s, judged[0], sample + delay, used)
    used &= judged[2]
    measure_intervals(s, rr, f)
    own = _measure(s, ecg, used, sample + delay, (qrs, p, t, read), rr, f)
    f[_OTHER] = ventricular
    f[_OTHER + 1], f[_LEAST] = _quality(s, used, judged[1])
    f[_OTHER + 2 : _OTHER + 8] = s.before
    f[_LATELY : _LATELY + 3] = s.lately
    f[_DIFFER] = abs(f[_SHAPE + 1] - f[_SHAPE + 2])
    if rr == rr:  # an early P wave hides in the T wave before it
        f[_BEFORE_T : _BEFORE_T + 2] = s.of_beat[_T_LIKE : _T_LIKE + 2]
    if s.waiting:
        _measure_after(s, used, qrs, ventricular, rr, f)
        told = _tell(s, row, out, told)
    _learn(s, own, used, (qrs, p, t, read), f, rr)
    s.before[0], s.before[1], s.before[2] = f[_LIKE], f[_P_LIKE], ventricular
    s.before[3], s.before[4], s.before[5] = f[_SHARE], f[_WIDTH], f[_RR]
    s.of_beat[:N_FEATURES] = f
    s.n_beats += 1
    s.sample, s.waiting = sample, 1
    return told


@njit(cache=True, nogil=True)
def _choose_leads(s, reason, at, used):
    """Which of the row's leads this beat can be measured in; one that could not for long gives way to another."""
    for u in range(USED):
        used[u] = s.lead[u] >= 0 and _is_clean(s, s.lead[u], reason, at)
        s.lead_poor[u] = 0 if used[u] else s.lead_poor[u] + 1
        if used[u] or (s.lead[u] >= 0 and s.lead_poor[u] < _POOR_BEATS):
            continue
        for lead in _PREFER:
            if _is_clean(s, lead, reason, at) and not (s.lead == lead).any():
                s.lead[u], used[u], s.lead_poor[u] = lead, True, 0
                s.learnt[:, u] = 0
                s.p_learnt[u] = s.t_learnt[u] = s.late_learnt[u] = 0.0
                s.late_p[u] = 0.0
                s.p_late_form[u] = 0.0
                s.p[u] = 0.0
                s.t[u] = 0.0
                s.last_used[u] = 0
                break


@njit(cache=True, nogil=True)
def _is_clean(s, lead, reason, at):
    return reason[lead] == _OK and s.clean_from[lead] <= at + P_START - _MARGIN


@njit(cache=True, nogil=True)
def _quality(s, used, quality):
    """(mean, least) of the leads used."""
    total, least = 0.0, 1.0
    for u in range(USED):
        if used[u]:
            total += quality[s.lead[u]] / used.sum()
            least = min(least, quality[s.lead[u]])
    return total, least


@njit(cache=True, nogil=True)
def _measure(s, ecg, used, at, of_beat, rr, f):
    """Shape and waves of the beat at grid index ``at``, also into ``of_beat``; the shape it is of, or -1."""
    qrs, p, t, (found, form) = of_beat
    likes, lags = np.empty(SHAPES, np.float32), np.empty(SHAPES, np.int64)
    if not used.any():
        return -1
    own = match(s, ecg, used, at, likes, lags)
    at += lags[own] if own >= 0 else lags[likes.argmax()]
    take_qrs(s, ecg, used, at, qrs)
    width = area_width(qrs, used)
    steep, slope = steep_width(qrs, used)
    measure_shape(s, own, used, qrs, (likes, lags, width, steep, slope), f[_SHAPE:_WAVE])
    usual, heights = usual_shape(s), np.zeros(USED, np.float32)
    for u in range(USED):
        if used[u]:
            of = s.shape[usual, u] if usual >= 0 and s.learnt[usual, u] else qrs[u]
            heights[u] = of.max() - of.min()
    measure_waves(s, ecg, used, at, np.float32(1e-6) + heights.sum(), p, t, f[_WAVE:_READ])
    measure_p(s, ecg, used, at, heights, rr, found, form, f[_READ:_OTHER])
    return own


@njit(cache=True, nogil=True)
def _learn(s, own, used, of_beat, f, rr):
    qrs, p, t, (found, form) = of_beat
    if used.any():
        usual = usual_shape(s)
        on_time = not (f[5] < _ON_TIME[0] or f[5] > _ON_TIME[1])
        if (usual < 0 or own == usual) and on_time:
            learn_waves(s, used, f[_P_LIKE], p, t)
        if f[_TO_MEAN] >= _LATE and not (f[_WIDTH] > _NARROW) and not f[_OTHER]:
            learn_late(s, used, p)
            learn_p(s, found, form)
        learn(s, own, used, qrs, f[_RR], f[_SHAPE + 15])
        for u in range(USED):
            s.last_used[u] = used[u]
            if used[u]:
                s.last_qrs[u] = qrs[u]
                s.last_p[u] = p[u]
        _learn_noise(s, f)
    if rr == rr:
        remember_interval(s, rr)


@njit(cache=True, nogil=True)
def _learn_noise(s, f):
    """How unlike the beats have been lately, how rough the signal between them, how much the leads have differed."""
    for i, value in enumerate((f[_SHAPE + 3], f[_ROUGH], f[_DIFFER])):
        if value == value:
            old = s.lately[i]
            s.lately[i] = old + np.float32(_LATELY_STEP) * (value - old) if old == old else value


@njit(cache=True, nogil=True)
def _measure_after(s, used, qrs, ventricular, rr, f):
    """What the new beat adds to the one that waits."""
    measure_next(s.of_beat, rr, 0.0, s.of_beat[_NEXT:_NEXT_BEAT])
    after = s.of_beat[_NEXT_BEAT:]
    after[0], after[1], after[2], after[4] = f[_LIKE], f[_P_LIKE], ventricular, f[_WIDTH]
    like = shared = 0.0
    for u in range(USED):
        if used[u] and s.last_used[u]:
            like += correlation(qrs[u], s.last_qrs[u])
            shared += 1
    after[3] = like / shared if shared > 0 else np.nan


@njit(cache=True, nogil=True)
def _tell_alone(s, row, hop, delay, out, told):
    """No beat followed in time: told so, or left unknown where the signal was gone."""
    broken = s.broken_at >= s.sample
    measure_next(s.of_beat, np.nan if broken else NEXT_S, 0.0 if broken else 1.0, s.of_beat[_NEXT:_NEXT_BEAT])
    return _tell(s, row, out, told)


@njit(cache=True, nogil=True)
def _tell(s, row, out, told):
    out[0][told], out[1][told] = row, s.sample
    out[2][told] = s.of_beat[:N_FEATURES]
    s.waiting = 0
    return told + 1
