"""What the commands print."""

from __future__ import annotations

import pytest
from rich.table import Table

from ecgstream.cli.console import print_table


def test_no_figure_of_a_wide_table_is_cut_off(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setenv("COLUMNS", "80")
    table = Table()
    for number in range(20):
        table.add_column(f"column {number}")
    table.add_row(*["99.999"] * 20)
    print_table(table)
    assert capsys.readouterr().out.count("99.999") == 20


def test_no_name_is_cut_off_while_sentences_wrap(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setenv("COLUMNS", "80")
    table = Table("name", "says", "version", "figure")
    for number in range(3):
        table.add_row(
            f"a_name_of_one_word_{number}", "several words that may wrap " * 3, "525c20084ab9", "superclass_macro 0.9"
        )
    print_table(table)
    said = capsys.readouterr().out
    assert "…" not in said and all(f"a_name_of_one_word_{number}" in said for number in range(3))
    assert said.count("superclass_macro") == 3
