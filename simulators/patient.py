"""A synthetic patient: turns a script into the samples a monitor would send."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from ecgstream.waveform import Channel, ChannelGroup, GroupKind, Layout, SampleRange
from ecgstream.wire.leads import LEAD_CODES, assign_slots

from .artefacts import ARTEFACTS, LEAD_OFF, Artefact, ambient
from .heart import Beats, Heart, Kind
from .leads import FROM_DIPOLE, from_measured
from .rhythms import RHYTHMS
from .script import BedScript, Episode
from .waves import WAVES, Wave

BLOCK_S = 4
"""Samples are made in blocks of this length, whatever the chunks: how they are cut changes nothing."""
ADU_PER_MV = 400.0
FADE_S = 0.4
"""Over this long an episode's waves or artefacts come and go."""
_SPIKE_MV = np.array([0.4, 1.6, -0.3])
_SPIKE_BEFORE_S = 0.09


class Patient:
    """A ``Feed`` of one script. The same script gives the same samples, in whatever order and pieces they are read."""

    def __init__(self, script: BedScript):
        self.script = script
        self.fs_hz = Fraction(script.fs_hz)
        channels = tuple(Channel(LEAD_CODES[name], name, "mV", ADU_PER_MV, 0) for name in script.leads)
        self.layout = Layout(GroupKind.ECG, self.fs_hz, channels, assign_slots(channels))
        rng = np.random.default_rng(script.seed)
        self._heart = Heart(rng, script.age)
        self._ambient = ambient(rng)
        self.beats = script_beats(script)
        self._waves = [(e, WAVES[e.name](rng)) for e in script.rhythms if e.name in WAVES]
        self._artefacts = [(e, ARTEFACTS[e.name](rng)) for e in script.episodes if e.name in ARTEFACTS]
        self._lead_off = [(_sample(e.start_s, script), _sample(e.stop_s, script)) for e in _named(script, LEAD_OFF)]
        self._spikes = _sample(self.beats.time_s[self.beats.kind == Kind.PACED] - _SPIKE_BEFORE_S, script)
        self._from_measured = from_measured(script.leads)
        self._block: tuple[int, np.ndarray] = (-1, np.empty((0, 0), np.int16))

    def read(self, start: int, stop: int) -> tuple[ChannelGroup, ...]:
        """Samples ``[start, stop)`` as the one ECG group of a chunk."""
        size = BLOCK_S * self.script.fs_hz
        parts = [
            self._rendered(block)[:, max(start - block * size, 0) : stop - block * size]
            for block in range(start // size, (stop - 1) // size + 1)
        ]
        samples = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
        return (ChannelGroup(self.layout, samples, self._off_in(start, stop), self._pacer_in(start, stop)),)

    def _rendered(self, block: int) -> np.ndarray:
        if self._block[0] != block:
            self._block = block, self._render(block)
        return self._block[1]

    def _render(self, block: int) -> np.ndarray:
        """Block of all leads, int16 (leads, samples)."""
        fs, size = self.script.fs_hz, BLOCK_S * self.script.fs_hz
        start, stop = block * size, (block + 1) * size
        t_s = np.arange(start, stop) / fs
        white = np.random.default_rng([self.script.seed, block])
        dipole = self._heart.render(self.beats, fs, start, stop)
        _add_waves(dipole, t_s, self._waves)
        spikes = self._spikes[(self._spikes >= start) & (self._spikes < stop)] - start
        dipole[:, spikes] += _SPIKE_MV[:, None]
        measured_mv = FROM_DIPOLE @ dipole + self._ambient(t_s, white)
        _add_artefacts(measured_mv, t_s, self._artefacts, white)
        adu = np.rint(ADU_PER_MV * (self._from_measured @ measured_mv))
        for off, on in self._lead_off:
            adu[:, max(off - start, 0) : max(on - start, 0)] = 0
        return np.clip(adu, -32_000, 32_000).astype(np.int16)

    def _off_in(self, start: int, stop: int) -> tuple[SampleRange, ...]:
        clipped = ((max(off, start), min(on, stop)) for off, on in self._lead_off)
        return tuple(SampleRange(off - start, on - start) for off, on in clipped if off < on)

    def _pacer_in(self, start: int, stop: int) -> tuple[SampleRange, ...]:
        first, last = np.searchsorted(self._spikes, (start, stop))
        return tuple(SampleRange(int(at) - start, int(at) - start + 1) for at in self._spikes[first:last])


def script_beats(script: BedScript) -> Beats:
    """Every beat of a script. Each rhythm's first beat comes one interval after the last beat before it, if it can."""
    last_s = 0.0
    parts = []
    for number, rhythm in enumerate(script.rhythms):
        times, kinds = _episode_beats(rhythm, np.random.default_rng([script.seed, 1 << 20, number]), last_s)
        parts.append((times, kinds, np.full(len(times), 60 / (rhythm.bpm or 60))))
        last_s = float(times[-1]) if len(times) else rhythm.stop_s
    time_s, kind, rr_s = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return Beats(time_s, kind, rr_s)


def _episode_beats(rhythm: Episode, rng: np.random.Generator, last_s: float) -> tuple[np.ndarray, np.ndarray]:
    intervals = RHYTHMS[rhythm.name].intervals
    if intervals is None:
        return np.empty(0), np.empty(0, np.int64)
    n_beats = int((rhythm.stop_s - rhythm.start_s) * rhythm.bpm / 60 * 1.5) + 8
    rr_s, kind = intervals(rng, rhythm.bpm, n_beats)
    first_s = np.clip(last_s + rr_s[0], rhythm.start_s, rhythm.start_s + rr_s[0])
    time_s = first_s + np.concatenate(([0], np.cumsum(rr_s[1:])))
    # The last beat's QRS is over before the next rhythm begins.
    n_played = int(np.searchsorted(time_s, rhythm.stop_s - 0.15))
    return time_s[:n_played], kind[:n_played]


def _add_waves(dipole: np.ndarray, t_s: np.ndarray, waves: list[tuple[Episode, Wave]]) -> None:
    for played, wave in waves:
        if span := _span(played, t_s):
            dipole[:, span] += _fade(played, t_s[span]) * wave(t_s[span])


def _add_artefacts(
    measured_mv: np.ndarray, t_s: np.ndarray, artefacts: list[tuple[Episode, Artefact]], white: np.random.Generator
) -> None:
    for played, artefact in artefacts:
        if span := _span(played, t_s):
            measured_mv[:, span] += _fade(played, t_s[span]) * artefact(t_s[span], white)


def _span(played: Episode, t_s: np.ndarray) -> slice | None:
    first, last = np.searchsorted(t_s, (played.start_s, played.stop_s))
    return slice(int(first), int(last)) if first < last else None


def _fade(played: Episode, t_s: np.ndarray) -> np.ndarray:
    return np.clip(np.minimum(t_s - played.start_s, played.stop_s - t_s) / FADE_S, 0, 1)


def _named(script: BedScript, name: str) -> list[Episode]:
    return [e for e in script.episodes if e.name == name]


def _sample(time_s, script: BedScript):
    """The sample nearest to a time (or times)."""
    return np.rint(np.asarray(time_s) * script.fs_hz).astype(np.int64)[()]
