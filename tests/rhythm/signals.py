"""Conditioned signals made here, for the tests of this room."""

import numpy as np

from ecgstream.waveform import GRID_HZ, HOP_SAMPLES, LEAD_SLOT, N_LEADS, Conditioned, Reason

DELAY = 7.0


def bump(length: int, centre: float, width_s: float, height_mv: float) -> np.ndarray:
    """A Gaussian wave, mV."""
    t = (np.arange(length) - centre) / GRID_HZ
    return height_mv * np.exp(-0.5 * (t / width_s) ** 2)


def beat_train(times_s, duration_s: float, wide=(), height_mv: float = 1.0) -> np.ndarray:
    """P, QRS and T waves at the times (R peaks); beats numbered in ``wide`` are broad, without P."""
    length = round(duration_s * GRID_HZ)
    signal = np.zeros(length)
    for number, time_s in enumerate(times_s):
        at = time_s * GRID_HZ
        if number in wide:
            signal += bump(length, at, 0.035, -1.5 * height_mv) + bump(length, at + 70, 0.06, 0.5 * height_mv)
        else:
            signal += bump(length, at, 0.012, height_mv) + bump(length, at + 8, 0.012, -0.3 * height_mv)
            signal += bump(length, at - 40, 0.02, 0.12 * height_mv) + bump(length, at + 65, 0.045, 0.3 * height_mv)
    return signal


def noise(length: int, seed: int, size_mv: float = 0.01) -> np.ndarray:
    """White noise, mV."""
    return np.random.default_rng(seed).normal(0, size_mv, length)


def conditioned(leads: dict[str, np.ndarray], first_hop: int = 0) -> Conditioned:
    """One row as conditioning would hand it over, whole hops only, all of it usable."""
    n_hops = len(next(iter(leads.values()))) // HOP_SAMPLES
    shape = (1, N_LEADS, n_hops * HOP_SAMPLES)
    signal = Conditioned(
        rows=np.zeros(1, np.int64),
        n_hops=n_hops,
        first_hop=np.full(1, first_hop, np.int64),
        segment_hop=np.full(1, first_hop, np.int64),
        new_segment=np.ones(1, bool),
        delay_samples=np.full(1, DELAY, np.float32),
        ecg_mv=np.zeros(shape, np.float32),
        valid=np.zeros(shape, bool),
        reason=np.full((1, N_LEADS, n_hops), Reason.ABSENT, np.uint8),
        quality=np.zeros((1, N_LEADS, n_hops), np.float32),
        pace=np.zeros((1, shape[2]), bool),
    )
    for name, values in leads.items():
        slot = LEAD_SLOT[name]
        signal.ecg_mv[0, slot] = np.roll(values, int(DELAY))[: shape[2]]
        signal.valid[0, slot] = True
        signal.reason[0, slot] = Reason.OK
        signal.quality[0, slot] = 1.0
    return signal


def spoil(
    signal: Conditioned, first: int, stop: int, reason: Reason, row: int = 0, lead: int | slice = slice(None)
) -> None:
    """Make hops [first, stop) of a lead of a row, or of all, unusable."""
    samples, hops = slice(first * HOP_SAMPLES, stop * HOP_SAMPLES), slice(first, stop)
    present = signal.reason[row, lead, :1] != Reason.ABSENT
    signal.reason[row, lead, hops] = np.where(present, reason, signal.reason[row, lead, hops])
    signal.quality[row, lead, hops] = 0.0
    if reason in (Reason.MISSING, Reason.LEAD_OFF):
        signal.valid[row, lead, samples] = False
        signal.ecg_mv[row, lead, samples] = 0.0


def stack(signals: list[Conditioned], rows) -> Conditioned:
    """Blocks of one row each, of equal length, as one block of the given rows."""

    def joined(name: str) -> np.ndarray:
        return np.concatenate([getattr(signal, name) for signal in signals])

    names = (
        *("first_hop", "segment_hop", "new_segment", "delay_samples"),
        *("ecg_mv", "valid", "reason", "quality", "pace"),
    )
    return Conditioned(np.asarray(rows, np.int64), signals[0].n_hops, **{name: joined(name) for name in names})
