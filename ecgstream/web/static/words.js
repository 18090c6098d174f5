// How the page says things: names, times, numbers.

const LABELS = {
  no_arrhythmia: "no arrhythmia found",
  atrial_fibrillation: "atrial fibrillation",
  pvc_run: "run of PVCs",
  frequent_pvc: "frequent PVCs",
  irregular_rr: "irregular rhythm",
};

const DIAGNOSES = {
  MI: "infarction", STTC: "ST/T change", CD: "conduction", HYP: "hypertrophy", AFIB: "AF", "strip.af": "AF (30 s)",
  PVC: "PVC", PAC: "PAC", LVH: "LVH", CLBBB: "LBBB", CRBBB: "RBBB", IRBBB: "incompl. RBBB", LAFB: "LAFB",
  "1AVB": "1° AV block", IMI: "inferior MI", ASMI: "anteroseptal MI", AMI: "anterior MI", ILMI: "inferolat. MI",
  NDT: "T change", NST_: "ST change", STD_: "ST depression", ISC_: "ischaemia", ISCAL: "ischaemia lat.",
  VCLVH: "LVH voltage", SARRH: "sinus arrhythmia", SBRAD: "sinus bradycardia", STACH: "sinus tachycardia",
  IVCD: "IVCD", QWAVE: "Q waves", LOWT: "low T", NT_: "T change", "LAO/LAE": "LA enlarged", INVT: "T inversion",
  PACE: "paced", ABQRS: "abnormal QRS",
};

const REASONS = {
  missing: "no signal", lead_off: "lead off", flat: "flat", saturated: "at the rail", noise: "noise",
  motion: "movement", mains: "mains hum",
  settling: "settling", calibration: "calibration", model_unavailable: "model unavailable",
  catching_up: "catching up", overload: "no computing time",
};

const SHORT = {
  asystole: "Asystole", extreme_bradycardia: "xBrady", extreme_tachycardia: "xTachy", ventricular_tachycardia: "VT",
  ventricular_fibrillation: "VF", bradycardia: "Brady", tachycardia: "Tachy", pvc_run: "PVC run", atrial_fibrillation: "AF",
  signal_unusable: "Unusable", stream_stale: "No data", clock_wrong: "Clock", model_unavailable: "Model",
  frequent_pvc: "PVCs", electrodes_swapped: "Electrodes", irregular_rr: "Irregular",
};

export const PRIORITIES = { 3: "high", 2: "medium", 1: "low" };
export const MARKS = { 3: "!!!", 2: "!!", 1: "!" };

export const plain = (name) => LABELS[name] ?? (name || "").replaceAll("_", " ");
/** For where there is little room. */
export const short = (name) => SHORT[name] ?? plain(name);
export const diagnosis = (name) => DIAGNOSES[name] ?? name;
export const reason = (name) => REASONS[name] ?? plain(name);
export const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** m:ss, or h:mm:ss. */
export function elapsed(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  const two = (n) => String(n).padStart(2, "0");
  const [h, m] = [Math.floor(s / 3600), Math.floor(s / 60) % 60];
  return h ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`;
}

/** Why something is old, and for how long it has been. */
export const aged = ({ said, ms }) => (ms ? `${said} · ${elapsed(ms)}` : said);

export const clock = (ms) => new Date(ms).toLocaleTimeString("en-GB");
export const day = (ms) => new Date(ms).toLocaleDateString("en-GB", { day: "numeric", month: "short" });

/** "ward-3/bed-12" as its last part and what stands before it. */
export function bedName(id) {
  const at = id.lastIndexOf("/");
  return { ward: id.slice(0, at + 1), bed: id.slice(at + 1) };
}

/** An element; children may be text. Text is never taken for markup. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "class") made.className = value;
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== undefined && value !== null) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/** Sets text only where it differs: the browser then has nothing to lay out anew. */
export function setText(where, text) {
  if (where.textContent !== text) where.textContent = text;
}
