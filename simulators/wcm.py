"""A chunk as a waveform message of IHE PCD (ORU^R01, WCM), as a gateway would send it.

WCM has no baseline: samples leave as raw value less baseline, which is the same voltage. It has no marks either: where
the electrode was off, samples leave as invalid, pace pulses are not told, and the monitor's alarms are messages apart.
"""

from __future__ import annotations

import numpy as np

from ecgstream.hl7.message import escaped
from ecgstream.hl7.times import dtm
from ecgstream.hl7.wave import INVALID
from ecgstream.waveform import Channel, ChannelGroup, Chunk, GroupKind
from ecgstream.wire.leads import GENERIC_CODE, resolve_lead

_OTHERS = {
    GroupKind.PLETH: "150452^MDC_PULS_OXIM_PLETH^MDC",
    GroupKind.ABP: "150036^MDC_PRESS_BLD_ART_ABP^MDC",
    GroupKind.RESP: "151780^MDC_IMPED_TTHOR^MDC",
    GroupKind.OTHER: "0^OTHER^L",
}
_UNITS = {
    "mV": "266418^MDC_DIM_MILLI_VOLT^MDC",
    "mmHg": "266016^MDC_DIM_MMHG^MDC",
}
_PLAIN = "262656^MDC_DIM_DIMLESS^MDC"


def waveform_message(chunk: Chunk, control_id: str) -> bytes:
    """The message, without the marks of MLLP. Raises ValueError for samples that 16 bits do not hold once shifted."""
    start = dtm(chunk.start_ns)
    ecg = chunk.ecg
    stop = dtm(chunk.start_ns + round(ecg.samples.shape[1] / ecg.layout.fs_hz * 1_000_000_000))
    segments = [
        f"MSH|^~\\&|SIMULATOR^0000000000000000^EUI-64|ECGSTREAM|ECGSTREAM|ECGSTREAM|{start}||ORU^R01^ORU_R01|{control_id}|P|"
        "2.6||||||UNICODE UTF-8|||IHE_PCD_001^IHE PCD^1.3.6.1.4.1.19376.1.6.1.1.1^ISO",
        f"PID|||{escaped(chunk.stream_id)}^^^SIMULATOR^MR||Simulated^Patient",
        f"PV1||I|{_location(chunk.stream_id)}",
        f"OBR|1||{control_id}^SIMULATOR|69121^MDC_OBS_WAVE_CTS^MDC|||{start}|{stop}",
    ]
    place = 0
    for group in chunk.groups:
        for index, channel in enumerate(group.layout.channels):
            segments += _rows(group, index, channel, place)
            place += 1
    return "".join(f"{segment}\r" for segment in segments).encode()


def _location(stream_id: str) -> str:
    """Point of care, room and bed, so that joined by ``/`` they are the stream id again."""
    parts = [escaped(part) for part in stream_id.split("/", 2)]
    return "^".join([*parts[:-1], *[""] * (3 - len(parts)), parts[-1]])


def _rows(group: ChannelGroup, index: int, channel: Channel, place: int) -> list[str]:
    name = _OTHERS.get(group.layout.kind) or f"{channel.code}^MDC_ECG_ELEC_POTL{_lead(channel)}^MDC"
    sub_id = f"1.7.6.{place + 1}"
    set_id = 4 * place
    values = "^".join(map(str, _values(group, index, channel).tolist()))
    unit = _UNITS.get(channel.unit, _PLAIN)
    return [
        f"OBX|{set_id + 1}|NA|{name}|{sub_id}|{values}|{_PLAIN}|||||F",
        f"OBX|{set_id + 2}|NM|0^MDC_ATTR_SAMP_RATE^MDC|{sub_id}.1|{_decimal(float(group.layout.fs_hz))}|"
        "264608^MDC_DIM_PER_SEC^MDC|||||F",
        f"OBX|{set_id + 3}|NM|2327^MDC_ATTR_NU_MSMT_RES^MDC|{sub_id}.2|{_step(channel.gain)}|{unit}|||||F",
        f"OBX|{set_id + 4}|NM|196660^MDC_EVT_INOP^MDC|{sub_id}.3|{INVALID}|{_PLAIN}|||||F",
    ]


def _lead(channel: Channel) -> str:
    code, name = resolve_lead(channel.code, channel.name)
    return "" if code == GENERIC_CODE else f"_{name}"


def _values(group: ChannelGroup, index: int, channel: Channel) -> np.ndarray:
    raw = group.samples[index].astype(np.int64)
    gone = raw == channel.invalid_value
    for marked in group.lead_off:
        if marked.channel in (-1, index):
            gone[marked.start : marked.stop] = True
    values = raw - channel.baseline
    measured = values[~gone]
    if measured.size and (measured.min() < -32_768 or measured.max() >= INVALID):
        raise ValueError(
            f"Channel {channel.name!r} reaches {measured.min()} to {measured.max()} raw steps from its baseline; "
            "16 bits, less the invalid value 32767, do not hold that."
        )
    return np.where(gone, INVALID, values)


def _step(gain: float) -> str:
    """Units a raw step, in the decimals whose inverse is this very gain, where there are such."""
    near = 1.0 / gain
    for step in (near, np.nextafter(near, 0.0), np.nextafter(near, np.inf)):
        if 1.0 / float(step) == gain:
            return _decimal(float(step))
    return _decimal(near)


def _decimal(number: float) -> str:
    return np.format_float_positional(number, trim="0").removesuffix(".0")
