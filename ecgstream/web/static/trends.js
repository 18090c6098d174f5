// A day of a bed: heart rate as a band from lowest to highest, PVCs, quality, and when there were alarms.

import { colours, pixelRatio } from "./paper.js";
import { clock, element } from "./words.js";

const MINUTES = 1440;
const SPANS = [["1 h", 60], ["6 h", 360], ["24 h", MINUTES]];

export class Trends {
  constructor() {
    this.minutes = SPANS[0][1];
    this.chosen = false;
    this.canvas = element("canvas", { role: "img", "aria-label": "Heart rate of the last day" });
    this.buttons = SPANS.map(([label, minutes]) => element("button", {
      type: "button", "aria-pressed": minutes === this.minutes, onclick: () => this._span(minutes, true),
    }, label));
    this.root = element("section", { class: "card trends", "aria-label": "Trends" },
      element("div", { class: "card-head" }, element("h2", {}, "Trends"), element("div", { class: "spans" }, ...this.buttons)), this.canvas);
    this._sizes = new ResizeObserver(() => this.draw());
    this._sizes.observe(this.canvas);
  }

  close() {
    this._sizes.disconnect();
  }

  update(trends, alerts, limits) {
    Object.assign(this, { trends, alerts, limits });
    const known = trends.mean.filter((value) => value != null);
    const range = known.length ? `${Math.round(Math.min(...trends.low.filter((v) => v != null)))} to ${Math.round(Math.max(...trends.high.filter((v) => v != null)))} a minute` : "nothing known";
    this.canvas.setAttribute("aria-label", `Heart rate of the last day, ${known.length} minutes known: ${range}. ${alerts.length} alarms.`);
    // As much of the day as is known, until somebody chooses.
    const since = MINUTES - trends.mean.findIndex((value) => value != null);
    if (!this.chosen) this._span((SPANS.find(([, minutes]) => since <= minutes) ?? SPANS[2])[1]);
    else this.draw();
  }

  _span(minutes, chosen = this.chosen) {
    [this.minutes, this.chosen] = [minutes, chosen];
    this.buttons.forEach((button, k) => button.setAttribute("aria-pressed", SPANS[k][1] === minutes));
    this.draw();
  }

  draw() {
    if (!this.trends) return;
    const { canvas } = this;
    const ratio = pixelRatio();
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    [canvas.width, canvas.height] = [width * ratio, height * ratio];
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    const box = { left: 34, right: width - 6, top: 16, bottom: height - 54 };
    this._palette = colours();
    this._scale(context, box);
    this._rate(context, box);
    this._bars(context, box, height);
    this._alarms(context, box);
  }

  _x(box, minute) {
    return box.right - ((this.trends.lastMinute - minute) / this.minutes) * (box.right - box.left);
  }

  _y(box, rate) {
    return box.bottom - ((Math.min(220, rate) - 20) / 200) * (box.bottom - box.top);
  }

  _scale(context, box) {
    const { text, coarse } = this._palette;
    context.font = "11px system-ui, sans-serif";
    context.textBaseline = "middle";
    for (const rate of [40, 80, 120, 160, 200]) {
      const y = Math.round(this._y(box, rate)) + 0.5;
      context.fillStyle = coarse;
      context.fillRect(box.left, y, box.right - box.left, 1);
      context.fillStyle = text;
      context.textAlign = "right";
      context.fillText(String(rate), box.left - 6, y);
    }
    const every = { 60: 10, 360: 60, [MINUTES]: 240 }[this.minutes];
    const last = this.trends.lastMinute;
    context.textAlign = "center";
    for (let minute = last - (last % every); minute > last - this.minutes; minute -= every) {
      const x = Math.round(this._x(box, minute)) + 0.5;
      if (x < box.left + 14) continue;
      context.fillStyle = coarse;
      context.fillRect(x, box.top, 1, box.bottom - box.top);
      context.fillStyle = text;
      if (x < box.right - 14) context.fillText(clock(minute * 60000).slice(0, 5), x, box.bottom + 10);
    }
    context.setLineDash([4, 4]);
    context.strokeStyle = this._palette.mark;
    for (const name of ["bradycardia_bpm", "tachycardia_bpm"]) {
      if (!this.limits?.[name]) continue;
      const y = this._y(box, this.limits[name]);
      context.beginPath();
      context.moveTo(box.left, y);
      context.lineTo(box.right, y);
      context.stroke();
    }
    context.setLineDash([]);
  }

  _rate(context, box) {
    const { low, mean, high, lastMinute } = this.trends;
    const first = Math.max(0, MINUTES - this.minutes);
    const at = (k) => this._x(box, lastMinute - (MINUTES - 1 - k));
    const wide = Math.max(1.5, (box.right - box.left) / this.minutes);
    context.fillStyle = this._palette.band;
    for (let k = first; k < MINUTES; k++) {
      if (low[k] == null) continue;
      const [top, bottom] = [this._y(box, high[k]), this._y(box, low[k])];
      context.fillRect(at(k) - wide / 2, top, wide, Math.max(1, bottom - top));
    }
    context.strokeStyle = this._palette.wave;
    context.lineWidth = 1.6;
    context.beginPath();
    for (let k = first, drawn = false; k < MINUTES; k++) {
      if (mean[k] == null) drawn = false;
      else {
        const [x, y] = [at(k), this._y(box, mean[k])];
        if (drawn) context.lineTo(x, y);
        else {
          context.moveTo(x, y);
          context.lineTo(x + 0.8, y);
        }
        drawn = true;
      }
    }
    context.stroke();
    context.fillStyle = this._palette.text;
    context.textAlign = "left";
    context.fillText("heart rate, /min", box.left + 4, 7);
  }

  _bars(context, box, height) {
    const { pvc, quality, lastMinute } = this.trends;
    const wide = Math.max(1, (box.right - box.left) / this.minutes);
    const rows = [["PVC", pvc, 30, this._palette.mark], ["signal", quality, 1, this._palette.good]];
    context.textBaseline = "middle";
    rows.forEach(([name, values, most, colour], row) => {
      const bottom = height - 20 + row * 17;
      context.fillStyle = this._palette.text;
      context.textAlign = "right";
      context.fillText(name, box.left - 3, bottom - 6);
      context.fillStyle = colour;
      for (let k = Math.max(0, MINUTES - this.minutes); k < MINUTES; k++) {
        if (values[k] == null) continue;
        const tall = Math.min(1, values[k] / most) * 13;
        context.fillRect(this._x(box, lastMinute - (MINUTES - 1 - k)) - wide / 2, bottom - tall, wide, Math.max(0.5, tall));
      }
    });
  }

  _alarms(context, box) {
    for (const { priority, onsetMs, endedMs } of [...this.alerts].sort((a, b) => a.priority - b.priority)) {
      const left = Math.max(box.left, this._x(box, onsetMs / 60000));
      const right = Math.min(box.right, endedMs ? this._x(box, endedMs / 60000) : box.right);
      if (right < box.left) continue;
      context.fillStyle = { 3: this._palette.high, 2: this._palette.medium, 1: this._palette.low }[priority];
      context.fillRect(left, box.top - 4 + (3 - priority) * 3, Math.max(3, right - left), 4);
    }
  }
}
