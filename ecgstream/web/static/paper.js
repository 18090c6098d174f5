// ECG paper: how many pixels a millimetre has here, and the grid. 25 mm/s, 10 mm/mV.

export const MM_PER_S = 25, MM_PER_MV = 10;
const CSS_PX_PER_MM = 96 / 25.4;

const settings = { calibration: Number(localStorage.getItem("calibration")) || 1 };
const grids = new Map();

/** Pixels of the style sheet in a millimetre of paper, corrected by what was measured with a ruler. */
export const pxPerMm = () => CSS_PX_PER_MM * settings.calibration;
export const calibration = () => settings.calibration;

export function calibrate(factor) {
  settings.calibration = Math.min(3, Math.max(0.3, factor));
  localStorage.setItem("calibration", settings.calibration);
  forgetGrids();
}

export const forgetGrids = () => grids.clear();
export const pixelRatio = () => Math.min(2, window.devicePixelRatio || 1);

/** Colours of the style sheet, as they are now. */
export function colours() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(name).trim();
  return { paper: of("--paper"), fine: of("--grid-fine"), coarse: of("--grid-coarse"), wave: of("--wave"),
    hatch: of("--hatch"), text: of("--dim"), mark: of("--mark"), high: of("--high"), medium: of("--medium"),
    low: of("--low"), band: of("--band"), good: of("--good"), ink: of("--text"), font: style.fontFamily };
}

/** Paper of a size in device pixels, its heavy lines through (0, zero), `label` in its corner; drawn once and shared. */
export function grid(width, height, zero, mmPx, palette, label = "") {
  const key = [width, height, zero, mmPx, palette.paper, palette.fine, label].join();
  if (!grids.has(key)) {
    if (grids.size > 60) grids.clear();
    grids.set(key, drawGrid(width, height, zero, mmPx, palette, label));
  }
  return grids.get(key);
}

function drawGrid(width, height, zero, mmPx, palette, label) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d", { alpha: false });
  context.fillStyle = palette.paper;
  context.fillRect(0, 0, width, height);
  const lines = (every, colour) => {
    context.fillStyle = colour;
    for (let k = 0; k * every < width; k++) context.fillRect(Math.round(k * every), 0, 1, height);
    for (let k = Math.ceil(-zero / every); zero + k * every < height; k++) {
      context.fillRect(0, Math.round(zero + k * every), width, 1);
    }
  };
  if (mmPx >= 2.5) lines(mmPx, palette.fine);
  lines((mmPx >= 2.5 ? 5 : 25) * mmPx, palette.coarse);
  if (label) print(context, label, palette);
  return canvas;
}

function print(context, label, palette) {
  const px = pixelRatio();
  context.font = `650 ${13 * px}px ${palette.font}`;
  context.textBaseline = "top";
  context.lineWidth = 4 * px;
  context.strokeStyle = palette.paper; // keeps the lines of the paper away from the letters
  context.strokeText(label, 10 * px, 6 * px);
  context.fillStyle = palette.ink;
  context.fillText(label, 10 * px, 6 * px);
}

/** Diagonal lines, for where there is no signal. */
export function hatch(context, palette) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 8;
  const pen = tile.getContext("2d");
  pen.strokeStyle = palette.hatch;
  pen.lineWidth = 1.5;
  pen.beginPath();
  for (const x of [-8, 0, 8]) {
    pen.moveTo(x, 8);
    pen.lineTo(x + 8, 0);
  }
  pen.stroke();
  return context.createPattern(tile, "repeat");
}
