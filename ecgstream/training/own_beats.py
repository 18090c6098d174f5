"""What a recording's own beats teach without a label: where they are, how each looks in every lead, how they follow.

Beats are found by their steepness in all leads together, whole recordings at once. They are not told apart: no class is
stated, nor is any counted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..labelled import N_LEADS, RATE_HZ, LabelledRecords

BEFORE, AFTER, STEP = 70, 112, 4
"""Samples of a beat around its QRS (280 ms before to 448 ms after), and how many are taken together."""
APART = 65
"""Samples between beats, at least."""
FEWEST = 3
"""Whole beats below which a recording teaches nothing here."""
USUAL_WIDTH_S, WIDTH_SPREAD_S = 0.09, 0.03
MOST_MV = 3.0
MOST = 5.0
"""Targets are cut off here; they are about 1 wide."""


@dataclass(frozen=True, slots=True)
class Beats:
    """Of one recording, in order of time."""

    at: np.ndarray  # int64 (K,), sample amid the QRS
    width_s: np.ndarray  # float64 (K,), of the steep part
    shape_mv: np.ndarray  # float32 (K, 8, P); NaN where a beat is cut off by the recording's ends


@dataclass(frozen=True, slots=True)
class Shapes:
    """Axes by which beats of all leads are told in few numbers (principal components)."""

    mean: np.ndarray  # float64 (8 P,)
    axes: np.ndarray  # float64 (C, 8 P)
    spread: np.ndarray  # float64 (C,)

    def of(self, shape_mv: np.ndarray) -> np.ndarray:
        """(..., 8, P) as (..., C) of spread 1, NaN where anything of it is not known."""
        flat = np.clip(shape_mv, -MOST_MV, MOST_MV).reshape(*shape_mv.shape[:-2], -1)
        return (flat - self.mean) @ self.axes.T / self.spread


@dataclass(frozen=True, slots=True)
class OwnBeats:
    """Targets of N recordings, float32, NaN where not known."""

    there: np.ndarray  # (N, tokens), whether a beat's QRS lies in the token's stretch
    beat: np.ndarray  # (N, tokens, 3 + C): intervals before and after against the usual one, width, shape
    record: np.ndarray  # (N, 3 + C): usual interval, how much intervals change, width, shape of the median beat


def find_beats(mv: np.ndarray, present: np.ndarray) -> Beats:
    """Beats of one recording: ``mv`` float32 (8, T) at 250 Hz, ``present`` bool (8,), at least one of them."""
    rise = mv[present, 4:] - mv[present, :-4]
    steep = np.pad(np.sqrt((rise.astype(np.float64) ** 2).sum(axis=0)), 2)
    fine, coarse = _smooth(steep, 9), _smooth(steep, 25)
    usual = np.median([coarse[start : start + 375].max() for start in range(0, len(coarse) - 374, 125)])
    inner = coarse[1:-1]
    peaks = 1 + np.flatnonzero((inner >= coarse[:-2]) & (inner > coarse[2:]) & (inner > 0.35 * usual))
    middles, widths = [], []
    for peak in _apart(peaks, coarse):
        first = max(peak - 40, 0)
        near = fine[first : peak + 41]
        high = np.flatnonzero(near > 0.2 * near.max())
        middles.append(first + (high[0] + high[-1]) // 2)
        widths.append((high[-1] - high[0]) / RATE_HZ)
    at = np.array(middles, int)
    return Beats(at, np.array(widths), _cut(mv, present, at))


def _smooth(values: np.ndarray, width: int) -> np.ndarray:
    """Mean of ``width`` (odd) values around each, (T,) to (T,)."""
    total = np.cumsum(np.pad(values, (width // 2 + 1, width // 2), mode="edge"))
    return (total[width:] - total[:-width]) / width


def _apart(peaks: np.ndarray, height: np.ndarray) -> list[int]:
    """The peaks that no higher one lies near."""
    taken, kept = np.zeros(len(height), bool), []
    for peak in peaks[np.argsort(-height[peaks], kind="stable")]:
        if not taken[peak]:
            kept.append(int(peak))
            taken[max(peak - APART, 0) : peak + APART] = True
    return sorted(kept)


def _cut(mv: np.ndarray, present: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The beats' own signal, STEP samples averaged, (K, 8, P)."""
    points = (BEFORE + AFTER) // STEP
    shapes = np.full((len(at), N_LEADS, points), np.nan, np.float32)
    for number, middle in enumerate(at):
        if middle >= BEFORE and middle - BEFORE + points * STEP <= mv.shape[1]:
            beat = mv[present, middle - BEFORE : middle - BEFORE + points * STEP]
            shapes[number, present] = beat.reshape(-1, points, STEP).mean(axis=2)
    return shapes


def fit_shapes(medians: np.ndarray, components: int) -> Shapes:
    """Axes from median beats (N, 8, P) of recordings with all leads."""
    flat = np.clip(medians, -MOST_MV, MOST_MV).reshape(len(medians), -1).astype(np.float64)
    mean = flat.mean(axis=0)
    axes = np.linalg.svd(flat - mean, full_matrices=False)[2][:components]
    spread = ((flat - mean) @ axes.T).std(axis=0)
    return Shapes(mean, axes, np.maximum(spread, 0.02 * spread[0]))


def own_beats(records: LabelledRecords, tokens: int, samples_per_token: int, components: int) -> OwnBeats:
    """Targets of ``records`` from their signal alone, shapes by axes that fit these recordings.

    Token k lies around sample k times ``samples_per_token``. Raises ValueError where no recording has all leads.
    """
    found = [find_beats(mv.astype(np.float32), there) for mv, there in zip(records.mv, records.present, strict=True)]
    whole = [each.shape_mv[~np.isnan(each.shape_mv).all(axis=(1, 2))] for each in found]
    empty = np.full((N_LEADS, (BEFORE + AFTER) // STEP), np.nan, np.float32)
    medians = np.stack([np.median(each, axis=0) if len(each) >= FEWEST else empty for each in whole])
    full = ~np.isnan(medians).any(axis=(1, 2))
    if not full.any():
        raise ValueError("no recording has all leads and beats enough to learn their shapes from")
    shapes = fit_shapes(medians[full], components)
    there = np.full((len(found), tokens), np.nan, np.float32)
    beat = np.full((len(found), tokens, 3 + components), np.nan, np.float32)
    record = np.full((len(found), 3 + components), np.nan, np.float32)
    for row, (beats, median) in enumerate(zip(found, medians, strict=True)):
        if len(beats.at) > FEWEST:
            places = np.minimum(np.rint(beats.at / samples_per_token).astype(int), tokens - 1)
            there[row] = 0
            there[row, places] = 1
            beat[row, places] = _of_beats(beats, shapes)
            record[row] = np.concatenate([_of_record(beats), shapes.of(median)])
    known = np.nanmean(record[:, :3], axis=0), np.nanstd(record[:, :3], axis=0)
    record[:, :3] = (record[:, :3] - known[0]) / (known[1] + 1e-6)
    return OwnBeats(there, np.clip(beat, -MOST, MOST), np.clip(record, -MOST, MOST))


def _of_beats(beats: Beats, shapes: Shapes) -> np.ndarray:
    """(K, 3 + C): how early it comes, how late the next, its width, its shape."""
    rr = np.log(np.diff(beats.at))
    change = 4 * (rr - np.median(rr))
    width = (beats.width_s - USUAL_WIDTH_S) / WIDTH_SPREAD_S
    measures = np.stack([np.r_[np.nan, change], np.r_[change, np.nan], width], axis=1)
    return np.concatenate([measures, shapes.of(beats.shape_mv)], axis=1)


def _of_record(beats: Beats) -> np.ndarray:
    """(3,): usual interval, how much intervals change from one to the next, usual width; not yet of spread 1."""
    rr = np.log(np.diff(beats.at) / RATE_HZ)
    changing = np.log(np.diff(rr).std() + 0.01)
    return np.array([np.median(rr), changing, np.median(beats.width_s)])
