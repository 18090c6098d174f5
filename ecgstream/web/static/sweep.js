// One lead, swept over paper: the pen goes from left to right and wipes a bar before it. Only what is new is drawn.

import { MISSING, UNKNOWN, WAVE_HZ } from "./beds.js";
import { MM_PER_MV, MM_PER_S, colours, grid, hatch, pixelRatio, pxPerMm } from "./paper.js";

const BAR_PX = 14;

export class Sweep {
  /** `mmPerS` other than 25 is for overviews. `zero`: where 0 mV lies, from the top. `labelled`: the lead's name is
   * printed on the paper. */
  constructor(canvas, { zero = 0.6, mmPerS = MM_PER_S, mmPerMv = MM_PER_MV, coarse = false, labelled = false } = {}) {
    Object.assign(this, { canvas, zero, mmPerS, mmPerMv, coarse, labelled });
    this.context = canvas.getContext("2d", { alpha: false });
    this.bed = null;
    this.lead = "";
    this.visible = true;
    this.reset();
  }

  show(bed, lead) {
    if (bed === this.bed && lead === this.lead) return;
    [this.bed, this.lead] = [bed, lead];
    this.reset();
  }

  reset() {
    this._drawn = null; // sample up to which is drawn; null: all of it is due
  }

  /** Takes on the size of the box around it, to whole pixels: what lies between two is resampled with every frame. */
  resize() {
    const ratio = pixelRatio();
    const { left, top, right, bottom } = this.canvas.parentElement.getBoundingClientRect();
    const [x, y] = [Math.ceil(left * ratio), Math.ceil(top * ratio)];
    const [w, h] = [Math.max(1, Math.floor(right * ratio) - x), Math.max(1, Math.floor(bottom * ratio) - y)];
    const style = { left: x / ratio - left, top: y / ratio - top, width: w / ratio, height: h / ratio };
    for (const [name, value] of Object.entries(style)) this.canvas.style[name] = `${value}px`;
    if (this.canvas.width !== w || this.canvas.height !== h) [this.canvas.width, this.canvas.height] = [w, h];
    this.reset();
    this.draw(); // a canvas is black until something is drawn
  }

  /** Whether it has come to lie between pixels: what is above its box has grown or shrunk, and no size changed. */
  get isOff() {
    const { left, top } = this.canvas.getBoundingClientRect();
    return [left, top].some((at) => Math.abs(at * pixelRatio() - Math.round(at * pixelRatio())) > 0.01);
  }

  /** Device pixels in a second and in a millivolt. */
  get pxPerS() {
    return this.mmPerS * pxPerMm() * pixelRatio();
  }

  get pxPerMv() {
    return this.mmPerMv * pxPerMm() * pixelRatio();
  }

  draw() {
    const { width, height } = this.canvas;
    const at = this.bed ? this.bed.pen.at : -1;
    const perSample = this.pxPerS / WAVE_HZ;
    const fills = this.bed?.lead(this.lead, this.coarse).fills;
    if (this._drawn === null || at < this._drawn - WAVE_HZ || fills !== this._fills) this._begin(at, perSample);
    this._fills = fills;
    if (at < 0 || at <= this._drawn) return;
    const from = Math.max(this._drawn, at - (width - BAR_PX * pixelRatio() - 3) / perSample);
    this._wipe(Math.floor(at * perSample) + BAR_PX * pixelRatio());
    this._trace(from, at, perSample, width, height);
    this._drawn = at;
  }

  _begin(at, perSample) {
    const { width, height } = this.canvas;
    this._palette = colours();
    this._zeroPx = Math.round(this.zero * height);
    const mmPx = pxPerMm() * pixelRatio() * (this.mmPerS / MM_PER_S);
    this._grid = grid(width, height, this._zeroPx, mmPx, this._palette, this.labelled ? this.lead : "");
    this._hatch = hatch(this.context, this._palette);
    this.context.drawImage(this._grid, 0, 0);
    this.context.lineWidth = 1.4 * pixelRatio();
    this.context.lineJoin = this.context.lineCap = "round";
    this.context.strokeStyle = this._palette.wave;
    this._drawn = at - (width - BAR_PX * pixelRatio() - 3) / perSample;
    this._wiped = Math.floor(at * perSample) + BAR_PX * pixelRatio();
  }

  /** Paper again, from where it was wiped last to pixel `stop`, counted without turning back. */
  _wipe(stop) {
    const { width, height } = this.canvas;
    let start = Math.max(this._wiped, stop - width);
    this._wiped = Math.max(stop, this._wiped);
    while (start < stop) {
      const x = ((start % width) + width) % width;
      const n = Math.min(stop - start, width - x);
      this.context.drawImage(this._grid, x, 0, n, height, x, 0, n, height);
      start += n;
    }
  }

  _trace(from, to, perSample, width, height) {
    const buffer = this.bed.lead(this.lead, this.coarse);
    const { context } = this;
    const perUv = this.pxPerMv / 1000;
    const perValue = buffer.step * perSample;
    const [first, last] = [Math.max(Math.floor(from / buffer.step), buffer.first), Math.floor(to / buffer.step)];
    let [broken, before] = [true, Infinity];
    context.beginPath();
    for (let index = first; index <= last; index++) {
      const far = index * perValue;
      const x = far - Math.floor(far / width) * width;
      const uv = buffer.at(index);
      if (uv === MISSING || uv === UNKNOWN) {
        if (uv === MISSING) this._gap(x, perValue, height);
        broken = true;
      } else {
        const y = this._zeroPx - uv * perUv; // beyond the paper it is cut off, never bent
        if (broken || x < before) context.moveTo(x, y);
        else context.lineTo(x, y);
        broken = false;
      }
      before = x;
    }
    context.stroke();
  }

  _gap(x, width, height) {
    this.context.fillStyle = this._hatch;
    this.context.fillRect(Math.floor(x), 0, Math.max(1, Math.ceil(width)), height);
  }
}

/** Draws all sweeps on screen, once a frame, and says how often that is. */
export class Screen {
  constructor(live) {
    this.live = live;
    this.sweeps = new Set();
    this.fps = 0;
    this.onSight = null; // told when something has come into sight, or left it
    this._beforeMs = 0;
    this._sizes = new ResizeObserver((entries) => {
      for (const { target } of entries) target.sweep?.resize();
    });
    this._sight = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) if (target.sweep) target.sweep.visible = isIntersecting;
      this.onSight?.();
    });
    requestAnimationFrame((ms) => this._frame(ms));
  }

  add(sweep) {
    const box = sweep.canvas.parentElement;
    sweep.canvas.sweep = box.sweep = sweep;
    this.sweeps.add(sweep);
    this._sizes.observe(box);
    this._sight.observe(sweep.canvas);
  }

  remove(sweep) {
    this.sweeps.delete(sweep);
    const box = sweep.canvas.parentElement;
    this._sizes.unobserve(box);
    this._sight.unobserve(sweep.canvas);
    delete sweep.canvas.sweep;
    delete box.sweep;
  }

  redraw() {
    for (const sweep of this.sweeps) sweep.reset();
  }

  align() {
    for (const sweep of this.sweeps) if (sweep.visible && sweep.isOff) sweep.resize();
  }

  _frame(ms) {
    requestAnimationFrame((next) => this._frame(next));
    const seconds = this._beforeMs ? (ms - this._beforeMs) / 1000 : 0;
    this._beforeMs = ms;
    if (seconds > 0) this.fps += (1 / seconds - this.fps) * 0.05;
    for (const bed of this.live.beds.values()) bed.pen.advance(seconds);
    for (const sweep of this.sweeps) if (sweep.visible) sweep.draw();
  }
}
