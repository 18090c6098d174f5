// The connection to the server: what has changed, as it comes, and the waves in binary.

import { BedState } from "./beds.js";

const WAVES = 1;
const RETRY_MS = [500, 1000, 2000, 4000, 8000];
/** Without a word from the server for so long, the connection is taken for lost. */
const SILENT_MS = 3000;

export class Live extends EventTarget {
  constructor() {
    super();
    this.beds = new Map(); // by number
    this.hello = null;
    this.offsetMs = 0; // the server's clock less ours
    this.connected = false;
    this.heardMs = 0;
    this.lostMs = 0;
    this.bytes = 0;
    this._tries = 0;
    this._shown = [];
  }

  nowMs() {
    return Date.now() + this.offsetMs;
  }

  /** Every alarm that stands, with its bed. */
  *alerts() {
    for (const bed of this.beds.values()) for (const alert of bed.alerts) yield { bed, alert };
  }

  connect() {
    clearTimeout(this._timer);
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = (this._socket = new WebSocket(`${scheme}//${location.host}/ward/live`));
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => this._take(data);
    socket.onclose = () => this._lost();
  }

  close() {
    clearTimeout(this._timer);
    const socket = this._socket;
    this._socket = null;
    socket?.close();
    this.connected = false;
  }

  /** Beds and leads to send from now on: [{n, leads, coarse}]. */
  show(beds) {
    const shown = beds.map(({ n, leads, coarse }) => ({ n, leads: leads ?? [], coarse: coarse ?? false }));
    if (JSON.stringify(shown) === JSON.stringify(this._shown)) return;
    const before = new Set(this._shown.map(({ n }) => n));
    // Whether a bed is stale can be told once it has been asked for.
    for (const { n } of shown) if (!before.has(n) && this.beds.has(n)) this.beds.get(n).heardMs = performance.now();
    this._shown = shown;
    if (this.connected) this._ask();
  }

  /** Whether nothing has come from the server for a while, though the socket may look open. */
  isSilent() {
    return !this.connected || performance.now() - this.heardMs > SILENT_MS;
  }

  _ask() {
    this._socket.send(JSON.stringify({ show: this._shown }));
  }

  _take(data) {
    this.heardMs = performance.now();
    if (typeof data === "string") {
      this.bytes += data.length;
      const message = JSON.parse(data);
      if (message.hello) this._greeted(message.hello);
      else this._news(message);
    } else {
      this.bytes += data.byteLength;
      this._waves(data);
    }
  }

  _greeted(hello) {
    this.hello = hello;
    this.connected = true;
    this._tries = 0;
    // Numbers of beds are the server's own, and it may be another one than before.
    const gone = [...this.beds.values()];
    this.beds.clear();
    this._shown = [];
    this.dispatchEvent(new CustomEvent("hello", { detail: { gone } }));
  }

  _news(news) {
    this.offsetMs = news.nowMs - Date.now();
    const [changed, vitals] = [[], []];
    for (const number of news.gone) this.beds.delete(number);
    for (const document of news.beds) {
      const bed = this.beds.get(document.n) ?? new BedState(document.n, document.id);
      this.beds.set(document.n, bed);
      bed.takeAlarms(document);
      changed.push(bed);
    }
    for (const document of news.vitals) {
      const bed = this.beds.get(document.n);
      if (!bed) continue;
      bed.takeVitals(document);
      vitals.push(bed);
    }
    this.dispatchEvent(new CustomEvent("news", { detail: { changed, vitals, gone: news.gone } }));
  }

  _waves(buffer) {
    const view = new DataView(buffer);
    if (view.getUint8(0) !== WAVES) return;
    const count = view.getUint16(2, true);
    for (let k = 0, at = 4; k < count; k++) {
      const n = view.getUint16(at + 8, true);
      const values = new Int16Array(buffer, at + 12, n);
      const bed = this.beds.get(view.getUint16(at, true));
      bed?.takeWave(view.getUint8(at + 2), view.getUint8(at + 3) === 1, view.getUint32(at + 4, true), values,
        view.getUint16(at + 10, true) * 10);
      at += 12 + 2 * (n + (n % 2));
    }
  }

  _lost() {
    if (this._socket === null) return;
    if (this.connected) this.lostMs = performance.now();
    this.connected = false;
    this.dispatchEvent(new Event("lost"));
    this._timer = setTimeout(() => this.connect(), RETRY_MS[Math.min(this._tries++, RETRY_MS.length - 1)]);
  }
}
