"""Small files of formats that nothing here writes, after their specifications."""

from __future__ import annotations

import base64
import struct
from pathlib import Path

import numpy as np

STEP_UV = 4.88


def muse(path: Path, leads: dict[str, np.ndarray], fs_hz: int = 500) -> Path:
    """GE MUSE XML: a rhythm waveform in base64, 4.88 µV a step."""
    data = "".join(
        f"<LeadData><LeadByteCountTotal>{2 * len(codes)}</LeadByteCountTotal>"
        f"<LeadSampleCountTotal>{len(codes)}</LeadSampleCountTotal>"
        f"<LeadAmplitudeUnitsPerBit>{STEP_UV}</LeadAmplitudeUnitsPerBit>"
        f"<LeadAmplitudeUnits>MICROVOLTS</LeadAmplitudeUnits><LeadID>{name}</LeadID>"
        f"<WaveFormData>{base64.b64encode(codes.astype('<i2').tobytes()).decode()}</WaveFormData></LeadData>"
        for name, codes in leads.items()
    )
    path.write_text(
        f'<?xml version="1.0" encoding="ISO-8859-1"?><RestingECG><MuseInfo><MuseVersion>9.0</MuseVersion></MuseInfo>'
        f"<Waveform><WaveformType>Rhythm</WaveformType><NumberofLeads>{len(leads)}</NumberofLeads>"
        f"<SampleBase>{fs_hz}</SampleBase><SampleExponent>0</SampleExponent>{data}</Waveform></RestingECG>"
    )
    return path


def ishne(path: Path, codes: np.ndarray, fs_hz: int = 200, step_nv: int = 2500) -> Path:
    """ISHNE 1.0 (Badilini 1998): leads II, V1 and V5 of ``codes`` (3, N)."""
    leads, specs = len(codes), (6, 11, 15)[: len(codes)]  # lead codes of the standard
    fixed = struct.pack("<iiii h 40s40s20s hh hhh hhh hhh hhh", 0, codes.shape[1], 522, 522, 1, *3 * [b""], *14 * [0])
    table = struct.pack(
        "<h12h12h12h", leads, *specs, *(12 - leads) * [-9], *12 * [0], *leads * [step_nv], *(12 - leads) * [-9]
    )
    rest = struct.pack("<h40sh80s80s88s", 0, b"digital", fs_hz, b"", b"", b"")
    path.write_bytes(b"ISHNE1.0" + struct.pack("<H", 0) + fixed + table + rest + codes.T.astype("<i2").tobytes())
    return path


def sierra(path: Path, leads: dict[str, np.ndarray], fs_hz: int = 500) -> Path:
    """Philips Sierra ECG 1.03 XML, parsed waveforms uncompressed in base64, 5 µV a step."""
    (n,) = {len(codes) for codes in leads.values()}
    data = base64.b64encode(b"".join(codes.astype("<i2").tobytes() for codes in leads.values())).decode()
    path.write_text(
        '<?xml version="1.0" encoding="UTF-8"?><restingecgdata xmlns="http://www3.medical.philips.com">'
        "<documentinfo><documenttype>SierraECG</documenttype><documentversion>1.04</documentversion></documentinfo>"
        f"<dataacquisition><signalcharacteristics><samplingrate>{fs_hz}</samplingrate><resolution>5</resolution>"
        f"<numberchannelsallocated>{len(leads)}</numberchannelsallocated></signalcharacteristics></dataacquisition>"
        f'<waveforms><parsedwaveforms dataencoding="Base64" compression="Uncompressed" numberofleads="{len(leads)}" '
        f'leadlabels="{" ".join(leads)}" durationperchannel="{1000 * n // fs_hz}">{data}</parsedwaveforms></waveforms>'
        "</restingecgdata>"
    )
    return path
