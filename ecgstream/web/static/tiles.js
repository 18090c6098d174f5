// The ward: a tile for every bed, as large as the screen allows.

import { pxPerMm } from "./paper.js";
import { Sweep } from "./sweep.js";
import { MARKS, PRIORITIES, aged, bedName, diagnosis, elapsed, element, plain, reason, setText, short } from "./words.js";

const LEAST_WIDTH = 224, LEAST_HEIGHT = 112;
const LARGE_WIDTH = 800, LARGE_HEIGHT = 300, MOST_HEIGHT = 560; // a wall display is read from across the room
const BEST_SHAPE = 3.2; // width to height
const ARROWS = { 1: ["↗", "rising"], 0: ["", ""], "-1": ["↘", "falling"] };
const GAP = 6; // between tiles and around them, as in the style sheet
const COARSE_BELOW_PX_PER_S = 50;
// IEC 60601-1-8: high priority flashes at 1.4 to 2.8 Hz, medium at 0.4 to 0.8 Hz, low does not. A tick is 250 ms.
const FLASH_TICKS = { fast: 1, slow: 3 }; // lit, and dark

export class Ward {
  constructor(root, live, screen) {
    Object.assign(this, { live, screen });
    this.tiles = new Map();
    this._ticks = 0;
    this.list = element("ul", { class: "tiles", "aria-label": "Beds" });
    this.empty = element("p", { class: "empty" }, "No bed has sent anything yet.");
    root.replaceChildren(this.empty, this.list);
    this.list.addEventListener("keydown", (event) => this._move(event));
    this._fit = () => this._layOut();
    addEventListener("resize", this._fit);
    screen.onSight = () => this.ask();
    this.update([...live.beds.values()], [...live.beds.values()], []);
  }

  /** Where somebody goes on who comes back from a bed. */
  focus(id) {
    [...this.tiles.values()].find((tile) => tile.bed.id === id)?.link.focus();
  }

  close() {
    removeEventListener("resize", this._fit);
    this.screen.onSight = null;
    for (const tile of this.tiles.values()) this.screen.remove(tile.sweep);
  }

  update(changed, vitals, gone) {
    const before = this.tiles.size;
    for (const number of gone) this._drop(number);
    for (const bed of changed) this._tile(bed).showAlarms();
    for (const bed of vitals) this.tiles.get(bed.n)?.showVitals();
    if (this.tiles.size !== before || gone.length) this._order();
    if (changed.length || gone.length) this.ask();
  }

  /** Times that run on, and beds that have fallen silent. */
  tick() {
    for (const tile of this.tiles.values()) tile.tick(this.live);
    // A CSS animation of a colour would have the browser look at every style in every frame.
    this._ticks += 1;
    for (const [pace, ticks] of Object.entries(FLASH_TICKS)) this.list.classList.toggle(pace, Math.floor(this._ticks / ticks) % 2 === 1);
  }

  /** Asks for the beds on screen. */
  ask() {
    const coarse = 25 * pxPerMm() < COARSE_BELOW_PX_PER_S;
    const [top, bottom] = [-200, innerHeight + 200];
    const shown = [];
    for (const tile of this.tiles.values()) {
      const box = tile.root.getBoundingClientRect();
      tile.sweep.coarse = coarse;
      tile.asked = box.bottom > top && box.top < bottom;
      if (tile.asked) shown.push({ n: tile.bed.n, coarse });
    }
    this.live.show(shown);
  }

  _tile(bed) {
    let tile = this.tiles.get(bed.n);
    if (!tile) {
      tile = new Tile(bed);
      this.tiles.set(bed.n, tile);
      this.list.append(tile.root);
      this.screen.add(tile.sweep);
      if (bed.vitals) tile.showVitals();
    }
    return tile;
  }

  _drop(number) {
    const tile = this.tiles.get(number);
    if (!tile) return;
    this.screen.remove(tile.sweep);
    tile.root.remove();
    this.tiles.delete(number);
  }

  _order() {
    const names = new Intl.Collator("en", { numeric: true });
    const tiles = [...this.tiles.values()].sort((a, b) => names.compare(a.bed.id, b.bed.id));
    this.list.append(...tiles.map((tile) => tile.root));
    this.empty.hidden = tiles.length > 0;
    this._layOut();
  }

  /** As many columns as make tiles of the best shape that all fit; else scroll. */
  _layOut() {
    const n = this.tiles.size;
    if (!n) return;
    const width = this.list.clientWidth - 2 * GAP;
    const height = innerHeight - this.list.getBoundingClientRect().top - scrollY - 2 * GAP;
    let best = null;
    for (let columns = 1; columns <= n; columns++) {
      const tile = [(width + GAP) / columns - GAP, (height + GAP) / Math.ceil(n / columns) - GAP];
      if (tile[0] < LEAST_WIDTH || tile[1] < LEAST_HEIGHT) continue;
      const off = Math.abs(Math.log(tile[0] / tile[1] / BEST_SHAPE)) + 0.15 * (columns * Math.ceil(n / columns) - n) / n;
      if (!best || off < best.off) best = { columns, height: tile[1], off };
    }
    best ??= { columns: Math.max(1, Math.floor((width + GAP) / (LEAST_WIDTH + GAP))), height: LEAST_HEIGHT + 16 };
    this.list.style.setProperty("--columns", best.columns);
    this.list.style.setProperty("--tile-height", `${Math.min(MOST_HEIGHT, Math.floor(best.height))}px`);
    this.list.classList.toggle("large", best.height >= LARGE_HEIGHT && width / best.columns >= LARGE_WIDTH);
    this.list.classList.toggle("small", best.height < 170);
    this.list.classList.toggle("narrow", width / best.columns < 360);
    this.columns = best.columns;
    this.ask();
  }

  /** Arrow keys go from bed to bed, Home and End to the first and last. */
  _move(event) {
    const links = [...this.list.querySelectorAll("a.open")];
    const at = links.indexOf(document.activeElement);
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: this.columns, ArrowUp: -this.columns };
    const to = event.key === "Home" ? 0 : event.key === "End" ? links.length - 1 : at + steps[event.key];
    if (at < 0 || !(to >= 0 && to < links.length)) return;
    event.preventDefault();
    links[to].focus();
  }
}

class Tile {
  constructor(bed) {
    this.bed = bed;
    const { ward, bed: name } = bedName(bed.id);
    const part = (name, tag = "span") => (this[name] = element(tag, { class: name }));
    this.link = element("a", { class: "open", href: `#/bed/${encodeURIComponent(bed.id)}` },
      element("span", { class: "ward" }, ward), element("span", { class: "bed" }, name));
    this.alarm = element("div", { class: "alarm", hidden: true });
    this.canvas = element("canvas", { "aria-hidden": "true" });
    // Whatever lies above a canvas costs the browser a layer of its own to blend in, 64 times a frame: nothing does.
    const trace = element("div", { class: "trace" }, this.canvas, part("notice", "p"));
    const numbers = element("div", { class: "numbers" }, part("hr"), element("span", { class: "unit" }, "/min"), part("pvc"));
    const foot = element("div", { class: "foot" }, part("rhythm"), part("scores"), part("quality"));
    this.silenced = element("span", { class: "silenced", hidden: true });
    const head = element("div", { class: "head" }, this.link, this.silenced, this.alarm);
    this.root = element("li", { class: "tile" }, head, trace, numbers, foot);
    this.sweep = new Sweep(this.canvas, { labelled: true });
    this.notice.hidden = true;
  }

  showAlarms() {
    const { bed, root, alarm } = this;
    this.sweep.show(bed, bed.tile);
    const worst = bed.gravest;
    root.dataset.priority = worst ? worst.priority : 0;
    root.dataset.state = worst ? worst.state : "";
    alarm.hidden = !worst;
    if (worst) {
      const more = bed.alerts.length - 1;
      this.since = element("span", { class: "since" });
      alarm.replaceChildren(
        element("span", { class: "mark", "aria-hidden": "true" }, worst.state === "acknowledged" ? "✓" : MARKS[worst.priority]),
        element("span", { class: "what", "data-short": short(worst.condition) }, plain(worst.condition)),
        ...(worst.state === "latched" ? [element("span", { class: "was" }, "over")] : []),
        ...(more ? [element("span", { class: "more" }, `+${more}`)] : []), this.since);
      alarm.title = worst.text;
    }
    this._describe();
  }

  showVitals() {
    const { vitals } = this.bed;
    if (!vitals) return;
    setText(this.hr, vitals.hr == null ? "–" : String(Math.round(vitals.hr)));
    setText(this.pvc, vitals.pvc ? `PVC ${Math.round(vitals.pvc)}` : "");
    setText(this.rhythm, vitals.rhythm ? plain(vitals.rhythm) : vitals.notJudged ? reason(vitals.notJudged) : "rhythm unknown");
    this.rhythm.classList.toggle("unknown", !vitals.rhythm);
    const [quality, why] = vitals.quality?.[this.bed.tile] ?? [0, "missing"];
    const level = why === "ok" ? Math.max(1, Math.round(quality * 4)) : 0;
    if (this.quality.dataset.level !== String(level)) this.quality.dataset.level = level;
    this.quality.title = this.quality.ariaLabel = why === "ok" ? `signal quality ${level} of 4` : `signal: ${reason(why)}`;
    this.quality.setAttribute("role", "img");
    this.why = why === "ok" || why === "settling" ? "" : reason(why);
    this._scores(vitals);
    const quiet = [...(vitals.off ?? []).map((c) => `${plain(c)} off`), ...(vitals.paused ?? []).map((c) => `${plain(c)} paused`)];
    this.silenced.hidden = !quiet.length;
    setText(this.silenced, quiet.length ? `${quiet.length} alarm${quiet.length > 1 ? "s" : ""} off` : "");
    this.silenced.title = quiet.join(", ");
    this._describe();
  }

  tick(live) {
    // Of a bed that is scrolled out of sight nothing is asked for, and nothing known.
    const old = this.asked || live.isSilent() ? this.bed.old(live) : null;
    this.root.classList.toggle("stale", old !== null);
    if (old?.said !== this.old?.said) this._describe(old);
    this.old = old;
    const notice = old ? aged(old) : this.why ?? "";
    this.notice.hidden = !notice;
    setText(this.notice, notice);
    const worst = this.bed.gravest;
    if (worst && this.since) setText(this.since, elapsed(live.nowMs() - worst.sinceMs));
  }

  _scores(vitals) {
    const text = JSON.stringify([vitals.scores, vitals.withheld]);
    if (text === this._shownScores) return;
    this._shownScores = text;
    if (vitals.withheld) {
      this.scores.replaceChildren(element("span", { class: "withheld" }, `model: ${reason(vitals.withheld).replace(/^model /, "")}`));
      return;
    }
    this.scores.replaceChildren(...(vitals.scores ?? []).map(([name, p, direction]) => {
      const [arrow, said] = ARROWS[direction];
      return element("span", { class: "score", title: `${diagnosis(name)}: ${Math.round(100 * p)} % ${said}` },
        `${diagnosis(name)} `, element("b", {}, String(Math.round(100 * p))), arrow);
    }));
  }

  /** The whole tile in a sentence, for those who hear it. */
  _describe(old = this.old) {
    const { bed } = this;
    const { vitals } = bed;
    const worst = bed.gravest;
    const parts = [bed.id];
    if (old) parts.push(old.said);
    if (worst) parts.push(`${PRIORITIES[worst.priority]} priority alarm ${plain(worst.condition)}, ${worst.state}`);
    if (vitals) {
      parts.push(vitals.hr == null ? "heart rate unknown" : `heart rate ${Math.round(vitals.hr)}`);
      parts.push(vitals.rhythm ? plain(vitals.rhythm) : `not judged: ${reason(vitals.notJudged)}`);
    }
    this.link.setAttribute("aria-label", parts.join(", "));
  }
}
