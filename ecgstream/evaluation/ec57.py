"""Beat-by-beat scores by ANSI/AAMI EC57: one-to-one matching in a 150 ms window, per record, gross and average.

A reference or test beat without partner is paired with "O". Beats of intervals excluded from comparison (ventricular
flutter and fibrillation) count neither as missed nor as extra. Se and +P of ventricular (VEB) and supraventricular
(SVEB) ectopic beats follow the standard: calling a fusion or unclassifiable beat ectopic is not an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MATCH_WINDOW_S = 0.150
CLASSES = ("N", "S", "V", "F", "Q")
NO_BEAT = len(CLASSES)
"""Index of "O" (no beat) in a confusion matrix, beside the classes."""

_SYMBOLS = {"N": "NLRBej", "S": "aAJSn", "V": "VEr", "F": "F", "Q": "/fQ?"}
CLASS_OF_SYMBOL = {symbol: CLASSES.index(name) for name, symbols in _SYMBOLS.items() for symbol in symbols}
"""AAMI class of each WFDB beat symbol; other symbols are no beats."""

_ROUNDING_S = 1e-6


@dataclass(frozen=True, slots=True)
class BeatList:
    """Beats of one recording in rising time. Without classes all are N: only the QRS figures then mean something."""

    time_s: np.ndarray  # float64 (K,)
    classes: np.ndarray | None = None  # int64 (K,), index into CLASSES

    def labels(self) -> np.ndarray:
        """Class of each beat, int64 (K,)."""
        return np.zeros(len(self.time_s), np.int64) if self.classes is None else self.classes


def reference_beats(time_s: np.ndarray, symbol: np.ndarray) -> BeatList:
    """The beats among annotations of times (A,) and WFDB symbols (A,)."""
    is_beat = np.array([s in CLASS_OF_SYMBOL for s in symbol], bool)
    return BeatList(time_s[is_beat], np.array([CLASS_OF_SYMBOL[s] for s in symbol[is_beat]], np.int64))


def match_beats(reference_s: np.ndarray, test_s: np.ndarray, window_s: float = MATCH_WINDOW_S) -> np.ndarray:
    """Index of each reference beat's partner, int64 (K,), -1 for none; both times in rising order.

    The earlier of the two next beats takes the other as partner if that lies in the window and is not nearer to the
    earlier one's successor (the pairing rule of EC57's beat-by-beat comparison).
    """
    partner = np.full(len(reference_s), -1, np.int64)
    ref, test = [*map(float, reference_s), np.inf], [*map(float, test_s), np.inf]
    i = j = 0
    while i < len(ref) - 1 and j < len(test) - 1:
        apart = abs(ref[i] - test[j])
        test_first = test[j] < ref[i]
        successor = abs(ref[i] - test[j + 1]) if test_first else abs(ref[i + 1] - test[j])
        if apart <= window_s + _ROUNDING_S and apart <= successor:
            partner[i] = j
            i, j = i + 1, j + 1
        elif test_first:
            j += 1
        else:
            i += 1
    return partner


def confusion(
    reference: BeatList,
    test: BeatList,
    skip_s: float = 300.0,
    stop_s: float = np.inf,
    excluded_s: Sequence[tuple[float, float]] = (),
) -> np.ndarray:
    """Counts of (reference class, test class), int64 (6, 6), row and column ``NO_BEAT`` for beats without partner.

    A pair or a missed beat counts where the reference beat lies in [skip_s, stop_s) and in no excluded interval, an
    extra beat where it lies itself.
    """
    partner = match_beats(reference.time_s, test.time_s)
    counts = np.zeros((NO_BEAT + 1, NO_BEAT + 1), np.int64)
    counted = is_counted(reference.time_s, skip_s, stop_s, excluded_s)
    found = np.where(partner >= 0, np.append(test.labels(), 0)[partner], NO_BEAT)
    np.add.at(counts, (reference.labels()[counted], found[counted]), 1)
    extra = is_counted(test.time_s, skip_s, stop_s, excluded_s)
    extra[partner[partner >= 0]] = False
    np.add.at(counts, (NO_BEAT, test.labels()[extra]), 1)
    return counts


def is_counted(
    time_s: np.ndarray, skip_s: float, stop_s: float, excluded_s: Sequence[tuple[float, float]]
) -> np.ndarray:
    """bool (K,): which times lie in [skip_s, stop_s) and in no excluded interval."""
    counted = (time_s >= skip_s) & (time_s < stop_s)
    for start, stop in excluded_s:
        counted &= (time_s < start) | (time_s > stop)
    return counted


def figures(counts: np.ndarray, with_classes: bool = True) -> dict[str, dict[str, float | int | None]]:
    """QRS (and with classes VEB and SVEB) counts with Se and +P in percent of a confusion (6, 6).

    Se and +P are None where nothing defines them.
    """
    beats = slice(0, NO_BEAT)
    result = {"qrs": _figure(counts[beats, beats].sum(), counts[beats, NO_BEAT].sum(), counts[NO_BEAT, beats].sum())}
    if with_classes:
        result |= {"veb": _ectopic(counts, "V", forgiven="FQ"), "sveb": _ectopic(counts, "S", forgiven="Q")}
    return result


def _ectopic(counts: np.ndarray, name: str, forgiven: str) -> dict[str, float | int | None]:
    own = CLASSES.index(name)
    wrong = [i for i in range(NO_BEAT + 1) if i != own and (i == NO_BEAT or CLASSES[i] not in forgiven)]
    hits = counts[own, own]
    return _figure(hits, counts[own].sum() - hits, counts[wrong, own].sum())


def _figure(hits: int, missed: int, extra: int) -> dict[str, float | int | None]:
    tp, fn, fp = int(hits), int(missed), int(extra)
    return {"tp": tp, "fn": fn, "fp": fp, "se": _percent(tp, tp + fn), "ppv": _percent(tp, tp + fp)}


def _percent(part: int, whole: int) -> float | None:
    return 100.0 * part / whole if whole else None


def summary(names: Sequence[str], counts: Sequence[np.ndarray], with_classes: bool = True) -> dict:
    """``{"gross", "average", "records"}``: gross adds counts over records, average weighs records alike.

    Records where a figure is undefined are left out of its average.
    """
    records = [{"record": name, **figures(each, with_classes)} for name, each in zip(names, counts, strict=True)]
    gross = figures(np.sum(counts, axis=0) if len(counts) else np.zeros((NO_BEAT + 1,) * 2, np.int64), with_classes)
    average = {
        kind: {which: _mean([record[kind][which] for record in records]) for which in ("se", "ppv")} for kind in gross
    }
    return {"gross": gross, "average": average, "records": records}


def _mean(values: Sequence[float | None]) -> float | None:
    defined = [value for value in values if value is not None]
    return float(np.mean(defined)) if defined else None
