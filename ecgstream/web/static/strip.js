// The strip of a past alarm, or of a diagnosis that was explained, on paper: all leads below one another, the onset
// marked, what is missing hatched.

import { MISSING } from "./beds.js";
import { MM_PER_MV, MM_PER_S, colours, grid, hatch, pixelRatio, pxPerMm } from "./paper.js";
import { clock, diagnosis, element, plain, sentence } from "./words.js";

const LEAD_MM = 22;
const dialog = () => document.getElementById("dialog");

export function showStrip(bed, alert) {
  const path = `strips/${encodeURIComponent(alert.id)}`;
  return show(`${sentence(plain(alert.condition))}, ${bed.id}`, path, `${path}/explanation`, false);
}

export function showDiagnosis(bed, score) {
  const path = (what) => `beds/${bed.n}/diagnosis/${what}?score=${encodeURIComponent(score)}`;
  return show(`${sentence(diagnosis(score))}, ${bed.id}`, path("strip"), path("explanation"), true);
}

async function show(heading, stripPath, whyPath, explainAtOnce) {
  const answer = await fetch(stripPath);
  const close = element("button", { type: "button", class: "primary", onclick: () => dialog().close() }, "Close");
  const title = element("h2", { id: "dialog-title" }, heading);
  dialog().classList.add("wide");
  if (!answer.ok) {
    dialog().replaceChildren(title, element("p", {}, (await answer.json()).text), element("div", { class: "buttons" }, close));
  } else {
    const strip = parsed(await answer.arrayBuffer());
    const canvas = element("canvas", { role: "img", "aria-label": `${strip.n / strip.fsHz} seconds of ${strip.leads.join(", ")}` });
    const about = `${clock(strip.startMs)} · ${(strip.n / strip.fsHz).toFixed(0)} s · as the monitor sent it · 25 mm/s, 10 mm/mV${strip.complete ? "" : " · more of it is still to come"}`;
    dialog().replaceChildren(title, element("p", { class: "note" }, about),
      element("div", { class: "strip", tabindex: 0, role: "region", "aria-label": "Strip" }, canvas), element("div", { class: "buttons" }, close));
    draw(canvas, strip);
    offerExplanation(whyPath, strip, canvas, close, explainAtOnce);
  }
  dialog().showModal();
}

// What the model looked at, where the daemon has explained it: to be laid over the strip, and away again.
async function offerExplanation(path, strip, canvas, close, atOnce) {
  const answer = await fetch(path);
  if (answer.status !== 200 || !close.isConnected) return;
  const why = await answer.json();
  const words = element("p", { class: "note", hidden: true }, `Blue: what speaks for ${why.score} (${why.probability.toFixed(2)}) by ${why.model}. Not for diagnosis.`);
  const button = element("button", { type: "button", "aria-pressed": "false", onclick: () => {
    const shown = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(shown));
    words.hidden = !shown;
    draw(canvas, strip, shown ? why : null);
  } }, "What the model looks at");
  close.before(button);
  canvas.parentElement.before(words);
  if (atOnce) button.click();
}

// Cells of what speaks for the score, as dark as they weigh against the heaviest but one in a hundred.
function shade(context, { leads, fsHz }, why, perSample, mm) {
  const weights = Object.values(why.cells).flat().filter((weight) => weight > 0).sort((a, b) => a - b);
  const most = weights[Math.floor(0.99 * weights.length)];
  leads.forEach((name, k) => (why.cells[name] ?? []).forEach((weight, cell) => {
    if (weight <= 0.02 * most) return;
    context.fillStyle = `rgba(0, 89, 217, ${0.6 * Math.min(1, weight / most)})`;
    const wide = why.cell_s * fsHz * perSample;
    context.fillRect(why.from_s * fsHz * perSample + cell * wide, k * LEAD_MM * mm, Math.ceil(wide), LEAD_MM * mm);
  }));
}

function parsed(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const about = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const uv = about.leads.map((_, k) => new Int16Array(buffer, 4 + length + 2 * k * about.n, about.n));
  return { ...about, uv };
}

function draw(canvas, strip, why = null) {
  const { leads, uv, n, fsHz, onset } = strip;
  const ratio = pixelRatio();
  const mm = pxPerMm() * ratio;
  const perSample = (MM_PER_S * mm) / fsHz;
  [canvas.width, canvas.height] = [Math.ceil(n * perSample), Math.max(1, Math.ceil(leads.length * LEAD_MM * mm))];
  canvas.style.width = `${canvas.width / ratio}px`;
  const palette = colours();
  const context = canvas.getContext("2d");
  context.drawImage(grid(canvas.width, canvas.height, 0, mm, palette), 0, 0);
  if (why) shade(context, strip, why, perSample, mm);
  if (onset != null) {
    context.fillStyle = palette.mark;
    context.fillRect(onset * perSample, 0, 2 * ratio, canvas.height);
  }
  context.lineWidth = 1.3 * ratio;
  context.lineJoin = "round";
  const missing = hatch(context, palette);
  leads.forEach((name, k) => {
    const zero = (k + 0.55) * LEAD_MM * mm;
    // What the monitor sent has its own baseline; the median of the strip is put on the line.
    const middle = [...uv[k]].filter((value) => value !== MISSING).sort((a, b) => a - b);
    const base = middle[middle.length >> 1] ?? 0;
    context.strokeStyle = palette.wave;
    context.beginPath();
    for (let i = 0, broken = true; i < n; i++) {
      const x = i * perSample;
      if (uv[k][i] === MISSING) {
        context.fillStyle = missing;
        context.fillRect(x, zero - 0.5 * LEAD_MM * mm, Math.max(1, Math.ceil(perSample)), LEAD_MM * mm);
        broken = true;
        continue;
      }
      const y = zero - ((uv[k][i] - base) / 1000) * MM_PER_MV * mm;
      if (broken) context.moveTo(x, y);
      else context.lineTo(x, y);
      broken = false;
    }
    context.stroke();
    context.fillStyle = palette.text;
    context.font = `600 ${13 * ratio}px system-ui, sans-serif`;
    context.fillText(name, 6 * ratio, zero - 0.3 * LEAD_MM * mm);
  });
}
