"""What the rhythm room remembers of a row: one record, so that a row's memory is saved, restored and reset whole."""

from __future__ import annotations

import numpy as np

from ..rows import without
from ..waveform import HOP_SAMPLES, N_CONDITIONS, N_LEADS

HISTORY = 250
"""Grid samples of signal before a block that are looked at."""
ENERGY_HISTORY = 140
"""Samples of each lead's energy kept: what a beat's height is learnt from when it is decided on."""
PEAK_HISTORY = 200
"""Samples of fused energy kept: what a peak is told from, and the neighbourhood it is then held against."""
SLOPE_HISTORY = 80
"""Samples of fused slope kept: what a peak is told from."""
LEVEL_HOPS = 15
"""Hops over which a lead's typical QRS height is learnt anew (3 s)."""
MAX_CANDIDATES = 8
BEATS = 256
"""Beats kept: a minute's worth at any rate."""
N_MAIN_LEADS = 2
"""Leads that shapes and fibrillatory waves are told from."""
SHAPE = 50
"""Samples of a QRS shape (200 ms)."""
RECENT = 8
"""Recent peaks whose shape is kept."""
SHAPE_STEP = 2
"""Of a recent peak's shape every second sample is kept."""
BANDS = 2
"""Bands in which a QRS is sought in noise."""
SINCE = 100
"""Times since the last beat that are told apart in noise: 20 ms each, the last for 2 s and more."""
FIBRILLATION_HOPS = 20
"""Hops of the window that fibrillation is told from (4 s)."""
_WAVE = FIBRILLATION_HOPS * HOP_SAMPLES // 2

ROW = np.dtype(
    [
        # signal
        ("hops", np.int64),  # hops since the segment began
        ("energy", np.float32, (N_LEADS, ENERGY_HISTORY)),
        ("fused", np.float64, (PEAK_HISTORY,)),
        ("slope", np.float64, (SLOPE_HISTORY,)),
        ("clean", np.int64, (N_LEADS,)),  # samples since the lead was last unusable; minus samples since it was usable
        # leads
        ("level", np.float64, (N_LEADS,)),  # typical QRS energy, 0 while not learnt
        ("floor", np.float64, (N_LEADS,)),  # energy between waves
        ("hop_peak", np.float64, (N_LEADS, LEVEL_HOPS)),
        ("weight", np.float64, (N_LEADS,)),  # adds up to 1, or 0 when no lead is usable
        ("learnt", np.int64, (N_LEADS,)),  # usable hops the level was learnt from
        ("away", np.int64, (N_LEADS,)),  # successive unusable hops
        # peaks of the fused energy not yet decided on
        ("n_candidates", np.int64),
        ("candidate_sample", np.int64, (MAX_CANDIDATES,)),
        ("candidate_height", np.float64, (MAX_CANDIDATES,)),
        ("candidate_slope", np.float64, (MAX_CANDIDATES,)),
        # detection
        ("last_peak", np.int64),  # grid sample of the last beat's energy peak, -1 for none
        ("last_slope", np.float64),
        ("mean_rr", np.float64),  # samples
        ("noise_height", np.float64),
        ("t_height", np.float64),
        # beats, in rings
        ("n_beats", np.int64),  # since the segment began
        ("beat_sample", np.int64, (BEATS,)),
        ("beat_ventricular", np.uint8, (BEATS,)),
        ("beat_alike", np.uint8, (BEATS,)),  # like the beat before
        ("beat_follows", np.uint8, (BEATS,)),  # no unusable hop since the beat before
        # main leads
        ("main_lead", np.int64, (N_MAIN_LEADS,)),  # -1 for none
        ("main_poor", np.int64, (N_MAIN_LEADS,)),  # successive hops in which it weighed too little
        ("wave", np.float32, (N_MAIN_LEADS, _WAVE)),  # 4 s at 125 Hz, a ring
        ("wave_hops", np.int64, (N_MAIN_LEADS,)),  # hops of the ring that are set
        ("wave_change", np.float64, (N_MAIN_LEADS, FIBRILLATION_HOPS)),  # per hop: sum of absolute differences
        ("wave_low", np.float64, (N_MAIN_LEADS, FIBRILLATION_HOPS)),  # least and greatest energy
        ("wave_peak", np.float64, (N_MAIN_LEADS, FIBRILLATION_HOPS)),
        ("fibrillating", np.int64),
        ("fibrillation_hops", np.int64),  # successive hops that say otherwise
        ("fibrillation_score", np.float64),
        # shape
        ("shape", np.float64, (N_MAIN_LEADS, SHAPE)),
        ("shapes_learnt", np.int64, (N_MAIN_LEADS,)),  # beats
        ("unlike", np.int64),  # successive slow beats unlike the shapes
        ("last_beat", np.float32, (N_MAIN_LEADS, SHAPE)),
        ("alike", np.uint8),  # the newest beat is like the one before
        ("usual_rr", np.float64),  # samples, of beats that are not ventricular
        # recent peaks, beats or not, in a ring
        ("recent", np.float32, (RECENT, N_MAIN_LEADS, SHAPE // SHAPE_STEP)),
        ("recent_sample", np.int64, (RECENT,)),
        ("recent_traits", np.float32, (RECENT, 4)),  # likeness, unrest before, after, step; NaN where not asked
        ("n_recent", np.int64),  # since the main leads are what they are
        # beats in noise
        ("qrs", np.float32, (N_MAIN_LEADS, BANDS, SHAPE)),  # usual QRS in each band
        ("noisy", np.int64),  # whether the newest hops were noise, a bit each
        ("path_odds", np.float32, (SINCE,)),  # of the likeliest path to each time since a beat, against the best
        ("path", np.uint32, (SINCE,)),  # its beats, a bit each
        ("noise_rr", np.float64),  # samples
        ("last_in_noise", np.int64),  # as last_peak
        # flat line
        ("heard", np.int64),  # judged hops since a lead was last troubled with none heard
        ("pulse", np.int64),  # 1 where pleth or pressure showed a pulse when last asked, on this flat line
        ("troubled", np.int64, (N_LEADS,)),  # successive hops in which a lead is there, but neither good nor flat
        # rules
        ("quiet", np.int64),  # usable samples since the last beat
        ("quiet_from", np.int64),  # grid sample where they began, when that is no beat
        ("unusable", np.int64),  # successive unusable hops
        ("broken_at", np.int64),  # grid sample of the end of the last unusable hop
        ("active", np.uint8, (N_CONDITIONS,)),
        ("onset", np.int64, (N_CONDITIONS,)),
    ],
    align=True,
)

REBUILT = ("energy",)
"""What HISTORY samples of signal fill again, whatever was there before."""
KEPT = without(ROW, REBUILT)
"""The rest of a row: what adapts, or remembers for longer."""


def fresh(n_rows: int) -> np.ndarray:
    """Rows that know nothing: ``ROW`` (n_rows,)."""
    rows = np.zeros(n_rows, ROW)
    rows["clean"] = -HISTORY
    rows["last_peak"] = rows["last_in_noise"] = -1
    rows["mean_rr"] = rows["usual_rr"] = 200.0
    rows["noise_height"] = 0.1
    rows["main_lead"] = -1
    rows["broken_at"] = -1
    rows["onset"] = -1
    return rows
