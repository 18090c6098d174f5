"""Rhythm conditions told from beats, hop by hop. Compiled.

Definitions are those of the PhysioNet/CinC 2015 challenge (Clifford et al. 2015), made workable in a stream: extreme
bradycardia is four intervals, or 8 s, of a mean rate below 40; extreme tachycardia sixteen intervals above 140. These
rates are the adult's; each bed has its own limits (``limits.LIMITS_DTYPE``). Beats are known up to ``known``, a little
behind the newest sample. A condition ends a little beyond where it begins, and its onset stays.
"""

from __future__ import annotations

from numba import njit

from ..waveform import GRID_HZ, HOP_SAMPLES, N_CONDITIONS, Condition
from .beats import beat_sample, count_alike, heart_rate, interval, is_ventricular, run_of_intervals, ventricular_run
from .detector import LOOK_AHEAD
from .fibrillation import CONFIRM_HOPS, END
from .state import FIBRILLATION_HOPS

HOLD_HOPS = 10
"""Unusable hops through which evidence stands (2 s); then it falls, and quiet is counted anew."""

_WAVE_SPAN = FIBRILLATION_HOPS * HOP_SAMPLES + CONFIRM_HOPS * HOP_SAMPLES
_EXTREME_BRADY_MARGIN_BPM = 3.0
_BRADY_INTERVALS = 4
_BRADY_SPAN = 8 * GRID_HZ
_EXTREME_TACHY_MARGIN_BPM = 5.0
_TACHY_INTERVALS = 16
_VT_BEATS, _VT_MARGIN_BPM = 5, 10.0
_VT_UNEVEN = 1.8
_VT_ALIKE = 2
"""Of four beats of a tachycardia so many are like the one before; polymorphic ones are told as fibrillation."""
_RUN_BEATS = 3
_LIMIT_MARGIN_BPM = 3.0
_UNEVEN_PAIRS = 32
_LEAST_PAIRS = 24
_UNEVEN = 8
"""Two successive intervals are uneven that differ by more than an eighth of their mean."""
_TOLD = GRID_HZ
_NEVER = 10**9
_RECENT = 3 * GRID_HZ

_C_ASYSTOLE = int(Condition.ASYSTOLE)
_C_EXTREME_BRADY = int(Condition.EXTREME_BRADYCARDIA)
_C_EXTREME_TACHY = int(Condition.EXTREME_TACHYCARDIA)
_C_VT = int(Condition.VENTRICULAR_TACHYCARDIA)
_C_VF = int(Condition.VENTRICULAR_FIBRILLATION)
_C_PAUSE = int(Condition.PAUSE)
_C_BRADY = int(Condition.BRADYCARDIA)
_C_TACHY = int(Condition.TACHYCARDIA)
_C_RUN = int(Condition.PVC_RUN)
_C_IRREGULAR = int(Condition.IRREGULAR_RR)


@njit(cache=True, nogil=True)
def count_quiet(s, usable, stop):
    """Bring the counts of usable and unusable signal up to a hop that ends at grid sample ``stop``."""
    if usable:
        s.unusable = 0
        s.quiet += GRID_HZ // 5
        return
    s.unusable += 1
    s.broken_at = stop
    if s.unusable >= HOLD_HOPS:
        s.quiet = 0
        s.quiet_from = stop
        s.active[:] = 0


@njit(cache=True, nogil=True)
def set_condition(s, condition, holds, onset):
    """Begin, keep or end a condition; only a beginning sets the onset."""
    if holds and s.active[condition] == 0:
        s.onset[condition] = onset
    s.active[condition] = holds


@njit(cache=True, nogil=True)
def judge_wave(s, fibrillating, stop):
    """Ventricular fibrillation or flutter; its onset is the beginning of the window that told it."""
    set_condition(s, _C_VF, fibrillating, stop - _WAVE_SPAN)


@njit(cache=True, nogil=True)
def judge_beats(s, known, limits, bpm):
    """All conditions that beats tell, at a usable hop; ``limits`` one LIMITS_DTYPE.

    ``bpm`` (N_CONDITIONS,): of a condition that holds by a rate, that rate is written there.
    """
    _judge_silence(s, known, limits)
    _judge_slow(s, known, limits.extreme_bradycardia_bpm, bpm)
    _judge_fast(s, known, limits.extreme_tachycardia_bpm, bpm)
    _judge_ventricular(s, known, limits.ventricular_tachycardia_bpm, bpm)
    _judge_limits(s, heart_rate(s, known), limits.bradycardia_bpm, limits.tachycardia_bpm, bpm)
    _judge_regularity(s, known)


@njit(cache=True, nogil=True)
def _set_by_rate(s, condition, holds, onset, count, span, bpm):
    """``set_condition``, and the mean rate of ``count`` intervals that span so many samples."""
    set_condition(s, condition, holds, onset)
    if holds:
        bpm[condition] = 60.0 * GRID_HZ * count / span


@njit(cache=True, nogil=True)
def _judge_silence(s, known, limits):
    waving = s.active[_C_VF] == 1 or s.fibrillation_score > END
    _set_silence(s, _C_ASYSTOLE, known, _NEVER if waving else limits.asystole_s * GRID_HZ)
    _set_silence(s, _C_PAUSE, known, limits.pause_s * GRID_HZ)


@njit(cache=True, nogil=True)
def _set_silence(s, condition, known, least):
    """No beat for ``least`` samples: now, or until a beat that became known just now."""
    onset = s.quiet_from
    if s.n_beats > 0 and beat_sample(s, 0) > onset:
        onset = beat_sample(s, 0)
    if s.n_beats > 0 and interval(s, 0) >= least and known - beat_sample(s, 0) < _TOLD:
        set_condition(s, condition, True, beat_sample(s, 1))
    else:
        set_condition(s, condition, s.quiet - LOOK_AHEAD >= least, onset)


@njit(cache=True, nogil=True)
def _judge_slow(s, known, low_bpm, bpm):
    limit = low_bpm + (_EXTREME_BRADY_MARGIN_BPM if s.active[_C_EXTREME_BRADY] else 0.0)
    longest_mean = 60.0 * GRID_HZ / limit
    count, span, onset = 0, 0, known
    if s.n_beats > 0 and s.broken_at < beat_sample(s, 0):
        onset = beat_sample(s, 0)
        if known - onset > longest_mean:
            count, span = 1, known - onset
    for age in range(_BRADY_INTERVALS):
        length = interval(s, age) if s.n_beats > 0 else -1
        if length < 0 or count >= _BRADY_INTERVALS or span >= _BRADY_SPAN:
            break
        count, span, onset = count + 1, span + length, beat_sample(s, age + 1)
    enough = count >= _BRADY_INTERVALS or span >= _BRADY_SPAN
    _set_by_rate(s, _C_EXTREME_BRADY, enough and span > count * longest_mean, onset, count, span, bpm)


@njit(cache=True, nogil=True)
def _judge_fast(s, known, high_bpm, bpm):
    limit = high_bpm - (_EXTREME_TACHY_MARGIN_BPM if s.active[_C_EXTREME_TACHY] else 0.0)
    count, span = run_of_intervals(s, _TACHY_INTERVALS) if s.n_beats > 0 else (0, 0)
    holds = count == _TACHY_INTERVALS and span * limit < count * 60.0 * GRID_HZ and known - beat_sample(s, 0) < _RECENT
    _set_by_rate(s, _C_EXTREME_TACHY, holds, beat_sample(s, count) if holds else -1, count, span, bpm)


@njit(cache=True, nogil=True)
def _judge_ventricular(s, known, least_bpm, bpm):
    run = ventricular_run(s)
    recent = s.n_beats > 0 and known - beat_sample(s, 0) < _RECENT
    limit = least_bpm - (_VT_MARGIN_BPM if s.active[_C_VT] else 0.0)
    count, span = run_of_intervals(s, _VT_BEATS - 1) if run >= _VT_BEATS else (0, 0)
    holds = recent and count == _VT_BEATS - 1 and span * limit < count * 60.0 * GRID_HZ and _is_even(s, count)
    holds = holds and count_alike(s, count) >= _VT_ALIKE
    _set_by_rate(s, _C_VT, holds, beat_sample(s, count) if holds else -1, count, span, bpm)
    holds = recent and run >= _RUN_BEATS
    set_condition(s, _C_RUN, holds, beat_sample(s, run - 1) if holds else -1)


@njit(cache=True, nogil=True)
def _is_even(s, count):
    """Whether the last ``count`` intervals are of similar length, which those of artefacts are not."""
    shortest, longest = interval(s, 0), interval(s, 0)
    for age in range(1, count):
        shortest, longest = min(shortest, interval(s, age)), max(longest, interval(s, age))
    return longest <= _VT_UNEVEN * shortest


@njit(cache=True, nogil=True)
def _judge_regularity(s, known):
    """Irregular: half of the last 32 pairs of successive intervals are uneven, until less than a third are. Ventricular
    beats and breaks are left out. The share of differences above a bound is pNNx (Mietus et al. 2002), here of the
    intervals' mean."""
    pairs, uneven, oldest = 0, 0, 0
    for age in range(2 * _UNEVEN_PAIRS):
        if pairs == _UNEVEN_PAIRS:
            break
        after, before = (interval(s, age), interval(s, age + 1)) if s.n_beats > 0 else (-1, -1)
        if after < 0 or before < 0:
            continue
        if is_ventricular(s, age) or is_ventricular(s, age + 1) or is_ventricular(s, age + 2):
            continue
        pairs, oldest = pairs + 1, age + 2
        uneven += 2 * _UNEVEN * abs(after - before) > after + before
    share = 3 if s.active[_C_IRREGULAR] else 2
    holds = pairs >= _LEAST_PAIRS and share * uneven >= pairs and known - beat_sample(s, 0) < _RECENT
    set_condition(s, _C_IRREGULAR, holds, beat_sample(s, oldest) if holds else -1)


@njit(cache=True, nogil=True)
def _judge_limits(s, rate, low_bpm, high_bpm, bpm):
    low = low_bpm + (_LIMIT_MARGIN_BPM if s.active[_C_BRADY] else 0.0)
    high = high_bpm - (_LIMIT_MARGIN_BPM if s.active[_C_TACHY] else 0.0)
    onset = s.beat_sample[0] if s.n_beats == 0 else _first_of_rate(s)
    set_condition(s, _C_BRADY, rate < low, onset)
    set_condition(s, _C_TACHY, rate > high, onset)
    if rate < low:
        bpm[_C_BRADY] = rate
    if rate > high:
        bpm[_C_TACHY] = rate


@njit(cache=True, nogil=True)
def _first_of_rate(s):
    """Grid sample of the beat that began the intervals the heart rate was told from, or the oldest after a break."""
    count, span = run_of_intervals(s, 8)
    return beat_sample(s, count)


@njit(cache=True, nogil=True)
def tell(s, evidence, onset):
    """Write what is active into ``evidence`` and ``onset``, both (N_CONDITIONS,)."""
    for condition in range(N_CONDITIONS):
        if s.active[condition]:
            evidence[condition] = True
            onset[condition] = s.onset[condition]
