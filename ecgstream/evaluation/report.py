"""What an evaluation found as one HTML file that needs no other: figures, tables, and the worst cases drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib.metadata import version

from rich.table import Table

from .cases import Case, Worst
from .paper import MM_PER_MV, MM_PER_S, PAPER, draw_case
from .paper import STYLE as PAPER_STYLE

STYLE = """:root{color-scheme:light}body{font:15px/1.45 system-ui,sans-serif;max-width:272mm;margin:2.5em auto;
padding:0 1em;color:#1c1c1c;background:#fff}h1{font-size:1.7em;margin:0 0 .2em}h2{font-size:1.2em;margin:2.2em 0 .5em}
h3{font-size:1em;margin:1.8em 0 .1em}p{margin:.2em 0 .6em;max-width:60em}.said,footer{color:#555}
.figures{display:flex;flex-wrap:wrap;gap:.8em;margin:1.2em 0}.figures div{border:1px solid #ddd;border-radius:6px;
padding:.5em 1em;min-width:6.5em}.figures b{display:block;font-size:1.5em;font-variant-numeric:tabular-nums}
.wide{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.92em}
caption{text-align:left;color:#555;padding:.2em 0 .5em}td,th{padding:.18em .75em;border-bottom:1px solid #e6e6e6;
white-space:nowrap}th{font-weight:600;border-bottom:1.5px solid #999}tr.bold td{font-weight:700}tr.section td{
border-bottom:1.5px solid #999}.right{text-align:right}.left{text-align:left}.strip{display:block;max-width:100%;
height:auto;margin:.3em 0}section{break-inside:avoid}footer{margin-top:3em;font-size:.9em}"""


@dataclass(frozen=True, slots=True)
class Report:
    """What stands on the page beside the cases."""

    title: str
    said: str  # by what head, and whether it had seen the records
    figures: dict[str, str]  # those to be seen first, by name
    table: Table
    legend: str  # what the drawings show


def html_report(report: Report, worst: Worst) -> str:
    """The page; without cases it says that nothing was wrong."""
    cases = worst.cases
    shown = f"Wrong: {len(cases)} of {worst.offered}, the worst first" if cases else "Nothing was wrong"
    scale = f"{MM_PER_S:g} mm/s, {MM_PER_MV:g} mm/mV." if cases else ""
    figures = "".join(f"<div>{escape(name)}<b>{escape(value)}</b></div>" for name, value in report.figures.items())
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(report.title)}</title>'
        f"<style>{STYLE}{PAPER_STYLE}</style>{PAPER}<h1>{escape(report.title)}</h1>"
        f'<p class="said">{escape(report.said)}</p><div class="figures">{figures}</div>{html_table(report.table)}'
        f"<h2>{shown}</h2><p>{escape(report.legend if cases else '')} {scale}</p>{''.join(map(_case, cases))}"
        f"<footer>ecgstream {version('ecgstream')}. Not a medical device; drawings are not for diagnosis.</footer>\n"
    )


def _case(case: Case) -> str:
    return f"<section><h3>{escape(case.title)}</h3><p>{escape(case.text)}</p>{draw_case(case)}</section>"


def html_table(table: Table) -> str:
    """A terminal's table of plain strings as HTML."""
    sides = ["right" if column.justify == "right" else "left" for column in table.columns]
    heads = "".join(
        f'<th class="{side}">{escape(str(column.header))}</th>'
        for side, column in zip(sides, table.columns, strict=True)
    )
    cells = zip(*(list(column.cells) for column in table.columns), strict=True)
    body = "".join(
        _row(row.style == "bold", row.end_section, sides, of) for row, of in zip(table.rows, cells, strict=True)
    )
    caption = f"<caption>{escape(str(table.title))}</caption>" if table.title else ""
    return f'<div class="wide"><table>{caption}<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>'


def _row(is_bold: bool, ends_section: bool, sides: Sequence[str], cells: Sequence[object]) -> str:
    kind = " ".join(name for name, holds in (("bold", is_bold), ("section", ends_section)) if holds)
    inside = "".join(f'<td class="{side}">{escape(str(cell))}</td>' for side, cell in zip(sides, cells, strict=True))
    return f'<tr class="{kind}">{inside}</tr>'
