// What the page knows of a bed: its documents, the newest seconds of its leads, and where the pen is.

export const WAVE_HZ = 250;
/** No valid signal: the server says so. */
export const MISSING = -32768;
/** Not ours to tell: it came while nobody here asked for it. */
export const UNKNOWN = -32767;
const COARSE_STEP = 5; // two values for every ten samples
const FINE_SIZE = 4096, COARSE_SIZE = 4096;
const STALE_MS = 3000;
/** A daemon that was behind has no more to say of a bed from which nothing came for so long. */
const GIVEN_UP_MS = 15000;
const LATE = { catching_up: "catching up", overload: "overloaded" };

/** The newest values of one lead: value i is sample i * step. */
export class LeadBuffer {
  constructor(coarse) {
    this.step = coarse ? COARSE_STEP : 1;
    this.values = new Int16Array(coarse ? COARSE_SIZE : FINE_SIZE).fill(UNKNOWN);
    this.first = this.stop = 0; // values [first, stop) are held
    this.fills = 0; // times it was filled other than by going on
  }

  write(sample, values) {
    const start = Math.round(sample / this.step);
    if (start !== this.stop || this.first === this.stop) {
      this.fills++;
      const gap = start - this.stop;
      if (gap > 0 && gap < this.values.length && this.stop > this.first) this._leaveOut(this.stop, start);
      else this.first = start;
    }
    const mask = this.values.length - 1;
    for (let k = 0; k < values.length; k++) this.values[(start + k) & mask] = values[k];
    this.stop = start + values.length;
    this.first = Math.max(this.first, this.stop - this.values.length);
  }

  at(index) {
    return index >= this.first && index < this.stop ? this.values[index & (this.values.length - 1)] : UNKNOWN;
  }

  _leaveOut(from, to) {
    for (let k = from; k < to; k++) this.values[k & (this.values.length - 1)] = UNKNOWN;
  }
}

/** Moves the pen on evenly, though signal comes by the chunk: a little behind the newest sample, and no further. */
export class Pen {
  constructor() {
    this.newest = -1;
    this.at = -1; // sample, with a fraction
    this._behind = 0.4 * WAVE_HZ;
    this._arrivedMs = 0;
    this._longestMs = 300;
  }

  arrived(stop, nowMs) {
    if (stop < this.newest - 60 * WAVE_HZ) this.at = -1; // the bed has begun anew
    if (stop <= this.newest && this.at >= 0) return;
    if (this._arrivedMs) {
      const sinceMs = nowMs - this._arrivedMs;
      this._longestMs = sinceMs < 2500 ? Math.max(sinceMs, 0.98 * this._longestMs) : this._longestMs;
    }
    this._arrivedMs = nowMs;
    this._behind = (Math.max(0.25, this._longestMs / 1000) + 0.15) * WAVE_HZ;
    this.newest = stop;
    if (this.at < 0) this.at = stop - this._behind;
  }

  advance(seconds) {
    if (this.at < 0) return;
    const waiting = this.newest - this.at - this._behind;
    // Up to a tenth faster or slower keeps the distance; a replay faster than life is followed as it comes.
    const hurry = waiting > 2 * WAVE_HZ ? 2 * waiting : 0;
    const pace = WAVE_HZ * (1 + Math.max(-0.1, Math.min(0.1, waiting / (2 * WAVE_HZ))));
    this.at = Math.min(this.newest, this.at + (pace + hurry) * Math.min(seconds, 1));
    if (this.newest - this.at > 10 * WAVE_HZ) this.at = this.newest - this._behind;
  }
}

export class BedState {
  constructor(n, id) {
    this.n = n;
    this.id = id;
    this.leads = [];
    this.tile = "";
    this.alerts = [];
    this.past = this.verdicts = 0;
    this.lastVerdict = null;
    this.vitals = null;
    this.heardMs = performance.now();
    this.pen = new Pen();
    this._fine = new Map();
    this._coarse = new Map();
  }

  /** The gravest alarm: one nobody has acknowledged before one somebody has, and one that goes on before one that is over. */
  get gravest() {
    const unseen = this.alerts.filter((alert) => alert.state !== "acknowledged");
    const goesOn = unseen.find((alert) => alert.state === "active" && alert.priority === unseen[0].priority);
    return goesOn ?? unseen[0] ?? this.alerts[0] ?? null;
  }

  /** Why what is shown is old, {said, ms}: nothing comes, or what comes is late (ms 0: by how much is not known); null where it is not. */
  old(live, nowMs = performance.now()) {
    const silentMs = nowMs - this.heardMs;
    if (live.isSilent()) return { said: "data stale", ms: Math.max(silentMs, nowMs - live.heardMs) };
    const { behindS = 0, withheld } = this.vitals ?? {};
    if ((withheld === "catching_up" || 1000 * behindS > STALE_MS) && silentMs < GIVEN_UP_MS) {
      return { said: LATE[withheld] ?? "signal late", ms: behindS && 1000 * behindS + silentMs };
    }
    return silentMs > STALE_MS ? { said: "data stale", ms: silentMs } : null;
  }

  takeAlarms(document) {
    if (document.leads.join() !== this.leads.join()) {
      this._fine.clear();
      this._coarse.clear();
    }
    const { leads, tile, alerts, past, verdicts, lastVerdict } = document;
    Object.assign(this, { leads, tile, alerts, past, verdicts, lastVerdict });
  }

  takeVitals(document) {
    this.vitals = document;
  }

  takeWave(lead, coarse, sample, values, ageMs) {
    const name = this.leads[lead];
    if (name === undefined) return;
    const buffer = this.lead(name, coarse);
    buffer.write(sample, values);
    const nowMs = performance.now();
    this.heardMs = Math.max(this.heardMs, nowMs - ageMs);
    if (ageMs > STALE_MS) this.heardMs = nowMs - ageMs;
    this.pen.arrived(buffer.stop * buffer.step, nowMs);
  }

  lead(name, coarse = false) {
    const buffers = coarse ? this._coarse : this._fine;
    if (!buffers.has(name)) buffers.set(name, new LeadBuffer(coarse));
    return buffers.get(name);
  }
}
