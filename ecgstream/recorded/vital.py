"""VitalDB's ``.vital`` files, by vitaldb."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import vitaldb

from ..errors import RecordError
from .recording import INVALID, RecordedChannel, RecordedSignal, codes16, codes_of_fractions, fraction_channel

_WHOLE = range(3, 9)  # formats of tracks: 1 and 2 are fractions, 3 to 8 integers


def read(path: Path) -> RecordedSignal:
    """The waves whose name says ECG, and what has their rate. Raises RecordError."""
    if _beginning(path) != b"\x1f\x8b":
        raise RecordError(f"{path} is no .vital file: that begins as a gzip file does.")
    try:
        source = vitaldb.VitalFile(str(path))
    except Exception as error:  # whatever its parser trips over
        raise RecordError(f"The file {path} cannot be read ({error}); is it whole?") from error
    waves = {name: track for name, track in source.trks.items() if track.srate > 0}
    ecg = [name for name in waves if _is_ecg(name)]
    if not ecg:
        raise RecordError(
            f"{path} holds no ECG: a wave must be called ECG_… or EKG_…; found {', '.join(waves) or 'none'}."
        )
    rate = waves[ecg[0]].srate
    kept = [name for name in waves if waves[name].srate == rate]
    signals = [(_signal(source, name, path)) for name in kept]
    n = min(len(codes) for _, codes in signals)
    return RecordedSignal(
        path.stem,
        Fraction(rate).limit_denominator(1000),
        tuple(channel for channel, _ in signals),
        np.stack([codes[:n] for _, codes in signals]),
        round(source.dtstart * 1e9),
        tuple(name for name in waves if name not in kept),
    )


def _signal(source: vitaldb.VitalFile, name: str, path: Path) -> tuple[RecordedChannel, np.ndarray]:
    track = source.trks[name]
    values = source.get_track_samples(name, 1 / track.srate)
    label = name.rpartition("/")[2]
    label = label[4:] if _is_ecg(name) else label
    unit = track.unit or ("mV" if _is_ecg(name) else "")
    if track.fmt in _WHOLE:
        codes = np.rint((values - track.offset) / track.gain)
        channel = RecordedChannel(label, unit, 1 / track.gain, round(-track.offset / track.gain))
        return channel, codes16(np.where(np.isnan(codes), INVALID, codes), path)
    channel = fraction_channel(label, unit)
    return channel, codes_of_fractions(values[None], [channel], path)[0]


def _is_ecg(name: str) -> bool:
    return name.rpartition("/")[2].upper().startswith(("ECG_", "EKG_"))


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(2)
