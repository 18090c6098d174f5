"""A hospital's own CSV of labels, against the recordings it names."""

from pathlib import Path

import pytest

from ecgstream.errors import RecordError
from ecgstream.labelled.table import read_table

from .folders import write_record


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    folder = tmp_path / "ecgs"
    folder.mkdir()
    for name in ("a", "b", "c.1"):
        write_record(folder, name.replace(".", "_"), ["I", "II", "V1"], fs=250)
    return folder


def table(folder: Path, text: str) -> Path:
    path = folder.parent / "labels.csv"
    path.write_text(text)
    return path


def test_recordings_and_labels_in_the_tables_order(recordings: Path):
    records, label = read_table(table(recordings, "record,label,patient\nb,1,p1\na,0,p2\n"), [recordings])
    assert list(records.name) == ["b", "a"] and list(label) == [1, 0]
    assert list(records.patient) == ["p1", "p2"]


def test_a_record_may_be_named_as_its_file_and_given_by_path(recordings: Path):
    path = table(recordings, "record,label\na.hea,1\nc_1,0\n")
    records, label = read_table(path, [recordings / "a.hea", recordings / "c_1"])
    assert list(records.name) == ["a", "c_1"] and list(label) == [1, 0]
    assert list(records.patient) == ["a.hea", "c_1"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name,label\na,1\n", "lacks record"),
        ("record,label\na,yes\n", "row 2: label 'yes'"),
        ("record,label\na,1\nz,0\n", "row 3: no recording 'z'"),
        ("record,label\na,1\na,1\n", "row 3: 'a' a second time"),
    ],
)
def test_what_does_not_fit_is_named_with_its_row(recordings: Path, text: str, said: str):
    with pytest.raises(RecordError, match=said):
        read_table(table(recordings, text), [recordings])
