"""What Chromium draws of the ward, at which scale and cost, and what it shows when signal or daemon are gone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from .browsers import SCREEN, WardProcesses, heap_mb, layers, opened, picture, until
from .drawn import DRAWN, PX_PER_MM, beats_drawn, beats_of, conditioned

RECORD = "mitdb/100"
FROM_S, BEFORE_S = 60.0, 20.0


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[WardProcesses]:
    ward = WardProcesses(tmp_path_factory.mktemp("ward"))
    ward.simulate("ward", "--beds", "8", "--seconds", "300", "--seed", "1", "--chunk-s", "0.5")
    yield ward
    ward.close()


@pytest.fixture(scope="module")
def page(ward: WardProcesses, chromium: Browser) -> Iterator[Page]:
    """The ward, all through this module."""
    page = opened(chromium, ward.url("view"), color_scheme="light")
    expect(page.locator(".tile")).to_have_count(8, timeout=20_000)
    yield page
    assert page.faults == []
    page.close()


FLASHES = """async () => {
  const alarm = document.querySelector('.tile[data-priority="3"][data-state="active"] .alarm');
  const end = performance.now() + 3000;
  let changes = 0;
  for (let before = null; performance.now() < end; await new Promise(requestAnimationFrame)) {
    const colour = getComputedStyle(alarm).backgroundColor;
    if (before && colour !== before) changes += 1;
    before = colour;
  }
  return changes / 2 / 3;
}"""
"""How often in a second an alarm of high priority flashes, over 3 s."""


def test_an_alarm_of_high_priority_flashes_as_the_standard_has_it_and_costs_no_animation(page: Page):
    expect(page.locator('.tile[data-priority="3"][data-state="active"]').first).to_be_visible(timeout=40_000)
    assert 1.4 <= page.evaluate(FLASHES) <= 2.8
    assert page.evaluate("document.getAnimations().length") == 0, "each has the browser look at styles in every frame"
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(FLASHES) == 0
    page.emulate_media(reduced_motion="no-preference")


@pytest.mark.recordings
def test_a_real_record_is_drawn_at_the_right_scale(ward: WardProcesses, page: Page, recordings: Path):
    """Pixels between R peaks against seconds between them, and of a QRS from top to bottom against its millivolts."""
    ward.replay(recordings / RECORD, "record-100", FROM_S, BEFORE_S, 60.0)
    page.evaluate("location.hash = '#/bed/record-100'")
    expect(page.locator('.trace[data-lead="II"] canvas')).to_be_visible()
    until(lambda: page.evaluate(DRAWN)["at"] > 22 * 250, 20)
    drawn = page.evaluate(DRAWN)
    peaks_px, swings_px = beats_drawn(np.array(drawn["top"]), np.array(drawn["bottom"]), drawn["pen"])
    mv = conditioned(recordings / RECORD, FROM_S)
    peaks, swings_mv = beats_of(mv, round(drawn["at"]), len(peaks_px))
    assert len(peaks_px) >= 4
    px_per_s = np.diff(peaks_px).sum() / (np.diff(peaks).sum() / 250)
    px_per_mv = np.median(swings_px) / np.median(swings_mv)
    assert px_per_s == pytest.approx(25 * PX_PER_MM, rel=0.01)
    assert px_per_mv == pytest.approx(10 * PX_PER_MM, rel=0.05)  # a line is 1.4 pixels thick


DRAWN_GAP = """async (missing) => {
  const { LeadBuffer, MISSING } = await import('/ward/static/beds.js');
  const { Sweep } = await import('/ward/static/sweep.js');
  const buffer = new LeadBuffer(false), box = document.body.appendChild(document.createElement('div'));
  const canvas = box.appendChild(document.createElement('canvas'));
  [canvas.width, canvas.height] = [400, 60];
  const sweep = new Sweep(canvas);
  sweep.show({ pen: { at: 600 }, lead: () => buffer }, 'II');
  buffer.write(0, new Int16Array(200));
  if (missing) buffer.write(200, new Int16Array(200).fill(MISSING));
  buffer.write(400, new Int16Array(200));
  sweep.draw();
  const [x, { data }] = [300 * sweep.pxPerS / 250, sweep.context.getImageData(0, 0, 400, 60)];
  const colours = new Set();
  for (let y = 0; y < 60; y++) {
    const k = 4 * (y * 400 + Math.round(x));
    colours.add(data.slice(k, k + 3).join());
  }
  box.remove();
  return colours.size;
}"""
"""How many colours lie in a column between two stretches of signal."""


def test_what_the_page_did_not_ask_for_is_not_drawn_as_a_gap_of_the_signal(page: Page):
    paper, hatched = page.evaluate(DRAWN_GAP, False), page.evaluate(DRAWN_GAP, True)
    assert paper <= 2 < hatched


WHOLE = """() => [...document.querySelectorAll('.trace canvas, .overview canvas')].every(canvas => {
  const { left, top, width, height } = canvas.getBoundingClientRect();
  return [left, top, width, height].every(Number.isInteger) && width === canvas.width && height === canvas.height;
})"""


@pytest.mark.parametrize("view", ["#/bed/bed-01", "#/"])
@pytest.mark.parametrize("width", [1440, 1277])
def test_traces_lie_on_whole_pixels(page: Page, view: str, width: int):
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate("view => { location.hash = view }", view)
    page.wait_for_timeout(500)
    page.wait_for_function(WHOLE, timeout=5_000)  # what lies between two is resampled with every frame, and blurred
    page.set_viewport_size(SCREEN)
    page.evaluate("location.hash = '#/'")


# -------------------------------------------------------------------------------------------------- silence and return


def test_silence_is_told_and_a_gap_is_hatched_not_bridged(ward: WardProcesses, page: Page):
    page.evaluate("location.hash = '#/'")
    expect(page.locator(".tile.stale")).to_have_count(0)
    ward.silence()
    tile = page.locator(".tile", has_text="bed-02")
    expect(tile.locator(".notice")).to_contain_text("data stale", timeout=8_000)
    expect(page.locator(".tile:not(.stale)")).to_have_count(0)
    expect(tile.get_by_role("link")).to_have_accessible_name(re.compile("data stale"))


OLD = """async ([behindS, withheld, silentS]) => {
  const { BedState } = await import('/ward/static/beds.js'), bed = new BedState(1, 'bed');
  bed.takeVitals({ behindS, withheld });
  bed.heardMs -= 1000 * silentS;
  const old = bed.old({ isSilent: () => false });
  return old && [old.said, Math.round(old.ms / 1000)];
}"""


@pytest.mark.parametrize(
    ("bed", "said"),
    [
        ((0.5, "", 1), None),
        ((0.5, "overload", 1), None),  # without the encoder, and in time
        ((0.5, "", 5), ["data stale", 5]),
        ((12, "", 1), ["signal late", 13]),
        ((12, "overload", 5), ["overloaded", 17]),
        ((0, "catching_up", 1), ["catching up", 0]),
        ((90, "catching_up", 5), ["catching up", 95]),
        ((90, "catching_up", 20), ["data stale", 20]),
    ],
)
def test_what_is_late_is_not_said_to_be_silent(page: Page, bed: tuple, said: list | None):
    assert page.evaluate(OLD, bed) == said


LETHAL = """() => [...ecgstream.live.alerts()].filter(({alert}) => alert.lethal).map(({alert}) => alert.id)"""
"""Ids of what stands and has to be acknowledged before it goes."""


PLACES = """() => [...document.querySelectorAll('.tile')].map((tile) => JSON.stringify(tile.getBoundingClientRect()))"""


def test_a_restarted_daemon_is_found_again_with_its_alarms(ward: WardProcesses, page: Page):
    stood, lay = set(page.evaluate(LETHAL)), page.evaluate(PLACES)
    assert stood
    until(lambda: ward.daemon.stop() == 0, 20)
    expect(page.locator("#lost")).to_contain_text("What is shown is old", timeout=10_000)
    assert page.evaluate(PLACES) == lay, "what somebody is about to press must not move away"
    picture(page, "lost")
    ward.daemon.start()
    ward.daemon.wait_ready()
    expect(page.locator("#lost")).to_be_hidden(timeout=15_000)
    until(lambda: stood <= set(page.evaluate(LETHAL)), 15)
    expect(page.locator(".tile", has_text="bed-03").locator(".alarm")).to_contain_text("!!!")


def test_many_beds_leave_page_and_daemon_at_their_size(ward: WardProcesses, page: Page):
    """Sixty-four beds of twelve leads, sixty seconds; the long form is benchmarks/ward_page.py."""
    ward.simulate("load", "--beds", "64", "--seconds", "90", "--chunk-s", "0.5")
    expect(page.locator(".tile", has_text="load-")).to_have_count(64, timeout=20_000)
    assert layers(page) < 64 + 40, "what lies above a canvas costs a layer of its own, blended in with every frame"
    page.wait_for_timeout(15_000)  # the page's rings are full, and everything is compiled
    sizes = []
    for _ in range(10):
        sizes.append((heap_mb(page), ward.daemon.metric("process_resident_memory_bytes") / 2**20))
        page.wait_for_timeout(4_500)
    page_mb, daemon_mb = np.array(sizes).T
    assert page_mb.max() - page_mb.min() < 4 and page_mb.max() < 60
    assert daemon_mb[-1] - daemon_mb[0] < 64 * 0.7  # 60 s of signal a bed, which fill meanwhile
    assert page.evaluate("ecgstream.screen.fps") > 5  # the machine is shared; how many it really is: docs/web.md
