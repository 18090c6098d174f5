"""Group layouts: checked once, then shared. An equal layout is the identical object for as long as anyone holds it."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from weakref import WeakValueDictionary

from ..errors import WireError
from ..waveform import Channel, GroupKind, Layout
from . import ecgstream_pb2 as pb
from .leads import assign_slots, resolve_lead
from .refusals import Refusal

MAX_CHANNELS = 64
RATE_HZ = (1, 10_000)
"""Lowest and highest sampling frequency."""
MAX_RATE_DENOMINATOR = 1_000
"""Rates are told to a thousandth of a hertz; a finer fraction would need a resampling table as fine."""
MAX_NAME = 64
GAIN = (1e-6, 1e9)
"""Least and greatest raw units per unit; outside lies no monitor, and float32 arithmetic suffers."""

_ECG_UNITS = {"mV": 1.0, "uV": 1_000.0, "µV": 1_000.0, "μV": 1_000.0}  # micro sign and Greek mu are two characters
_KINDS = frozenset(map(int, GroupKind))
_interned: WeakValueDictionary[tuple[object, ...], Layout] = WeakValueDictionary()


@lru_cache(maxsize=8_192)
def layout_of(serialized: bytes) -> Layout:
    """The layout told by a serialized ``GroupLayout``. Raises WireError naming the rule it breaks."""
    message = pb.GroupLayout.FromString(serialized)
    # A kind of a later minor version is a group we do not know.
    kind = GroupKind(message.kind) if message.kind in _KINDS else GroupKind.OTHER
    if not 1 <= len(message.channels) <= MAX_CHANNELS:
        raise WireError(
            Refusal.BAD_CHANNELS,
            f"A {kind.name} group has {len(message.channels)} channels; it must have 1 to {MAX_CHANNELS}.",
        )
    fs_hz = _rate(message)
    channels = tuple(_channel(kind, channel) for channel in message.channels)
    # Layouts that differ only in what was left to default or spelling are equal: found here, not by their bytes.
    if (known := _interned.get((kind, fs_hz, channels))) is None:
        slots = assign_slots(channels) if kind == GroupKind.ECG else ()
        known = _interned[kind, fs_hz, channels] = Layout(kind, fs_hz, channels, slots)
    return known


def _rate(message: pb.GroupLayout) -> Fraction:
    fs_hz = Fraction(message.fs_numerator, message.fs_denominator or 1)
    if not RATE_HZ[0] <= fs_hz <= RATE_HZ[1] or fs_hz.denominator > MAX_RATE_DENOMINATOR:
        raise WireError(
            Refusal.BAD_RATE,
            f"The sampling frequency {message.fs_numerator}/{message.fs_denominator} Hz is not between {RATE_HZ[0]} "
            f"and {RATE_HZ[1]} Hz with a reduced denominator up to {MAX_RATE_DENOMINATOR}; state the nominal rate.",
        )
    return fs_hz


def _channel(kind: GroupKind, channel: pb.Channel) -> Channel:
    for label in (channel.name, channel.unit):
        if len(label) > MAX_NAME or not label.isprintable():
            raise WireError(
                Refusal.BAD_NAME,
                f"The channel name or unit {label[:MAX_NAME]!r} must be at most {MAX_NAME} printable characters.",
            )
    code, name, unit, gain = channel.mdc_code, channel.name, channel.unit, channel.gain
    if kind == GroupKind.ECG:
        code, name = resolve_lead(code, name)
        unit, gain = "mV", gain * _per_mv(channel)
    if not GAIN[0] <= gain <= GAIN[1]:
        raise WireError(
            Refusal.BAD_GAIN,
            f"Channel {name!r} has a gain of {channel.gain} raw units per {channel.unit or 'unit'}; it must lie "
            f"between {GAIN[0]:g} and {GAIN[1]:g} (for ECG: per mV).",
        )
    invalid = channel.invalid_value if channel.HasField("invalid_value") else -32_768
    return Channel(code, name, unit, gain, channel.baseline, invalid)


def _per_mv(channel: pb.Channel) -> float:
    try:
        return _ECG_UNITS[channel.unit]
    except KeyError:
        raise WireError(
            Refusal.BAD_UNIT,
            f"ECG channel {channel.name!r} is in {channel.unit!r}; an ECG channel must be in 'mV' or 'uV'.",
        ) from None
