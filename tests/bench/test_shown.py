"""What every benchmark does with its figures."""

import json

import pytest
from rich.text import Text

from ecgstream.bench.shown import show
from ecgstream.errors import EcgstreamError


@pytest.mark.parametrize(("kept_up", "code"), [(True, 0), (False, 1)])
def test_figures_are_printed_and_written_however_it_went(kept_up, code, tmp_path, capsys):
    file = tmp_path / "out.json"
    measured = {"beds": 3, "kept_up": kept_up}
    assert show(lambda console: measured, lambda found: Text(f"{found['beds']} beds"), file, lambda m: kept_up) == code
    assert json.loads(file.read_text()) == measured and "3 beds" in capsys.readouterr().out


def test_a_fault_is_a_sentence_and_writes_nothing(tmp_path, capsys):
    def measure(console):
        raise EcgstreamError("No broker answers at [::1]:9092.")

    assert show(measure, Text, tmp_path / "out.json") == 2
    assert "No broker answers at [::1]:9092." in capsys.readouterr().out and not list(tmp_path.iterdir())
