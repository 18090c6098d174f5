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
