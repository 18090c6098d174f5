"""Identifiers planted in the headers of recordings, and looked for in everything made of those recordings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pyedflib
import pytest
import wfdb
from typer.testing import CliRunner

from ecgstream.cli import app
from ecgstream.recorded import WRITERS, read_recording, write_recording

from ..feed import signal
from .files import muse
from .test_formats import recorded

PLANTED = ("MRN7734218", "Vandergeest", "Wilhelmina", "07-dec-1943", "19431207", "Elmstreet")
MRN, FAMILY, GIVEN, _, BORN, STREET = PLANTED
SECONDS = 24


def edf(path: Path) -> Path:
    write_recording(recorded(n=250 * SECONDS), path)
    with pyedflib.EdfReader(str(path)) as reader:
        samples = [reader.readSignal(k, digital=True) for k in range(reader.signals_in_file)]
        header, channels = reader.getHeader(), reader.getSignalHeaders()
    header |= {"patientname": FAMILY, "patientcode": MRN, "birthdate": "07 dec 1943", "patient_additional": STREET}
    pyedflib.highlevel.write_edf(str(path), samples, channels, header, digital=True)
    return path


def dicom(path: Path) -> Path:
    write_recording(recorded(n=250 * SECONDS), path)
    file = pydicom.dcmread(path)
    file.PatientName, file.PatientID, file.PatientBirthDate = f"{FAMILY}^{GIVEN}", MRN, BORN
    file.PatientAddress, file.StudyDescription = STREET, f"{GIVEN} {FAMILY}"
    file.save_as(path)
    return path


def wfdb_record(path: Path) -> Path:
    mv = signal(250, 2, 0).T / 200
    comments = [f"{GIVEN} {FAMILY}, born {BORN}", MRN, STREET]
    wfdb.wrsamp("bed", 250, ["mV", "mV"], ["II", "V1"], mv, fmt=["16", "16"], comments=comments, write_dir=path.parent)
    return path.parent / "bed.hea"


def muse_xml(path: Path) -> Path:
    muse(path, {"II": signal(500, 1, 0)[0], "V1": signal(500, 2, 1)[1]})
    person = f"<PatientID>{MRN}</PatientID><PatientLastName>{FAMILY}</PatientLastName><DateofBirth>{BORN}</DateofBirth>"
    path.write_text(
        path.read_text().replace("<Waveform>", f"<PatientDemographics>{person}</PatientDemographics><Waveform>")
    )
    return path


@pytest.mark.parametrize("made", [edf, dicom, wfdb_record, muse_xml], ids=lambda made: made.__name__)
def test_no_identifier_of_a_header_is_in_what_is_made_of_the_recording(made, tmp_path: Path):
    suffix = {"edf": ".edf", "dicom": ".dcm", "wfdb_record": ".hea", "muse_xml": ".xml"}[made.__name__]
    (source := tmp_path / "source").mkdir()
    path = made(source / f"bed{suffix}")
    planted = b"".join(file.read_bytes() for file in source.iterdir())
    assert MRN.encode() in planted and FAMILY.encode() in planted, "else nothing is tested"
    (out := tmp_path / "out").mkdir()
    recording = read_recording(path)
    assert np.isfinite(recording.millivolts()).any()
    for ending in WRITERS:
        write_recording(recording, out / f"copy{ending}")
    answer = CliRunner().invoke(
        app, ["analyse", str(path), "--out", str(out), "--rules-only", "--json", str(out / "all.json")]
    )
    assert answer.exit_code == 0, answer.output
    written = {file.name: file.read_bytes() for file in out.iterdir()}
    assert {"copy.edf", "copy.dcm", "copy.xml", "copy.hea", "all.json"} <= written.keys() and len(written) > 6
    written["told"] = answer.output.encode()
    assert [(name, word) for name, content in written.items() for word in PLANTED if word.encode() in content] == []
