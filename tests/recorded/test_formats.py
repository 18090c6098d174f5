"""Each format gives back the codes, leads and units that went in; what is no ECG is refused in a sentence."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pydicom
import pydicom.data
import pyedflib
import pytest
import vitaldb
import wfdb
from matplotlib.figure import Figure

from ecgstream.errors import RecordError
from ecgstream.recorded import RecordedChannel, RecordedSignal, read_recording, write_recording
from simulators.recordings import Recording

from . import files

NAMES = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
START_NS = 1_767_225_600_250_000_000


def recorded(
    n: int = 2500, names: tuple[str, ...] = NAMES, fs_hz: Fraction = Fraction(250), **changes
) -> RecordedSignal:
    """Codes over the whole range of 16 bits, 4.88 µV a step, the zero a little off."""
    codes = np.random.default_rng(3).integers(-32_767, 32_767, (len(names), n)).astype(np.int16)
    channels = tuple(RecordedChannel(name, "mV", 204.9, 12) for name in names)
    return RecordedSignal("bed", fs_hz, channels, codes, START_NS, **changes)


@pytest.mark.parametrize("suffix", [".dcm", ".xml", ".edf", ".hea"])
def test_what_is_written_is_read_again(tmp_path: Path, suffix: str):
    before = recorded()
    write_recording(before, tmp_path / f"bed{suffix}")
    after = read_recording(tmp_path / f"bed{suffix}")
    np.testing.assert_array_equal(after.samples, before.samples)
    assert [channel.name for channel in after.channels] == list(NAMES)
    assert after.fs_hz == 250
    np.testing.assert_allclose(after.millivolts(), before.millivolts(), rtol=2e-6, atol=1e-4)
    assert after.start_ns == (START_NS if suffix != ".edf" else START_NS // 10**9 * 10**9)


@pytest.mark.parametrize("suffix", [".dcm", ".xml", ".edf", ".hea"])
def test_a_start_that_is_not_known_stays_unknown(tmp_path: Path, suffix: str):
    write_recording(replace(recorded(n=500, names=("II",)), start_ns=None), tmp_path / f"bed{suffix}")
    assert read_recording(tmp_path / f"bed{suffix}").start_ns is None


@pytest.mark.parametrize("suffix", [".dcm", ".edf", ".hea"])
def test_missing_samples_stay_missing(tmp_path: Path, suffix: str):
    before = recorded(names=("II", "V1"))
    before.samples[1, 100:350] = -32_768
    write_recording(before, tmp_path / f"bed{suffix}")
    after = read_recording(tmp_path / f"bed{suffix}")
    np.testing.assert_array_equal(np.isnan(after.millivolts()), np.isnan(before.millivolts()))


def test_aecg_refuses_missing_samples(tmp_path: Path):
    before = recorded(names=("II", "V1"))
    before.samples[1, 100:350] = -32_768
    with pytest.raises(RecordError, match="cannot say that samples are missing, and 250 of lead V1 are"):
        write_recording(before, tmp_path / "bed.xml")


def test_edf_marks_padding_and_what_is_not_valid(tmp_path: Path):
    before = recorded(n=300, names=("II",))
    before.samples[0, 50:75] = -32_768
    write_recording(before, tmp_path / "bed.edf")
    with pyedflib.EdfReader(str(tmp_path / "bed.edf")) as reader:
        onset_s, duration_s, text = reader.readAnnotations()
        assert reader.getLabel(0) == "ECG II" and reader.getPatientName() == "X"  # EDF+ for: not told
        np.testing.assert_array_equal(reader.readSignal(0, digital=True)[:300], before.samples[0])
    assert [*zip(onset_s, duration_s, text, strict=True)] == [
        (0.2, 0.1, "not valid: II"),
        (1.2, 0.8, "end of signal"),
    ]


@pytest.mark.parametrize(("names", "title"), [(NAMES, "12-lead ECG"), (("II", "V"), "General ECG")])
def test_dicom_opens_in_pydicom_and_renders(tmp_path: Path, names: tuple[str, ...], title: str):
    before = recorded(names=names)
    write_recording(before, tmp_path / "bed.dcm")
    read = pydicom.dcmread(tmp_path / "bed.dcm")
    assert title in read.SOPClassUID.name
    mv = read.waveform_array(0)  # pydicom's own scaling
    np.testing.assert_allclose(mv.T, before.millivolts(), atol=1e-6)
    figure = Figure()
    axes = figure.subplots(len(names))
    for one, lead, definition in zip(axes, mv.T, read.WaveformSequence[0].ChannelDefinitionSequence, strict=True):
        one.plot(lead)
        one.set_title(definition.ChannelSourceSequence[0].CodeMeaning)
    figure.savefig(tmp_path / "bed.png")
    assert (tmp_path / "bed.png").stat().st_size > 10_000
    assert str(read.PatientName) == read.PatientID == ""


def test_a_cart_s_dicom_is_read_by_its_lead_codes():
    """pydicom's own example, written by another maker's software: SCP-ECG lead codes, µV."""
    path = Path(pydicom.data.get_testdata_file("waveform_ecg.dcm"))
    after = read_recording(path)
    assert [channel.name for channel in after.channels] == list(NAMES)
    assert (after.fs_hz, after.samples.shape) == (1000, (12, 10_000))
    np.testing.assert_allclose(after.millivolts() * 1000, pydicom.dcmread(path).waveform_array(0).T)


def test_dicom_that_is_no_ecg_is_refused(tmp_path: Path):
    with pytest.raises(RecordError, match="no ECG waveform but CT Image Storage"):
        read_recording(Path(pydicom.data.get_testdata_file("CT_small.dcm")))


@pytest.mark.parametrize("maker", [files.muse, files.sierra])
def test_vendors_xml(tmp_path: Path, maker):
    codes = np.random.default_rng(4).integers(-3000, 3000, (12, 5000)).astype(np.int16)
    after = read_recording(maker(tmp_path / "a.xml", dict(zip(NAMES, codes, strict=True))))
    np.testing.assert_array_equal(after.samples, codes)
    step_uv = files.STEP_UV if maker is files.muse else 5
    assert after.fs_hz == 500 and [c.name for c in after.channels] == list(NAMES)
    np.testing.assert_allclose(after.millivolts(), codes * step_uv / 1000)


def test_ishne(tmp_path: Path):
    codes = np.random.default_rng(5).integers(-3000, 3000, (3, 4000)).astype(np.int16)
    after = read_recording(files.ishne(tmp_path / "a.ecg", codes))
    np.testing.assert_array_equal(after.samples, codes)
    assert [c.name for c in after.channels] == ["II", "V1", "V5"] and after.fs_hz == 200
    np.testing.assert_allclose(after.millivolts(), codes * 0.0025)


# vitaldb leaves closing its file to the garbage collector.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_vital(tmp_path: Path):
    file = vitaldb.VitalFile()
    mv = np.round(np.sin(np.arange(5000) / 40), 3).astype(np.float32)
    blocks = [{"dt": 1000.0 + k, "val": mv[500 * k : 500 * (k + 1)]} for k in range(10) if k != 4]
    file.add_track("SNUADC/ECG_II", blocks, srate=500, unit="mV", mindisp=-1, maxdisp=2.5)
    file.add_track("SNUADC/PLETH", [{"dt": 1000.0, "val": mv}], srate=500, unit="%")
    file.add_track("Primus/CO2", [{"dt": 1000.0, "val": mv[:625]}], srate=62.5, unit="mmHg")
    file.to_vital(str(tmp_path / "case.vital"))
    after = read_recording(tmp_path / "case.vital")
    assert [(c.name, c.unit) for c in after.channels] == [("II", "mV"), ("PLETH", "%")]
    assert after.left_out == ("Primus/CO2",) and after.fs_hz == 500
    expected = mv.astype(float)
    expected[2000:2500] = np.nan
    np.testing.assert_allclose(after.millivolts()[0], expected, atol=5.1e-4)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_tables(tmp_path: Path, kind: str):
    table = pd.DataFrame({"time_s": np.arange(1000) / 250, "II [mV]": np.sin(np.arange(1000) / 9), "PLETH [NU]": 1.5})
    table.loc[10:19, "II [mV]"] = np.nan
    path = tmp_path / f"bed.{kind}"
    table.to_csv(path, index=False) if kind == "csv" else table.to_parquet(path)
    after = read_recording(path)
    assert after.fs_hz == 250 and [c.name for c in after.channels] == ["II", "PLETH"]
    np.testing.assert_allclose(after.millivolts()[0], table["II [mV]"], atol=5.1e-4)
    assert np.isnan(after.millivolts()[0, 10:20]).all()


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"II [mV]": [1.0] * 4}, "needs a column time_s"),
        ({"time_s": [0, 0.004, 0.008, 0.012], "II": [1.0] * 4}, "must be called like 'II \\[mV\\]'; found II"),
        ({"time_s": [0, 0.004, 0.008, 0.112], "II [mV]": [1.0] * 4}, "uneven: 0.104 s after row 3"),
        ({"time_s": [0, 0.004, 0.002, 0.012], "II [mV]": [1.0] * 4}, "must rise"),
        ({"time_s": [0, 0.004, 0.008, 0.012], "II [mV]": [900.0] * 4}, "reaches 900 mV, more than an ECG can"),
        ({"time_s": [0, 0.004, 0.008, 0.012], "II [mV]": ["a"] * 4}, "no number"),
        ({"time_s": [0, 0.004, 0.008, 0.012], "EEG Fz [uV]": [1.0] * 4}, "holds no ECG"),
        ({"time_s": [0, 0.004, 0.008, 0.012], "II [mV]": [1.0] * 4, "MLII [mV]": [1.0] * 4}, "lead II more than once"),
    ],
)
def test_tables_that_break_a_rule_are_refused(tmp_path: Path, columns: dict, says: str):
    pd.DataFrame(columns).to_csv(tmp_path / "bed.csv", index=False)
    with pytest.raises(RecordError, match=says):
        read_recording(tmp_path / "bed.csv")


def test_edf_of_another_organ_or_of_several_rates_is_refused(tmp_path: Path):
    def write(*signals: tuple[str, str, int]) -> Path:
        with pyedflib.EdfWriter(str(tmp_path / "a.edf"), len(signals)) as writer:
            for k, (label, unit, fs_hz) in enumerate(signals):
                header = {"label": label, "dimension": unit, "sample_frequency": fs_hz, "physical_min": -3000.0}
                rest = {"physical_max": 3000.0, "digital_min": -32768, "digital_max": 32767}
                writer.setSignalHeader(k, header | rest | {"transducer": "", "prefilter": ""})
            writer.writeSamples([np.zeros(2 * fs_hz) for _, _, fs_hz in signals])
        return tmp_path / "a.edf"

    with pytest.raises(RecordError, match="no ECG: a label must be ECG, EKG or a lead's name"):
        read_recording(write(("EEG Fpz-Cz", "uV", 100), ("EMG chin", "uV", 100)))
    with pytest.raises(RecordError, match=r"several rates \(\[100, 200\]"):
        read_recording(write(("ECG II", "uV", 200), ("ECG V1", "uV", 100)))
    after = read_recording(write(("ECG II", "uV", 200), ("EEG Fpz-Cz", "uV", 200), ("Resp", "", 25)))
    assert after.left_out == ("Resp",)
    assert [channel.name for channel in after.channels] == ["II", "EEG Fpz-Cz"] and len(after.millivolts()) == 1


@pytest.mark.parametrize(
    "name", ["a.xml", "a.ecg", "a.edf", "a.dcm", "a.vital", "a.csv", "a.parquet", "a.mp3", "a.hea"]
)
def test_rubbish_and_what_is_not_there_are_refused(tmp_path: Path, name: str):
    with pytest.raises(RecordError):
        read_recording(tmp_path / name)
    (tmp_path / name).write_bytes(b"\x89 no recording at all <" * 99)
    with pytest.raises(RecordError):
        read_recording(tmp_path / name)


@pytest.mark.recordings
@pytest.mark.parametrize("suffix", [".dcm", ".edf", ".hea", ".xml"])
def test_a_real_record_replays_alike_in_every_format(recordings: Path, tmp_path: Path, suffix: str):
    source = recordings / "mitdb" / "207"
    stretch = read_recording(source).stretch(60.0, 90.0)
    write_recording(stretch, tmp_path / f"r207{suffix}")
    (copy,) = Recording(tmp_path / f"r207{suffix}").read(0, 30 * 360)
    (original,) = Recording(source).read(60 * 360, 90 * 360)
    np.testing.assert_array_equal(copy.samples, original.samples)
    assert copy.layout.slots == original.layout.slots
    for told, meant in zip(copy.layout.channels, original.layout.channels, strict=True):
        assert (told.gain, told.baseline) == pytest.approx((meant.gain, meant.baseline), rel=1e-6, abs=0.5)
    physical = wfdb.rdrecord(str(source), sampfrom=60 * 360, sampto=90 * 360).p_signal.T
    np.testing.assert_allclose(read_recording(tmp_path / f"r207{suffix}").millivolts(), physical, atol=0.0026)
