"""The page with the worst cases: which are kept, and that what is drawn is to scale and says what was told."""

import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import wfdb
from rich.table import Table
from typer.testing import CliRunner

from ecgstream.cli.main import app
from ecgstream.evaluation.beat_cases import compare, offer_beats
from ecgstream.evaluation.cases import (
    MOST,
    MOST_OF_A_RECORD,
    Case,
    Lane,
    Note,
    Trace,
    Worst,
    offer_stretches,
    traces_of,
)
from ecgstream.evaluation.ec57 import CLASSES, BeatList
from ecgstream.evaluation.paper import MM_PER_MV, MM_PER_S, draw_case
from ecgstream.evaluation.records import Record
from ecgstream.evaluation.report import Report, html_report, html_table
from ecgstream.waveform import CODE_MISSING

FS = 250


def record(seconds: float = 60.0, leads: int = 2, name: str = "r1") -> Record:
    """A square wave of 1 mV, 1 s low and 1 s high."""
    wave = np.where(np.arange(round(seconds * FS)) // FS % 2, 200, 0).astype(np.int16)
    adu = np.tile(wave, (leads, 1))
    scale = np.full(leads, 1 / 200, np.float32), np.zeros(leads, np.float32)
    return Record(name, Fraction(FS), tuple(f"V{k + 1}" for k in range(leads)), np.arange(leads), adu, *scale)


def case(title: str = "case") -> Case:
    return Case(title, "", 0.0, (Trace("II", np.zeros(FS), FS),))


def beats(*of: tuple[float, str]) -> BeatList:
    return BeatList(np.array([at for at, _ in of]), np.array([CLASSES.index(name) for _, name in of], np.int64))


def everywhere(time_s: np.ndarray) -> np.ndarray:
    return np.ones(len(time_s), bool)


def test_the_worst_are_kept_a_few_of_each_record_and_others_never_made():
    worst, made = Worst(), []

    def offer(badness: float, of: str) -> None:
        worst.offer(badness, of, lambda: made.append(badness) or case(f"{of} {badness}"))

    for badness in (5.0, 1.0, 9.0, 7.0):
        offer(badness, "noisy")
    for k in range(2 * MOST):
        offer(2.0 + k / 100, f"r{k}")
    titles = [one.title for one in worst.cases]
    assert len(titles) == MOST and worst.offered == 4 + 2 * MOST
    assert titles[:3] == ["noisy 9.0", "noisy 7.0", f"r{2 * MOST - 1} {2.0 + (2 * MOST - 1) / 100}"]
    made.clear()
    offer(2.0, "late")
    offer(6.0, "noisy")
    assert not made


def test_of_equal_ones_the_first_stay():
    worst = Worst()
    for k in range(MOST + 3):
        worst.offer(1.0, f"r{k}", lambda k=k: case(str(k)))
    assert [one.title for one in worst.cases] == [str(k) for k in range(MOST)]


@pytest.mark.parametrize(
    ("reference", "found", "with_classes", "missed", "extra", "other"),
    [
        ([(1, "N"), (2, "N")], [(1, "N"), (2, "N")], True, 0, 0, 0),
        ([(1, "N"), (2, "V")], [(1, "N"), (2, "N"), (3, "N")], True, 0, 1, 1),
        ([(1, "N"), (2, "V")], [(1, "N"), (2, "N"), (3, "N")], False, 0, 1, 0),
        ([(1, "N"), (2, "V")], [(1, "S")], True, 1, 0, 1),
        ([(1, "N")], [(1.2, "N")], True, 1, 1, 0),
    ],
)
def test_what_is_wrong_of_beats(reference, found, with_classes, missed, extra, other):
    compared = compare(beats(*reference), beats(*found), everywhere, with_classes)
    assert (compared.missed.sum(), compared.extra.sum()) == (missed, extra)
    assert compared.other.sum() == compared.misclassed.sum() == other


def test_beats_that_the_score_leaves_out_are_no_mistakes():
    compared = compare(beats((1, "N"), (20, "N")), beats((3, "N")), lambda time_s: time_s >= 5, True)
    assert compared.wrong_s().tolist() == [20]


def test_the_ten_seconds_with_most_mistakes_are_drawn():
    worst, reference = Worst(), beats(*((float(at), "N") for at in (1, 2, 21, 22, 23, 41)))
    offer_beats(worst, record(), compare(reference, beats((42.0, "V")), everywhere, True))
    first, second = worst.cases
    assert (first.start_s, second.start_s) == (20.0, 0.0) and first.text.startswith("3 missed, 0 extra")
    assert [note.text for note in first.lanes[0].notes] == ["N"] * 3 and not first.lanes[1].notes
    assert all(note.wrong for note in first.lanes[0].notes) and len(first.traces[0].wave) == 10 * FS


def test_a_wrong_stretch_is_drawn_with_what_is_beside_it():
    worst = Worst()
    told, annotated = [(30.0, 36.0, "VF")], [(0.0, 28.0, "other"), (28.0, 60.0, "VT")]
    offer_stretches(worst, record(), [(30.0, 36.0, "False: VF told")], annotated, told)
    (one,) = worst.cases
    assert one.start_s == 25.0 and len(one.traces[0].wave) == 30 * FS
    assert one.text == "False: VF told from 0:30.0 to 0:36.0 (6.0 s)."
    annotated_notes, told_notes = (lane.notes for lane in one.lanes)
    assert annotated_notes == (Note(25.0, 28.0, "other"), Note(28.0, 55.0, "VT", True))
    assert told_notes == (Note(30.0, 36.0, "VF", True),)


@pytest.mark.parametrize(("start_s", "from_s"), [(0.5, 0.0), (58.0, 30.0)])
def test_a_stretch_at_either_end_is_shown_whole(start_s, from_s):
    worst = Worst()
    offer_stretches(worst, record(), [(start_s, start_s + 2, "x")], [], [])
    assert worst.cases[0].start_s == from_s and len(worst.cases[0].traces[0].wave) == 30 * FS


def drawn_mm(svg: str) -> list[list[np.ndarray]]:
    """Steps (K, 2) of each piece of each wave."""
    waves = re.findall(r'class="wave" d="([^"]*)" transform="scale\(([.\d]+)\)"', svg)
    pieces = [([piece.split() for piece in re.findall(r"l([-\d ]*)", d)], float(scale)) for d, scale in waves]
    return [[scale * np.array(piece, float).reshape(-1, 2) for piece in of] for of, scale in pieces]


def test_missing_samples_are_not_drawn():
    with_gap = record()
    with_gap.adu[0, FS : 2 * FS] = CODE_MISSING
    (trace, _) = traces_of(with_gap, 0.0, 3.0)
    assert np.isnan(trace.wave[FS : 2 * FS]).all() and np.isfinite(trace.wave[:FS]).all()
    (steps,) = drawn_mm(draw_case(Case("", "", 0.0, (trace,))))
    assert [len(piece) for piece in steps] == [FS - 1, FS - 1]


def test_a_drawing_is_to_scale_and_goes_on_in_the_next_row():
    svg = draw_case(Case("a", "", 0.0, traces_of(record(), 0.0, 25.0, 1)))
    waves = drawn_mm(svg)
    assert len(waves) == 3
    (steps,) = waves[0]
    assert steps[:, 0].sum() == pytest.approx((10 - 1 / FS) * MM_PER_S, abs=0.01)
    assert np.abs(steps[:, 1]).max() == pytest.approx(MM_PER_MV)
    wide = [float(at) for at in re.findall(r'class="edge"[^>]* width="([\d.]+)"', svg)]
    assert wide == [10 * MM_PER_S, 10 * MM_PER_S, 5 * MM_PER_S]


def test_notes_stand_at_their_time_in_every_row_they_reach():
    lanes = (Lane("told", (Note(1.0, None, "V", True), Note(8.0, 12.0, "VF"))),)
    svg = draw_case(Case("a", "", 0.0, traces_of(record(), 0.0, 20.0, 1), lanes))
    bars = [(float(x), float(wide)) for x, wide in re.findall(r'class="note" x="([\d.]+)"[^>]* width="([\d.]+)"', svg)]
    left = float(re.search(r'class="edge" x="([\d.]+)"', svg)[1])
    assert bars == [(left + 8 * MM_PER_S, 2 * MM_PER_S), (left, 2 * MM_PER_S)]
    assert f'<text class="wrong" x="{left + MM_PER_S:.1f}"' in svg


def test_a_channel_that_is_no_ecg_is_drawn_to_fit():
    svg = draw_case(Case("a", "", -2.0, (Trace("ABP", 80 + 40 * np.sin(np.arange(500) / 40), FS, False, (-1.0,)),)))
    ((steps,),) = drawn_mm(svg)
    y = np.cumsum(steps[:, 1])
    assert 8 < np.ptp(y) <= 15 and 'class="mark"' in svg


def test_an_empty_or_dead_trace_is_drawn_without_complaint():
    for wave in (np.full(FS, np.nan), np.zeros(FS), np.zeros(0)):
        assert draw_case(Case("a", "", 0.0, (Trace("II", wave, FS), Trace("ABP", wave, FS, False)))).startswith("<svg")


def test_a_table_says_what_the_terminals_does_and_escapes():
    table = Table(title="A < B")
    table.add_column("record")
    table.add_column("Se", justify="right")
    table.add_row("<r1>", "99")
    table.add_section()
    table.add_row("all", "98", style="bold")
    html = html_table(table)
    assert "A &lt; B" in html and '<td class="left">&lt;r1&gt;</td><td class="right">99</td>' in html
    assert '<tr class="section">' in html and '<tr class="bold"><td class="left">all</td>' in html


def test_the_page_needs_no_other_file():
    worst = Worst()
    offer_stretches(worst, record(), [(30.0, 36.0, "x")], [], [])
    page = html_report(Report("Title", "by <head>", {"Se": "99 %"}, Table("a"), "What is drawn."), worst)
    assert (
        "by &lt;head&gt;" in page and "Wrong: 1 of 1, the worst first" in page and page.count('<svg class="strip"') == 1
    )
    assert not re.search(r'(src|href)="|url\((?!#mm\))|@import', page)
    assert len(re.findall('id="', page)) == 1
    empty = html_report(Report("Title", "", {}, Table("a"), "What is drawn."), Worst())
    assert "Nothing was wrong" in empty and "What is drawn" not in empty


def test_no_more_than_a_few_of_a_record_are_drawn():
    worst = Worst()
    offer_stretches(worst, record(), [(at, at + 1.0, "x") for at in range(0, 50, 10)], [], [])
    assert len(worst.cases) == MOST_OF_A_RECORD


def written(tmp_path: Path, *arguments: str) -> str:
    """The report of a command."""
    done = CliRunner().invoke(app, ["evaluate", *arguments, "--report", str(tmp_path / "report.html")])
    assert done.exit_code == 0, done.output
    return (tmp_path / "report.html").read_text()


@pytest.fixture
def annotated(tmp_path: Path) -> Path:
    """A recording of 40 s of beats at 75 a minute, annotated as fibrillation of both kinds."""
    folder, fs = tmp_path / "annotated", 250
    folder.mkdir()
    t, at = np.arange(40 * fs) / fs, np.arange(0.5, 40, 0.8)
    mv = sum(np.exp(-(((t - one) / 0.012) ** 2)) + 0.25 * np.exp(-(((t - one - 0.25) / 0.05) ** 2)) for one in at)
    signal = {"fs": fs, "units": ["mV"], "sig_name": ["II"], "fmt": ["16"], "adc_gain": [200.0], "baseline": [0]}
    wfdb.wrsamp("new", p_signal=mv[:, None] + 0.005 * np.random.default_rng(1).normal(size=(len(t), 1)),
                write_dir=str(folder), **signal)  # fmt: skip
    marks = sorted([*((one, "N", "") for one in at), (0.1, "+", "(VFL"), (20.1, "+", "(AFIB"), (30.7, "N", "")])
    sample = np.array([round(one * fs) for one, _, _ in marks])
    symbols, notes = [mark for _, mark, _ in marks], [note for _, _, note in marks]
    wfdb.wrann("new", "atr", sample, symbol=symbols, aux_note=notes, fs=fs, write_dir=str(folder))
    return folder


@pytest.mark.parametrize(
    ("arguments", "title", "wrong"),
    [
        (["beats"], "Beats", "1 missed"),
        (["episodes"], "Lethal episodes", "Missed: ventricular fibrillation"),
        (["episodes", "--kind", "vf"], "Ventricular fibrillation and flutter", "VF not told"),
        (["episodes", "--kind", "af"], "Atrial fibrillation", "Not told"),
    ],
)
def test_every_command_on_annotated_recordings_draws_what_it_got_wrong(annotated, tmp_path, arguments, title, wrong):
    page = written(tmp_path, arguments[0], str(annotated), *arguments[1:])
    assert f"<h1>{title}</h1>" in page and wrong in page and 'class="wave" d="M' in page


@pytest.mark.recordings
def test_records_of_another_quality_than_said_are_drawn(recordings, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "new"
    folder.mkdir()
    for suffix in ("hea", "dat"):
        (folder / f"1002603.{suffix}").symlink_to(recordings / "cinc2011" / f"1002603.{suffix}")
    (folder / "QUALITY.csv").write_text("1002603,acceptable\n")
    page = written(tmp_path, "quality", str(folder), "--allow-seen")
    assert "SEEN RECORDS ALLOWED" in page and "People called it acceptable" in page
    assert page.count('class="wave"') == 8


def test_strips_of_another_rhythm_than_said_are_drawn(annotated, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (annotated / "REFERENCE.csv").write_text("new,A\n")
    page = written(tmp_path, "rhythm", str(annotated))
    assert "new: said N, was A" in page or "new: said O, was A" in page
    assert page.count('class="wave"') == 3  # 30 s
