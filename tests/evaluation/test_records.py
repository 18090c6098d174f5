"""Reading WFDB records, from files written here."""

from fractions import Fraction

import numpy as np
import pytest
import wfdb

from ecgstream.errors import RecordError
from ecgstream.evaluation.records import read_annotations, read_record, record_names
from ecgstream.waveform import CODE_MISSING, LEADS


def write(folder, names, units, signal, fs=360, fmt="16"):
    columns = len(names)
    wfdb.wrsamp(
        "r1",
        fs=fs,
        units=units,
        sig_name=names,
        d_signal=signal,
        fmt=[fmt] * columns,
        adc_gain=[200.0] * columns,
        baseline=[1024] * columns,
        write_dir=str(folder),
    )
    return folder / "r1"


def test_the_ecg_leads_come_out_in_their_own_codes(tmp_path):
    signal = np.array([[1024, 900, 7], [1224, 1000, 8], [-32768, 1100, 9]])
    record = read_record(write(tmp_path, ["MLII", "ECG1", "ABP"], ["mV", "uV", "mmHg"], signal))
    assert record.fs_hz == Fraction(360)
    assert record.leads == ("II", "ECG1")
    assert [LEADS[slot] for slot in record.slots] == ["II", "X1"]
    assert record.adu.tolist() == [[1024, 1224, int(CODE_MISSING)], [900, 1000, 1100]]
    assert record.mv_per_adu.tolist() == pytest.approx([1 / 200, 1e-3 / 200])
    assert record.baseline_adu.tolist() == [1024, 1024]


def test_a_short_format_marks_its_own_invalid_value(tmp_path):
    record = read_record(write(tmp_path, ["I"], ["mV"], np.array([[-2048], [5]]), fmt="212"))
    assert record.adu.tolist() == [[int(CODE_MISSING), 5]]


def test_a_record_without_ecg_is_refused_in_a_sentence(tmp_path):
    path = write(tmp_path, ["PLETH"], ["NU"], np.array([[1], [2]]))
    with pytest.raises(RecordError, match="holds no ECG"):
        read_record(path)


def test_an_absent_record_is_refused_in_a_sentence(tmp_path):
    with pytest.raises(RecordError, match="cannot be read"):
        read_record(tmp_path / "nothing")
    with pytest.raises(RecordError, match="cannot be read"):
        read_annotations(tmp_path / "nothing")


def test_annotations_are_told_in_seconds(tmp_path):
    write(tmp_path, ["I"], ["mV"], np.zeros((720, 1), int))
    wfdb.wrann(
        "r1", "atr", np.array([36, 360]), symbol=["+", "N"], aux_note=["(VFL", ""], fs=360, write_dir=str(tmp_path)
    )
    found = read_annotations(tmp_path / "r1")
    assert found.time_s.tolist() == [0.1, 1.0]
    assert found.symbol.tolist() == ["+", "N"]
    assert found.note.tolist() == ["(VFL", ""]


def test_record_names_need_the_annotations(tmp_path):
    for name in ("b.hea", "a.hea", "a.atr", "c.atr"):
        (tmp_path / name).touch()
    assert record_names(tmp_path) == ["a", "b"]
    assert record_names(tmp_path, "atr") == ["a"]


@pytest.mark.recordings
def test_a_real_record(recordings):
    record = read_record(recordings / "mitdb" / "100")
    assert record.leads == ("II", "V5") and record.adu.shape == (2, 650_000)
    assert (record.adu[0, 0] - record.baseline_adu[0]) * record.mv_per_adu[0] == pytest.approx(-0.145)
