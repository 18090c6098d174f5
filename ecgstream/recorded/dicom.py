"""DICOM ECG waveforms (PS3.3, 12-lead and General ECG), by pydicom."""

from __future__ import annotations

import re
from datetime import datetime
from fractions import Fraction
from pathlib import Path

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.errors import InvalidDicomError
from pydicom.uid import (
    AmbulatoryECGWaveformStorage,
    ExplicitVRLittleEndian,
    General32bitECGWaveformStorage,
    GeneralECGWaveformStorage,
    TwelveLeadECGWaveformStorage,
    generate_uid,
)
from pydicom.waveforms.numpy_handler import multiplex_array

from ..errors import RecordError
from ..waveform import GroupKind
from ..wire.leads import LEAD_CODES, lead_name
from .recording import INVALID, RecordedChannel, RecordedSignal, codes16, start_of

ECG_CLASSES = {
    TwelveLeadECGWaveformStorage,
    GeneralECGWaveformStorage,
    AmbulatoryECGWaveformStorage,
    General32bitECGWaveformStorage,
}
# SCP-ECG's numbers of leads, in which most carts write the channel source (PS3.16, CID 3001).
_SCP_LEADS = dict(enumerate(("I", "II", "V1", "V2", "V3", "V4", "V5", "V6"), start=1))
_SCP_LEADS |= dict(enumerate(("III", "aVR", "aVL", "aVF"), start=61))
_NAME_OF_CODE = {code: name for name, code in LEAD_CODES.items()}
_MDC_PARTITION = 2 * 65_536
"""ECG leads lie in partition 2 of IEEE 11073-10101."""


# ------------------------------------------------------------------------------------------------------------ reading


def read(path: Path) -> RecordedSignal:
    """The longest multiplex group, in its own codes. Raises RecordError."""
    try:
        source = dcmread(path)
    except (InvalidDicomError, OSError) as error:
        raise RecordError(f"The DICOM file {path} cannot be read ({error}).") from error
    if source.SOPClassUID not in ECG_CLASSES:
        raise RecordError(f"{path} is no ECG waveform but {source.SOPClassUID.name}; export 12-lead or General ECG.")
    groups = source.WaveformSequence
    longest = max(range(len(groups)), key=lambda k: groups[k].NumberOfWaveformSamples)
    group = groups[longest]
    padding = group.get("WaveformPaddingValue", INVALID)
    invalid = int.from_bytes(padding, "little", signed=True) if isinstance(padding, bytes) else int(padding)
    return RecordedSignal(
        path.stem,
        Fraction(str(group.SamplingFrequency)).limit_denominator(1000),
        tuple(_channel(definition, invalid, path) for definition in group.ChannelDefinitionSequence),
        codes16(multiplex_array(source, longest, as_raw=True).T, path),
        start_of(_start(str(source.get("AcquisitionDateTime", "")))),
    )


def _channel(definition: Dataset, invalid: int, path: Path) -> RecordedChannel:
    source = definition.ChannelSourceSequence[0]
    if "ChannelSensitivity" not in definition:
        raise RecordError(
            f"{path} does not say how many µV a step of {source.CodeMeaning} is; export it with its scale."
        )
    step = float(definition.ChannelSensitivity) * float(definition.get("ChannelSensitivityCorrectionFactor", 1))
    unit = definition.ChannelSensitivityUnitsSequence[0].CodeValue
    zero = float(definition.get("ChannelBaseline", 0))  # in the unit: value = raw · step + zero
    return RecordedChannel(_lead(source), unit, 1 / step, round(-zero / step), invalid)


def _lead(source: Dataset) -> str:
    code = str(source.get("CodeValue", ""))
    if scp := re.fullmatch(r"5\.6\.3-9-(\d+)", code):
        return _SCP_LEADS.get(int(scp[1]), source.CodeMeaning)
    if mdc := re.fullmatch(r"2:(\d+)", code):
        return _NAME_OF_CODE.get(_MDC_PARTITION + int(mdc[1]), source.CodeMeaning)
    return lead_name(re.sub(r"\(.*\)", "", source.CodeMeaning)) or source.CodeMeaning


def _start(text: str) -> datetime | None:
    """DT, ``20260101120000.25+0100``."""
    matched = re.fullmatch(r"(\d{14})(?:\.(\d{1,6}))?([+-]\d{4})?", text.strip())
    if not matched:
        return None
    when = datetime.strptime(matched[1] + (matched[3] or "+0000"), "%Y%m%d%H%M%S%z")
    return when.replace(microsecond=int((matched[2] or "0").ljust(6, "0")))


# ------------------------------------------------------------------------------------------------------------ writing


def write(recording: RecordedSignal, path: Path) -> None:
    """The ECG leads as one multiplex group, 12-lead ECG where they are those, else General ECG; no patient is named."""
    rows = recording.of_kind(GroupKind.ECG)
    channels = [recording.channels[k] for k in rows]
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = _storage_class(channels, recording.fs_hz)
    meta.MediaStorageSOPInstanceUID = generate_uid()
    file = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    _describe(file, recording)
    samples = recording.samples[rows]
    samples = np.where(samples == np.array([[channel.invalid] for channel in channels]), INVALID, samples)
    file.WaveformSequence = [_group(recording.fs_hz, channels, samples)]
    file.save_as(path, enforce_file_format=True)


def _storage_class(channels: list[RecordedChannel], fs_hz: Fraction) -> str:
    """12-lead ECG allows 200 to 1000 Hz and the twelve leads; General ECG 200 to 1000 Hz and up to 24 leads."""
    twelve = {lead_name(channel.name) for channel in channels} == set(_SCP_LEADS.values())
    return TwelveLeadECGWaveformStorage if twelve and 200 <= fs_hz <= 1000 else GeneralECGWaveformStorage


def _describe(file: FileDataset, recording: RecordedSignal) -> None:
    when = recording.start
    file.SOPClassUID = file.file_meta.MediaStorageSOPClassUID
    file.SOPInstanceUID = file.file_meta.MediaStorageSOPInstanceUID
    file.StudyInstanceUID, file.SeriesInstanceUID = generate_uid(), generate_uid()
    file.Modality, file.SeriesNumber, file.InstanceNumber = "ECG", 1, 1
    file.Manufacturer, file.ManufacturerModelName = "ecgstream", "not a medical device"
    file.PatientName = file.PatientID = file.PatientBirthDate = file.PatientSex = ""
    file.StudyDate = file.ContentDate = when.strftime("%Y%m%d")
    file.StudyTime = file.ContentTime = when.strftime("%H%M%S")
    file.AcquisitionDateTime = when.strftime("%Y%m%d%H%M%S.%f+0000")
    file.StudyID = file.AccessionNumber = file.ReferringPhysicianName = ""
    file.SpecificCharacterSet = "ISO_IR 192"
    file.AcquisitionContextSequence = []


def _group(fs_hz: Fraction, channels: list[RecordedChannel], samples: np.ndarray) -> Dataset:
    group = Dataset()
    group.WaveformOriginality = "ORIGINAL"
    group.NumberOfWaveformChannels, group.NumberOfWaveformSamples = samples.shape
    group.SamplingFrequency = f"{float(fs_hz):.10g}"
    group.MultiplexGroupLabel = "RHYTHM"
    group.ChannelDefinitionSequence = [_definition(channel) for channel in channels]
    group.WaveformBitsAllocated, group.WaveformSampleInterpretation = 16, "SS"
    group.WaveformPaddingValue = INVALID.to_bytes(2, "little", signed=True)
    group.WaveformData = samples.T.astype("<i2").tobytes()
    return group


def _definition(channel: RecordedChannel) -> Dataset:
    name = lead_name(channel.name)
    code = LEAD_CODES.get(name, LEAD_CODES["I"] - 1)
    definition = Dataset()
    definition.ChannelSourceSequence = [_code(f"2:{code - _MDC_PARTITION}", "MDC", f"Lead {name or channel.name}")]
    definition.ChannelSensitivity = f"{1 / channel.gain:.10g}"
    definition.ChannelSensitivityUnitsSequence = [_code(channel.unit.replace("µ", "u"), "UCUM", channel.unit)]
    definition.ChannelSensitivityCorrectionFactor = "1"
    definition.ChannelBaseline = f"{-channel.baseline / channel.gain:.10g}"
    definition.ChannelSampleSkew = "0"
    definition.WaveformBitsStored = 16
    return definition


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return code
