"""EDF and EDF+, by pyedflib."""

from __future__ import annotations

import warnings
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyedflib

from ..errors import RecordError
from ..wire.leads import lead_name
from .recording import PER_MV, RecordedChannel, RecordedSignal, codes16, start_of

LOWEST, HIGHEST = -32_768, 32_767


def read(path: Path) -> RecordedSignal:
    """Signals of the ECG's own rate; others are left out by name. The zero is kept to half a step.

    Raises RecordError where the file is damaged, interrupted (EDF+D), or names no ECG.
    """
    try:
        with pyedflib.EdfReader(str(path)) as source:
            return _signals(source, path)
    except OSError as error:
        raise RecordError(f"The EDF file {path} cannot be read ({error}); is it whole, and not EDF+D?") from error


def _signals(source: pyedflib.EdfReader, path: Path) -> RecordedSignal:
    channels = [_channel(source, k) for k in range(source.signals_in_file)]
    per_record = source.samples_in_datarecord
    ecg = [k for k, channel in enumerate(channels) if channel]
    if not ecg:
        labels = ", ".join(source.getSignalLabels())
        raise RecordError(f"{path} holds no ECG: a label must be ECG, EKG or a lead's name, in volts; found {labels}.")
    rates = sorted({int(per_record(k)) for k in ecg})
    if len(rates) > 1:
        raise RecordError(f"The ECG leads of {path} have several rates ({rates} samples a record); export them alike.")
    kept = [k for k in range(source.signals_in_file) if per_record(k) == rates[0]]
    start = source.getStartdatetime()
    return RecordedSignal(
        path.stem,
        Fraction(rates[0]) / Fraction(str(source.datarecord_duration)),
        tuple(channels[k] or _other(source, k) for k in kept),
        codes16(np.stack([source.readSignal(k, digital=True) for k in kept]), path),
        start_of(start),
        tuple(source.getLabel(k) for k in range(source.signals_in_file) if k not in kept),
    )


def _channel(source: pyedflib.EdfReader, k: int) -> RecordedChannel | None:
    """None where the label does not say ECG: EEG is measured in volts, too."""
    label, unit = source.getLabel(k).strip(), source.getPhysicalDimension(k).strip()
    words = label.upper().replace("-", " ").split()
    if unit.casefold() not in PER_MV or not (lead_name(label) or {"ECG", "EKG"} & set(words)):
        return None
    return RecordedChannel(lead_name(label) or label, unit, *_scale(source, k))


def _other(source: pyedflib.EdfReader, k: int) -> RecordedChannel:
    unit = source.getPhysicalDimension(k).strip()
    # In volts, but not ECG by its label: without the unit nobody takes it for a lead.
    return RecordedChannel(source.getLabel(k).strip(), "" if unit.casefold() in PER_MV else unit, *_scale(source, k))


def _scale(source: pyedflib.EdfReader, k: int) -> tuple[float, int]:
    low, high = source.getPhysicalMinimum(k), source.getPhysicalMaximum(k)
    digital = source.getDigitalMinimum(k), source.getDigitalMaximum(k)
    gain = (digital[1] - digital[0]) / (high - low)
    return gain, round(digital[0] - low * gain)


def write(recording: RecordedSignal, path: Path) -> None:
    """EDF+ of the same codes, padded to whole seconds; stretches that are not valid are annotated.

    Physical limits have eight characters in EDF, so a gain may be off by 1e-6 of itself.
    """
    per_record = recording.fs_hz.numerator  # samples of as many seconds as the denominator says
    n = recording.samples.shape[1]
    padded = np.full((len(recording.channels), -(-n // per_record) * per_record), LOWEST, np.int32)
    padded[:, :n] = recording.samples
    with pyedflib.EdfWriter(str(path), len(recording.channels), pyedflib.FILETYPE_EDFPLUS) as writer:
        if recording.fs_hz.denominator > 1:
            with warnings.catch_warnings():  # it warns of rates that change: these are whole numbers of samples
                warnings.simplefilter("ignore", UserWarning)
                writer.setDatarecordDuration(recording.fs_hz.denominator)
        writer.setSignalHeaders([_header(channel, recording.fs_hz) for channel in recording.channels])
        writer.setStartdatetime(recording.start.replace(tzinfo=None))
        for channel, row in zip(recording.channels, padded, strict=True):
            row[row == channel.invalid] = LOWEST
        writer.writeSamples(list(padded), digital=True)
        for start_s, length_s, text in _notes(recording, padded.shape[1]):
            writer.writeAnnotation(start_s, length_s, text)


def _header(channel: RecordedChannel, fs_hz: Fraction) -> dict[str, object]:
    low, high = ((limit - channel.baseline) / channel.gain for limit in (LOWEST, HIGHEST))
    label = f"ECG {channel.name}" if lead_name(channel.name) else channel.name
    return {
        "label": label[:16],
        "dimension": channel.unit.replace("µ", "u")[:8],
        "sample_frequency": float(fs_hz),
        "physical_min": _eight(low),
        "physical_max": _eight(high),
        "digital_min": LOWEST,
        "digital_max": HIGHEST,
        "transducer": "",
        "prefilter": "",
    }


def _eight(value: float) -> float | int:
    """As near as eight characters come."""
    near = float(f"{value:.8f}"[:8])
    return int(near) if near.is_integer() else near


def _notes(recording: RecordedSignal, n_padded: int) -> list[tuple[float, float, str]]:
    n, fs_hz = recording.samples.shape[1], float(recording.fs_hz)
    notes = [(n / fs_hz, (n_padded - n) / fs_hz, "end of signal")] if n_padded > n else []
    for channel, row in zip(recording.channels, recording.samples, strict=True):
        edges = np.flatnonzero(np.diff((row == channel.invalid).astype(int), prepend=0, append=0)).reshape(-1, 2)
        notes += [(start / fs_hz, (stop - start) / fs_hz, f"not valid: {channel.name}") for start, stop in edges]
    return sorted(notes)
