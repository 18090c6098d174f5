"""The page in headless Chromium, against a real daemon: what is drawn, told, ordered and refused."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from ecgstream.wire import ecgstream_pb2 as pb

from .browsers import SCREEN, WardProcesses, heap_mb, layers, opened, until
from .drawn import DRAWN, PX_PER_MM, beats_drawn, beats_of, conditioned

RECORD = "mitdb/100"
FROM_S, BEFORE_S = 60.0, 20.0
PICTURES = os.environ.get("ECGSTREAM_TEST_PICTURES")


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[WardProcesses]:
    ward = WardProcesses(tmp_path_factory.mktemp("ward"), explanations={"enabled": True, "diagnosis_threshold": 0.8})
    ward.simulate("ward", "--beds", "8", "--seconds", "100", "--seed", "1", "--chunk-s", "0.5")
    yield ward
    ward.close()


@pytest.fixture(scope="module")
def page(ward: WardProcesses, chromium: Browser) -> Iterator[Page]:
    """The ward, as the configure desk sees it, all through this module."""
    page = opened(chromium, ward.url("configure"), color_scheme="light")
    expect(page.locator(".tile")).to_have_count(8, timeout=20_000)
    yield page
    assert page.faults == []
    page.close()


def picture(page: Page, name: str) -> None:
    """Kept in docs/pictures where the environment asks for it."""
    if PICTURES:
        page.screenshot(path=str(Path(PICTURES) / f"{name}.png"), full_page=True)


def accessible(page: Page) -> None:
    """No finding of axe-core that is serious or worse."""
    found = Axe().run(page).response["violations"]
    grave = [
        (v["id"], v["help"], [n["html"] for n in v["nodes"]][:3])
        for v in found
        if v["impact"] in ("serious", "critical")
    ]
    assert not grave


# ------------------------------------------------------------------------------------------------------ who is let in


def test_a_wrong_token_is_refused_and_the_right_one_opens_the_ward(ward: WardProcesses, chromium: Browser):
    page = opened(chromium, ward.url())
    token = page.get_by_label("Token")
    token.fill("not the token of anybody")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert").filter(has_text="This token is not known")).to_be_visible()
    expect(page.locator(".tile")).to_have_count(0)
    accessible(page)
    token.fill(ward.tokens["view"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(".tile")).to_have_count(8)
    assert ward.tokens["view"] not in page.url + page.evaluate("JSON.stringify([localStorage, sessionStorage])")
    page.close()


def test_it_says_what_it_is_not_and_that_these_are_no_patients(page: Page):
    expect(page.get_by_text("Not a medical device.")).to_be_visible()
    expect(page.get_by_text("Demonstration: simulated patients")).to_be_visible()


# -------------------------------------------------------------------------------------------------- alarms and orders


def test_an_alarm_is_on_the_page_within_two_seconds_of_its_alert(ward: WardProcesses, page: Page):
    page.evaluate("location.hash = '#/'")
    tile = page.locator(".tile", has_text="bed-01")
    told = ward.alerts.find(lambda a: a.stream_id == "bed-01" and a.condition == "ventricular_fibrillation", 40)
    expect(tile).to_have_attribute("data-priority", "3", timeout=5_000)
    if (late_s := time.time() - told.published_time_ns / 1e9) > 2.0:
        # Where this test itself came late, the page's own clock tells when the alarm was there.
        late_s = page.evaluate("id => (window.alarmSeenMs?.[id] ?? Date.now()) / 1000", told.alert_id) - (
            told.published_time_ns / 1e9
        )
    assert late_s <= 2.0
    expect(tile.locator(".alarm")).to_contain_text("!!!")
    expect(tile.locator(".alarm")).to_contain_text("ventricular fibrillation")
    expect(page.locator("#say-now")).not_to_be_empty()


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
    expect(page.locator('.tile[data-priority="3"][data-state="active"]').first).to_be_visible()
    assert 1.4 <= page.evaluate(FLASHES) <= 2.8
    assert page.evaluate("document.getAnimations().length") == 0, "each has the browser look at styles in every frame"
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(FLASHES) == 0
    page.emulate_media(reduced_motion="no-preference")


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


def test_who_may_only_view_cannot_acknowledge(ward: WardProcesses, chromium: Browser):
    page = opened(chromium, ward.url("view"))
    page.get_by_role("link", name=re.compile("bed-01")).click()
    expect(page.get_by_role("button", name="Acknowledge ventricular fibrillation")).to_be_disabled()
    expect(page.get_by_role("button", name="Limits …")).to_be_disabled()
    page.close()


def test_acknowledging_changes_the_state_everywhere(ward: WardProcesses, page: Page, chromium: Browser):
    other = opened(chromium, ward.url("view"))
    tile = page.locator(".tile", has_text="bed-01")
    tile.get_by_role("link").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Acknowledge ventricular fibrillation").click()
    dialog = page.get_by_role("dialog")
    accessible(page)
    dialog.get_by_role("button", name="Acknowledge").click()
    expect(dialog).to_be_visible()  # without a name and a reason nothing is sent
    dialog.get_by_label("Your name").fill("Nurse Joy")
    dialog.get_by_label("Reason").fill("Seen at the bedside")
    dialog.get_by_role("button", name="Acknowledge").click()
    seen = {pb.Alert.ACKNOWLEDGED: "acknowledged", pb.Alert.ENDED: ""}  # where it was over already, it ends
    told = ward.alerts.find(lambda a: a.stream_id == "bed-01" and a.lethal and a.state in seen, 5)
    expect(page.get_by_role("button", name="Acknowledge ventricular fibrillation")).to_have_count(0)
    expect(other.locator(".tile", has_text="bed-01")).to_have_attribute("data-state", seen[told.state])
    (noted,) = [json.loads(line) for line in (ward.folder / "audit.jsonl").read_text().splitlines()]
    assert (noted["actor"], noted["reason"]) == ("Nurse Joy (configure desk)", "Seen at the bedside")
    assert (noted["source"], noted["order"], noted["outcome"]) == ("page", "acknowledge", "accepted")
    other.close()


def test_the_ward_is_accessible_in_both_lights(page: Page):
    page.evaluate("location.hash = '#/'")
    until(lambda: page.locator('.tile[data-priority="3"]').count() >= 5, 20)
    for theme in ("dark", "light"):
        page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
        page.evaluate("ecgstream.screen.redraw()")
        page.wait_for_timeout(200)
        accessible(page)
        picture(page, f"ward-{theme}")


def test_the_beds_page_is_accessible(page: Page):
    page.evaluate("location.hash = '#/bed/bed-01'")
    expect(page.locator(".table-card table")).to_be_visible()
    page.wait_for_timeout(300)
    accessible(page)
    picture(page, "bed")


def test_a_past_alarms_strip_is_drawn(page: Page):
    page.locator(".history").get_by_role("button", name=re.compile("Strip of ventricular fibrillation")).click()
    strip = page.get_by_role("dialog").locator("canvas")
    expect(strip).to_be_visible()
    seconds = float(re.match(r"[\d.]+", strip.get_attribute("aria-label"))[0])
    assert strip.evaluate("canvas => canvas.width") == pytest.approx(seconds * 25 * PX_PER_MM, abs=2)
    accessible(page)
    page.keyboard.press("Escape")


def test_what_the_model_looks_at_is_laid_over_the_strip_and_taken_away_again(ward: WardProcesses, page: Page):
    fibrillation = ward.alerts.find(lambda a: a.stream_id == "bed-01" and a.condition == "ventricular_fibrillation", 10)
    told = page.evaluate(
        """async path => {
          for (let k = 0; k < 300; k++) {
            const answer = await fetch(path);
            if (answer.status === 200) return answer.json();
            await new Promise(soon => setTimeout(soon, 100));
          }
        }""",
        f"strips/{fibrillation.alert_id}/explanation",
    )
    assert told["score"] == "rhythm.vf" and told["alert_id"] == fibrillation.alert_id
    page.locator(".history").get_by_role("button", name=re.compile("Strip of ventricular fibrillation")).click()
    canvas = page.get_by_role("dialog").locator("canvas")
    button = page.get_by_role("button", name="What the model looks at")
    plain = canvas.evaluate("canvas => canvas.toDataURL()")
    button.click()
    expect(page.get_by_text("what speaks for rhythm.vf")).to_be_visible()
    assert canvas.evaluate("canvas => canvas.toDataURL()") != plain
    accessible(page)
    picture(page, "explanation")
    button.click()
    assert canvas.evaluate("canvas => canvas.toDataURL()") == plain
    page.keyboard.press("Escape")


EXPLAINED = """async () => {
  for (let k = 0; k < 300; k++) {
    for (const { n, id } of [...ecgstream.live.beds.values()]) {
      const explained = await fetch(`beds/${n}`).then((answer) => answer.json()).then((bed) => bed.explained);
      if (Object.keys(explained).length) return { id, score: Object.keys(explained)[0] };
    }
    await new Promise(soon => setTimeout(soon, 100));
  }
}"""
"""The first bed with an explained diagnosis, waited for."""


def test_an_explained_diagnosis_is_shown_on_its_beds_page_over_the_signal_it_rests_on(page: Page):
    found = page.evaluate(EXPLAINED)
    page.evaluate("id => { location.hash = `#/bed/${id}` }", found["id"])
    card = page.get_by_label("Explained diagnoses")
    card.get_by_role("button").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text(f"what speaks for {found['score']}")).to_be_visible()
    canvas, button = dialog.locator("canvas"), dialog.get_by_role("button", name="What the model looks at")
    shaded = canvas.evaluate("canvas => canvas.toDataURL()")
    accessible(page)
    picture(page, "explained-diagnosis")
    button.click()
    assert canvas.evaluate("canvas => canvas.toDataURL()") != shaded
    page.keyboard.press("Escape")
    accessible(page)
    page.evaluate("location.hash = '#/bed/bed-01'")


def test_limits_and_pauses_are_ordered_and_shown(page: Page):
    page.get_by_role("button", name="Limits …").click()
    dialog = page.get_by_role("dialog")
    accessible(page)
    dialog.locator("select[name=preset]").select_option("icu")
    dialog.get_by_label("Tachycardia above (/min)", exact=True).fill("135")
    dialog.get_by_label("Reason").fill("known and treated")
    dialog.get_by_role("button", name="Use these limits").click()
    expect(page.locator(".limitsCard")).to_contain_text("icu")
    expect(page.locator(".limitsCard")).to_contain_text("135 /min")
    page.get_by_role("button", name="Pause alarms …").click()
    dialog.locator("select[name=condition]").select_option("atrial_fibrillation")
    dialog.get_by_label("Reason").fill("care in progress")
    dialog.get_by_role("button", name="Pause", exact=True).click()
    expect(page.locator(".numbersCard")).to_contain_text("atrial fibrillation paused")


def test_what_the_daemon_refuses_is_said_in_the_dialog(page: Page):
    page.get_by_role("button", name="Limits …").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Bradycardia below (/min)", exact=True).fill("39")
    dialog.get_by_label("Reason").fill("a slip of the pen")
    dialog.get_by_role("button", name="Use these limits").click()
    expect(dialog.get_by_role("alert")).to_contain_text("must not lie above bradycardia_bpm")
    page.keyboard.press("Escape")


def test_with_another_patient_the_last_ones_alarms_are_gone(ward: WardProcesses, page: Page):
    expect(page.locator(".history")).to_contain_text("Ventricular fibrillation")
    ward.order({"streamId": "bed-01", "actor": "ADT", "association": {"patientReference": "another"}})
    expect(page.locator(".history")).not_to_contain_text("Ventricular fibrillation")


# ------------------------------------------------------------------------------------------------------ what is drawn


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


# -------------------------------------------------------------------------------------------------- silence and return


def test_silence_is_told_and_a_gap_is_hatched_not_bridged(ward: WardProcesses, page: Page):
    page.evaluate("location.hash = '#/'")
    expect(page.locator(".tile.stale")).to_have_count(0)
    ward.silence()
    expect(page.locator(".tile", has_text="bed-02").locator(".notice")).to_contain_text("data stale", timeout=8_000)
    expect(page.locator(".tile:not(.stale)")).to_have_count(0)


LETHAL = """() => [...ecgstream.live.alerts()].filter(({alert}) => alert.lethal).map(({alert}) => alert.id)"""
"""Ids of what stands and has to be acknowledged before it goes."""


def test_a_restarted_daemon_is_found_again_with_its_alarms(ward: WardProcesses, page: Page):
    stood = set(page.evaluate(LETHAL))
    assert stood
    until(lambda: ward.daemon.stop() == 0, 20)
    expect(page.locator("#lost")).to_contain_text("What is shown is old", timeout=10_000)
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
