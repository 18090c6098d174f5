"""HL7 v3 annotated ECG (aECG, ANSI/HL7 V3 ECG R1-2004), written. Reading is ``vendors``'.

No library writes it; a rhythm series is a small document.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree as xml

from ..errors import RecordError
from ..waveform import GroupKind
from ..wire.leads import lead_name
from .recording import RecordedSignal

_V3, _XSI = "urn:hl7-org:v3", "http://www.w3.org/2001/XMLSchema-instance"
_ACT_CODES, _MDC = "2.16.840.1.113883.5.4", "2.16.840.1.113883.6.24"


def write(recording: RecordedSignal, path: Path) -> None:
    """One rhythm series of all ECG leads in their own codes; no patient is named.

    Raises RecordError where samples are missing, which the format cannot say.
    """
    rows = recording.of_kind(GroupKind.ECG)
    for k in rows:
        missing = int((recording.samples[k] == recording.channels[k].invalid).sum())
        if missing:
            raise RecordError(
                f"aECG cannot say that samples are missing, and {missing} of lead {recording.channels[k].name} are; "
                "export a stretch without gaps, or DICOM, EDF+ or WFDB."
            )
    xml.register_namespace("", _V3)
    xml.register_namespace("xsi", _XSI)
    xml.ElementTree(_document(recording, rows)).write(path, encoding="utf-8", xml_declaration=True)


def _document(recording: RecordedSignal, rows: list[int]) -> xml.Element:
    start = recording.start
    stop = start + timedelta(seconds=float(recording.samples.shape[1] / recording.fs_hz))
    root = xml.Element(_tag("AnnotatedECG"))
    _add(root, "id", root=str(uuid.uuid4()))
    _add(root, "code", code="93000", codeSystem="2.16.840.1.113883.6.12")
    _interval(root, start, stop)
    series = _add(_add(root, "component"), "series")
    _add(series, "id", root=str(uuid.uuid4()))
    _add(series, "code", code="RHYTHM", codeSystem=_ACT_CODES)
    _interval(series, start, stop)
    sequences = _add(_add(series, "component"), "sequenceSet")
    _times(_add(_add(sequences, "component"), "sequence"), start, float(1 / recording.fs_hz))
    for k in rows:
        _lead(_add(_add(sequences, "component"), "sequence"), recording, k)
    return root


def _times(sequence: xml.Element, start: datetime, step_s: float) -> None:
    _add(sequence, "code", code="TIME_ABSOLUTE", codeSystem=_ACT_CODES)
    value = _add(sequence, "value", **{f"{{{_XSI}}}type": "GLIST_TS"})
    _add(value, "head", value=_time(start))
    _add(value, "increment", value=f"{step_s:.12g}", unit="s")


def _lead(sequence: xml.Element, recording: RecordedSignal, k: int) -> None:
    channel = recording.channels[k]
    name = lead_name(channel.name) or channel.name
    _add(sequence, "code", code=f"MDC_ECG_LEAD_{name}", codeSystem=_MDC, codeSystemName="MDC")
    value = _add(sequence, "value", **{f"{{{_XSI}}}type": "SLIST_PQ"})
    step_uv = 1000 / channel.per_mv
    _add(value, "origin", value=f"{-channel.baseline * step_uv:.10g}", unit="uV")
    _add(value, "scale", value=f"{step_uv:.10g}", unit="uV")
    _add(value, "digits").text = " ".join(map(str, recording.samples[k].tolist()))


def _interval(parent: xml.Element, start: datetime, stop: datetime) -> None:
    interval = _add(parent, "effectiveTime")
    _add(interval, "low", value=_time(start), inclusive="true")
    _add(interval, "high", value=_time(stop), inclusive="false")


def _time(when: datetime) -> str:
    return f"{when:%Y%m%d%H%M%S}.{when.microsecond // 1000:03}+0000"


def _add(parent: xml.Element, name: str, **attributes: str) -> xml.Element:
    return xml.SubElement(parent, _tag(name), attributes)


def _tag(name: str) -> str:
    return f"{{{_V3}}}{name}"
