// One bed: all leads, its alarms and what may be done about them, the day, and the past.

import { askAcknowledge, askLimits, askPause, askSwitch, limitName, limitUnit, may } from "./orders.js";
import { showDiagnosis, showStrip } from "./strip.js";
import { Sweep } from "./sweep.js";
import { Trends } from "./trends.js";
import { MARKS, PRIORITIES, aged, bedName, clock, day, diagnosis, elapsed, element, plain, reason, sentence, setText } from "./words.js";

const TWELVE = ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"];
const PAST_EVERY_MS = 15000;
const OPINIONS = { true_alarm: "true", false_alarm: "false", cannot_say: "cannot say", opinion_unspecified: "–" };

export class BedPage {
  constructor(root, live, screen, bed) {
    Object.assign(this, { live, screen, bed, sweeps: [], shownPast: {} });
    const name = bedName(bed.id);
    const part = (name, tag = "div") => (this[name] = element(tag, { class: name }));
    const head = element("div", { class: "bed-head" }, element("a", { class: "back", href: "#/" }, "← All beds"),
      (this.heading = element("h1", { tabindex: -1 }, element("span", { class: "ward" }, name.ward), name.bed)), part("actions"));
    this.sheet = element("div", { class: "sheet", role: "img", "aria-label": "ECG, all leads, 25 millimetres a second, 10 millimetres a millivolt" });
    this.overview = element("canvas", { "aria-hidden": "true" });
    this.trends = new Trends();
    root.replaceChildren(element("div", { class: "bed-page" }, head, part("alarmList"),
      element("div", { class: "bed-main" },
        element("section", { class: "card ecg", "aria-label": "ECG" }, this.sheet,
          element("div", { class: "overview" }, this.overview, element("span", { class: "lead" }, "last minute, 6.25 mm/s")),
          element("p", { class: "band" }, "25 mm/s · 10 mm/mV · 0.25–40 Hz, mains removed: ST is not to be read from this"), part("notice", "p")),
        element("aside", { class: "side" }, part("numbersCard"), part("scoresCard"), part("explainedCard"), part("limitsCard"))),
      this.trends.root, element("div", { class: "bed-past" }, part("history"), part("verdicts"))));
    this.minute = new Sweep(this.overview, { mmPerS: 6.25, mmPerMv: 2.5, coarse: true, zero: 0.6 });
    screen.add(this.minute);
    this._actions();
    this.update([bed], [bed], []);
    this.timer = setInterval(() => this._fetchPast(), PAST_EVERY_MS);
  }

  /** Where somebody begins who uses the keyboard. */
  focus() {
    this.heading.focus();
  }

  close() {
    clearInterval(this.timer);
    this.trends.close();
    for (const sweep of [...this.sweeps, this.minute]) this.screen.remove(sweep);
  }

  update(changed, vitals) {
    if (changed.includes(this.bed)) {
      this._leads();
      this._alarms();
      this._fetchPast();
    }
    if (vitals.includes(this.bed) && this.bed.vitals) {
      this._numbers();
      this._scores();
      this._limits();
    }
  }

  tick() {
    const old = this.bed.old(this.live);
    document.querySelector(".bed-page")?.classList.toggle("stale", old !== null);
    this.notice.hidden = !old;
    if (old) setText(this.notice, aged(old));
    for (const since of this.alarmList.querySelectorAll("[data-since]")) {
      setText(since, elapsed(this.live.nowMs() - Number(since.dataset.since)));
    }
  }

  _actions() {
    const button = (label, role, act) => {
      const allowed = may(this.live, role);
      return element("button", { type: "button", disabled: !allowed, title: allowed ? "" : `needs the role ${role}: sign in with such a token`, onclick: act }, label);
    };
    this.actions.replaceChildren(
      button("Pause alarms …", "acknowledge", () => askPause(this.live, this.bed)),
      button("Switch off …", "configure", () => askSwitch(this.live, this.bed)),
      button("Limits …", "configure", () => askLimits(this.live, this.bed)));
  }

  // -------------------------------------------------------------------------------------------------------- signal

  _leads() {
    const { bed } = this;
    const names = [...TWELVE.filter((name) => bed.leads.includes(name)), ...bed.leads.filter((name) => !TWELVE.includes(name))];
    this.minute.show(bed, bed.tile);
    if (names.join() !== this.shown) {
      this.shown = names.join();
      for (const sweep of this.sweeps) this.screen.remove(sweep);
      this.sweeps = names.map((name) => {
        const canvas = element("canvas", { "aria-hidden": "true" });
        const sweep = new Sweep(canvas, { zero: 0.55 });
        sweep.show(bed, name);
        return sweep;
      });
      this.sheet.dataset.leads = names.length;
      this.sheet.style.setProperty("--rows", names.length > 4 ? Math.ceil(names.length / 2) : names.length);
      this.sheet.replaceChildren(...this.sweeps.map((sweep) => element("div", { class: "trace", "data-lead": sweep.lead },
        sweep.canvas, element("span", { class: "lead" }, sweep.lead))));
      for (const sweep of this.sweeps) this.screen.add(sweep);
    }
    this.live.show([{ n: bed.n, leads: names }, ...(bed.tile ? [{ n: bed.n, leads: [bed.tile], coarse: true }] : [])]);
  }

  // -------------------------------------------------------------------------------------------------------- alarms

  _alarms() {
    const { bed } = this;
    const allowed = may(this.live, "acknowledge");
    const held = this.alarmList.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    const rows = bed.alerts.map((alert) => element("li", { class: "alarm-row", "data-priority": alert.priority, "data-state": alert.state },
      element("span", { class: "mark", "aria-hidden": "true" }, alert.state === "acknowledged" ? "✓" : MARKS[alert.priority]),
      element("span", { class: "what" }, sentence(plain(alert.condition))),
      element("span", { class: "how" }, `${PRIORITIES[alert.priority]} priority · ${alert.state === "latched" ? "over, not acknowledged" : alert.state} · by ${alert.source}${alert.text && alert.state !== "latched" ? ` · ${alert.text}` : ""}`),
      element("span", { class: "since", "data-since": alert.sinceMs }),
      ...(alert.strip ? [element("button", {
        type: "button", "data-key": `strip ${alert.id}`, "aria-label": `Strip of ${plain(alert.condition)}`, onclick: () => showStrip(bed, alert),
      }, "Strip")] : []),
      ...(alert.state === "acknowledged" ? [] : [element("button", {
        type: "button", class: "acknowledge", "data-key": `acknowledge ${alert.id}`, disabled: !allowed, title: allowed ? "" : "needs the role acknowledge: sign in with such a token",
        "aria-label": `Acknowledge ${plain(alert.condition)}`, onclick: () => askAcknowledge(bed, [alert]),
      }, "Acknowledge")])));
    this.alarmList.replaceChildren(rows.length
      ? element("ul", { "aria-label": "Alarms" }, ...rows) : element("p", { class: "quiet" }, "No alarm."));
    const unseen = bed.alerts.filter((alert) => alert.state !== "acknowledged");
    if (allowed && unseen.length > 1) {
      this.alarmList.prepend(element("button", { type: "button", class: "all", "data-key": "all", onclick: () => askAcknowledge(bed, unseen) },
        `Acknowledge all ${unseen.length} …`));
    }
    if (held) this._holdFocus(held);
    this.tick();
  }

  /** On the same button as before; where that is gone, on the next alarm to be acknowledged. */
  _holdFocus(key) {
    const buttons = [...this.alarmList.querySelectorAll("button:enabled")];
    (buttons.find((button) => button.dataset.key === key) ?? buttons.find((button) => button.matches(".acknowledge")) ?? this.heading).focus();
  }

  // ------------------------------------------------------------------------------------------------------- numbers

  _numbers() {
    const { vitals } = this.bed;
    const quality = Object.entries(vitals.quality ?? {}).map(([name, [good, why]]) => element("li", {},
      element("span", {}, name), element("span", { class: "bar" }, element("i", { class: why === "ok" ? "" : "bad", style: undefined })),
      element("span", { class: "why" }, why === "ok" ? `${Math.round(100 * good)} %` : reason(why))));
    quality.forEach((item, k) => item.querySelector("i").style.setProperty("width", `${100 * Object.values(vitals.quality)[k][0]}%`));
    const quiet = [...vitals.off.map((c) => `${plain(c)} off`), ...vitals.paused.map((c) => `${plain(c)} paused`)];
    this.numbersCard.replaceChildren(element("section", { class: "card", "aria-label": "Now" },
      element("div", { class: "rate" }, element("span", { class: "hr" }, vitals.hr == null ? "–" : String(Math.round(vitals.hr))), element("span", { class: "unit" }, "/min"),
        element("span", { class: "pvc" }, vitals.pvc == null ? "" : `PVC ${Math.round(vitals.pvc)}/min`)),
      element("p", { class: "rhythm" }, vitals.rhythm ? plain(vitals.rhythm) : `not judged: ${reason(vitals.notJudged)}`),
      ...(quiet.length ? [element("p", { class: "silenced" }, `Alarms off or paused: ${quiet.join(", ")}`)] : []),
      element("h3", {}, "Signal"), element("ul", { class: "quality-list" }, ...quality)));
  }

  _scores() {
    const { scores, withheld } = this.bed.vitals;
    const said = { 1: "rising", 0: "", "-1": "falling" };
    const rows = (scores ?? []).map(([name, p, direction]) => element("li", {}, element("span", {}, diagnosis(name)),
      element("span", { class: "why" }, `${Math.round(100 * p)} % ${said[direction]}`)));
    const none = withheld ? `Withheld: ${reason(withheld)}.` : "None above 20 %.";
    this.scoresCard.replaceChildren(element("section", { class: "card", "aria-label": "Diagnosis scores" }, element("h3", {}, "Highest diagnosis scores"),
      rows.length && !withheld ? element("ul", { class: "score-list" }, ...rows) : element("p", { class: "quiet" }, none)));
  }

  // A list of its own, as the scores beside it are drawn anew each second and a button must keep its focus.
  _explained(explained) {
    const rows = Object.entries(explained).map(([score, atMs]) => element("li", {},
      element("button", { type: "button", onclick: () => showDiagnosis(this.bed, score) }, sentence(diagnosis(score))),
      element("span", { class: "why" }, clock(atMs))));
    this.explainedCard.replaceChildren(...(rows.length ? [element("section", { class: "card", "aria-label": "Explained diagnoses" },
      element("h3", {}, "What the model looked at"), element("ul", { class: "score-list" }, ...rows))] : []));
  }

  _limits() {
    const { limits, preset } = this.bed.vitals;
    const text = JSON.stringify([limits, preset]);
    if (text === this._shownLimits || !limits) return;
    this._shownLimits = text;
    const rows = Object.entries(limits).map(([name, value]) => element("tr", {}, element("th", { scope: "row" }, limitName(name)), element("td", {}, `${+value.toFixed(1)} ${limitUnit(name)}`)));
    this.limitsCard.replaceChildren(element("section", { class: "card", "aria-label": "Limits" }, element("h3", {}, `Limits · ${preset}`), element("table", {}, element("tbody", {}, ...rows))));
  }

  // ---------------------------------------------------------------------------------------------------------- past

  async _fetchPast() {
    const answer = await fetch(`beds/${this.bed.n}`).catch(() => null);
    if (!answer?.ok) return;
    const { trends, alerts, verdicts, explained } = await answer.json();
    this.trends.update(trends, alerts, this.bed.vitals?.limits);
    this._anew("alerts", alerts, () => this._history(alerts));
    this._anew("verdicts", verdicts, () => this._verdicts(verdicts));
    this._anew("explained", explained, () => this._explained(explained));
  }

  /** Draws only what has changed: a button keeps its focus, and a list its place. */
  _anew(what, value, draw) {
    const text = JSON.stringify(value);
    if (text === this.shownPast[what]) return;
    this.shownPast[what] = text;
    draw();
  }

  _history(alerts) {
    const rows = alerts.map((alert) => element("tr", { "data-priority": alert.priority },
      element("td", {}, `${day(alert.onsetMs)} ${clock(alert.onsetMs)}`),
      element("td", {}, element("span", { class: "chip" }, MARKS[alert.priority], element("span", { class: "visually-hidden" }, ` ${PRIORITIES[alert.priority]}`)), " ", sentence(plain(alert.condition))),
      element("td", {}, alert.endedMs ? elapsed(alert.endedMs - alert.sinceMs) : alert.state),
      element("td", {}, `${alert.delayS.toFixed(1)} s`), element("td", { class: "text" }, alert.text),
      element("td", {}, ...(alert.strip ? [element("button", { type: "button", "aria-label": `Strip of ${plain(alert.condition)}, ${clock(alert.onsetMs)}`, onclick: () => showStrip(this.bed, alert) }, "Strip")] : []))));
    this.history.replaceChildren(tableCard("Alarms so far", ["Onset", "Alarm", "Lasted", "Told after", "Said", "Strip"], rows, "No alarm yet."));
  }

  _verdicts(verdicts) {
    const rows = verdicts.map((verdict) => element("tr", {}, element("td", {}, `${day(verdict.atMs)} ${clock(verdict.atMs)}`),
      element("td", {}, sentence(plain(verdict.alarm))),
      element("td", { class: `opinion ${verdict.opinion}` }, OPINIONS[verdict.opinion]),
      element("td", {}, verdict.probability == null ? "–" : `${Math.round(100 * verdict.probability)} %`), element("td", { class: "text" }, verdict.evidence)));
    this.verdicts.replaceChildren(tableCard("Second opinions on the monitor's own alarms", ["Alarm at", "Monitor said", "We say", "True", "What was seen"], rows, "The monitor has raised no alarm."));
  }
}

function tableCard(title, columns, rows, none) {
  const table = element("table", {}, element("caption", { class: "visually-hidden" }, title),
    element("thead", {}, element("tr", {}, ...columns.map((name) => element("th", { scope: "col" }, name)))), element("tbody", {}, ...rows));
  return element("section", { class: "card table-card", "aria-label": title }, element("h2", {}, title),
    rows.length ? element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": title }, table) : element("p", { class: "quiet" }, none));
}
