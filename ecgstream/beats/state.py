"""What is remembered of a row's beats: one record, so that a row's memory is saved, restored and reset whole."""

from __future__ import annotations

import numpy as np

from ..rows import without
from ..waveform import N_LEADS

USED = 2
"""Leads that shapes are told from."""
STRIDE = 2
"""Shapes are kept at 125 Hz; conditioning leaves nothing above 40 Hz."""
QRS_START, QRS = -30, 32
"""A QRS shape: from 120 ms before the fiducial point, 32 points (256 ms)."""
P_START, P = -72, 27
"""The stretch where P waves lie: 288 to 80 ms before."""
T_START, T = 34, 18
T_STRIDE = 4
"""ST segment and T wave: 136 to 408 ms after, at 62.5 Hz."""
P_FORM = 19
"""Points of a P wave by itself, 72 ms either side of its peak."""
SHAPES = 3
"""Shapes of QRS kept side by side: the usual one and what differs from it."""
INTERVALS = 32
LONG_INTERVALS = 128
"""Intervals that are told in two groups."""
MOST_FEATURES = 136

ROW = np.dtype(
    [
        ("clean_from", np.int64, (N_LEADS,)),  # grid index behind the lead's last unusable sample
        ("broken_at", np.int64),  # grid sample behind the last hop without a usable lead
        ("lead", np.int64, (USED,)),  # -1 for none
        ("lead_poor", np.int64, (USED,)),  # successive beats in which it could not be used
        # intervals, s
        ("n_intervals", np.int64),
        ("interval", np.float32, (INTERVALS,)),  # a ring
        ("rr_step", np.uint8, (LONG_INTERVALS,)),  # a ring, on the scale of logarithms
        ("usual_s", np.float32),
        ("slow_high_s", np.float32),  # four of five intervals of the last minutes are shorter
        ("short_run", np.float32),
        ("run_from_s", np.float32),  # median interval before a run that began at once; of no use outside one
        ("run_beats", np.float32),
        # QRS
        ("shape", np.float32, (SHAPES, USED, QRS)),
        ("learnt", np.uint8, (SHAPES, USED)),
        ("count", np.float32, (SHAPES,)),  # beats of the shape, the older the less
        ("early", np.float32, (SHAPES,)),  # mean of interval over usual interval
        ("width", np.float32, (SHAPES,)),
        ("last_qrs", np.float32, (USED, QRS)),
        ("last_used", np.uint8, (USED,)),
        # P and T waves of usual beats
        ("p", np.float32, (USED, P)),
        ("p_learnt", np.float32, (USED,)),
        ("p_like", np.float32),
        ("last_p", np.float32, (USED, P)),
        ("late_p", np.float32, (USED, P)),  # of beats that are not early against the mean interval
        ("late_learnt", np.float32, (USED,)),
        ("p_late_sure", np.float32),  # how sure a P wave was read before those beats
        ("p_late_learnt", np.float32),
        ("p_late_at", np.float32),  # place of its peak, as p_reader counts them
        ("p_late_form", np.float32, (USED, P_FORM)),  # around the peak, over the height of the usual QRS
        ("t", np.float32, (USED, T)),
        ("t_learnt", np.float32, (USED,)),
        # how alike and how rough beats have been lately
        ("lately", np.float32, (3,)),
        # the newest beat, whose class waits for the next
        ("n_beats", np.int64),
        ("sample", np.int64),
        ("waiting", np.uint8),
        ("of_beat", np.float32, (MOST_FEATURES,)),
        ("before", np.float32, (6,)),  # like, P like, ventricular, share, width, RR of the beat before
    ],
    align=True,
)

REBUILT = ("clean_from",)
"""What RECENT samples of signal tell anew, whatever was there before."""
KEPT = without(ROW, REBUILT)
"""The rest of a row."""


def fresh(n_rows: int) -> np.ndarray:
    """Rows that know nothing: ``ROW`` (n_rows,)."""
    rows = np.zeros(n_rows, ROW)
    rows["lead"] = -1
    rows["broken_at"] = -1
    rows["before"] = np.nan
    rows["p_like"] = np.nan
    rows["p_late_sure"] = np.nan
    rows["usual_s"] = np.nan
    rows["slow_high_s"] = np.nan
    rows["lately"] = np.nan
    return rows
