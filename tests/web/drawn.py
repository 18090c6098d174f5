"""What a canvas shows of a real record, in pixels, and what that record has there, in mV and seconds."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import wfdb

from ecgstream.conditioning.record import condition_record
from ecgstream.waveform import LEAD_SLOT

PX_PER_MM = 96 / 25.4
"""By definition of CSS."""
DRAWN = """() => {
  const canvas = document.querySelector('.trace[data-lead="II"] canvas');
  const [w, h] = [canvas.width, canvas.height];
  const {data} = canvas.getContext('2d').getImageData(0, 0, w, h);
  const top = Array(w).fill(-1), bottom = Array(w).fill(-1);
  for (let x = 0; x < w; x++) for (let y = 0; y < h; y++) {
    const k = 4 * (y * w + x);
    if (data[k] + data[k + 1] + data[k + 2] < 240) { if (top[x] < 0) top[x] = y; bottom[x] = y; }
  }
  const at = canvas.sweep.bed.pen.at;
  return {top, bottom, at, pen: (at * canvas.sweep.pxPerS / 250) % w};
}"""
"""The darkest pixels of every column: the wave. Paper and its lines are light."""


def beats_drawn(top: np.ndarray, bottom: np.ndarray, pen: float) -> tuple[np.ndarray, np.ndarray]:
    """Columns of the R peaks left of the pen, and from the top of each to the bottom of its S, in pixels."""
    drawn = np.arange(len(top)) < pen - 8
    line = int(np.median(bottom[top >= 0]))
    high = drawn & (top >= 0) & (line - top > 0.5 * (line - top[top >= 0].min()))
    groups = np.split(np.flatnonzero(high), np.flatnonzero(np.diff(np.flatnonzero(high)) > 10) + 1)
    inside = [g for g in groups if len(g) and g[0] > 12 and g[-1] < pen - 20]
    peaks = [g[np.flatnonzero(top[g] == top[g].min())].mean() for g in inside]
    swings = [bottom[g[0] - 10 : g[-1] + 10].max() - top[g].min() for g in inside]
    return np.array(peaks), np.array(swings)


def conditioned(record: Path, from_s: float) -> np.ndarray:
    start = round(from_s * 360)
    read = wfdb.rdrecord(str(record), sampfrom=start, sampto=start + 80 * 360, physical=False)
    raw = read.d_signal[:, :1].T.astype(np.int16)
    per_adu, baseline = [1 / read.adc_gain[0]], [read.baseline[0]]
    return condition_record(raw, Fraction(360), [LEAD_SLOT["II"]], per_adu, baseline, 50).ecg_mv[0, LEAD_SLOT["II"]]


def beats_of(mv: np.ndarray, at: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """The last ``n`` R peaks that lie at least 20 pixels before sample ``at``, and their swings in mV."""
    seen = mv[: at - round(20 / (25 * PX_PER_MM) * 250)]
    above = np.flatnonzero(seen > 0.5 * mv[1000:].max())
    groups = np.split(above, np.flatnonzero(np.diff(above) > 25) + 1)[-n:]
    return np.array([g[seen[g].argmax()] for g in groups]), np.array(
        [seen[g].max() - mv[g[0] - 25 : g[-1] + 25].min() for g in groups]
    )
