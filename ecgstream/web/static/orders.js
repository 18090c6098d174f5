// What a person orders for a bed: every order with a name and a reason, for the audit log.

import { ask, choice, field } from "./dialogs.js";
import { element, plain, sentence } from "./words.js";

const REASONS = ["Seen at the bedside", "Artefact, electrodes checked", "Known and treated", "Care in progress"];
const LIMIT_NAMES = {
  extreme_bradycardia_bpm: "Extreme bradycardia below", bradycardia_bpm: "Bradycardia below",
  tachycardia_bpm: "Tachycardia above", extreme_tachycardia_bpm: "Extreme tachycardia above",
  ventricular_tachycardia_bpm: "Ventricular tachycardia from", pvc_per_min: "PVCs a minute above",
  pause_s: "Pause from", asystole_s: "Asystole from",
};

export const limitName = (name) => LIMIT_NAMES[name] ?? plain(name);
export const limitUnit = (name) => (name.endsWith("_s") ? "s" : "/min");

/** Whether whoever is signed in may order what needs a role. */
export function may(live, role) {
  const roles = ["view", "acknowledge", "configure"];
  return roles.indexOf(live.hello?.role) >= roles.indexOf(role);
}

function person() {
  const reasons = element("datalist", { id: "reasons" }, ...REASONS.map((text) => element("option", { value: text })));
  const known = sessionStorage.getItem("person") ?? "";
  return [
    field("Your name", "person", { required: true, maxlength: 80, value: known }),
    field("Reason", "reason", { required: true, maxlength: 160, list: "reasons" }), reasons,
  ];
}

/** Sends an order; a sentence where it was not taken. */
async function order(bed, { person, reason }, what) {
  sessionStorage.setItem("person", person);
  const body = JSON.stringify({ version: 1, streamId: bed.id, actor: person, reason, ...what });
  const answer = await fetch("orders", { method: "POST", body, headers: { "Content-Type": "application/json" } });
  if (answer.status === 401) return "The session is over. Reload the page and sign in.";
  const reply = await answer.json();
  return reply.accepted ? null : reply.text;
}

export function askAcknowledge(bed, alerts) {
  const what = alerts.length === 1 ? plain(alerts[0].condition) : `${alerts.length} alarms`;
  ask(`Acknowledge ${what}`, person(), {
    action: "Acknowledge", note: `${bed.id}. The alarm goes on in silence until it ends; one that is over ends now.`,
    submit: async (given) => {
      const wrong = [];
      for (const { id } of alerts) wrong.push(await order(bed, given, { acknowledge: { alertId: id } }));
      return wrong.filter(Boolean).join(" ");
    },
  });
}

export function askPause(live, bed) {
  const offered = live.hello.conditions.filter((condition) => condition.mayBePaused);
  ask("Pause alarms", [
    choice("Alarm", "condition", [["", "all that may be paused"], ...offered.map((c) => [c.name, sentence(plain(c.name))])], ""),
    choice("For", "minutes", [["1", "1 minute"], ["2", "2 minutes"], ["5", "5 minutes"], ["15", "15 minutes"], ["60", "1 hour"], ["0", "end the pause"]], "2"),
    ...person(),
  ], {
    action: "Pause", note: `${bed.id}. Asystole and ventricular fibrillation are never paused.`,
    submit: (given) => order(bed, given, { pause: { condition: given.condition, durationS: 60 * Number(given.minutes) } }),
  });
}

export function askSwitch(live, bed) {
  const off = new Set(bed.vitals?.off ?? []);
  const offered = live.hello.conditions.filter((condition) => condition.mayBePaused);
  const options = offered.map((c) => [c.name, `${sentence(plain(c.name))}${off.has(c.name) ? " (off: switch on)" : ""}`]);
  ask("Switch an alarm off or on", [choice("Alarm", "condition", options, offered[0].name), ...person()], {
    action: "Switch", note: `${bed.id}. Off lasts until somebody switches it on, or the patient goes.`,
    submit: (given) => order(bed, given, { alarmSwitch: { condition: given.condition, off: !off.has(given.condition) } }),
  });
}

export function askLimits(live, bed) {
  const { presets, bounds } = live.hello;
  const now = bed.vitals?.limits ?? {};
  const inputs = Object.keys(LIMIT_NAMES).map((name) => {
    const [min, max] = bounds[name];
    return field(`${limitName(name)} (${limitUnit(name)})`, name, { type: "number", min, max, step: name.endsWith("_s") ? 0.1 : 1, value: now[name] ?? "", required: true });
  });
  const preset = choice("Begin with a preset", "preset", [["", `as it is (${bed.vitals?.preset ?? "unknown"})`], ...Object.keys(presets).map((name) => [name, name])], "");
  preset.querySelector("select").addEventListener("change", ({ target }) => {
    const values = presets[target.value] ?? now;
    for (const label of inputs) {
      const input = label.querySelector("input");
      input.value = values[input.name] ?? "";
    }
  });
  ask("Alarm limits", [preset, element("div", { class: "two" }, ...inputs), ...person()], {
    action: "Use these limits", wide: true, note: bed.id,
    submit: async (given) => {
      const wrong = given.preset ? await order(bed, given, { preset: { name: given.preset } }) : null;
      if (wrong) return wrong;
      const base = presets[given.preset] ?? now;
      const limits = {};
      for (const name of Object.keys(LIMIT_NAMES)) {
        if (Number(given[name]) !== base[name]) limits[name.replace(/_(.)/g, (_, letter) => letter.toUpperCase())] = Number(given[name]);
      }
      return Object.keys(limits).length || !given.preset ? order(bed, given, { limits }) : null;
    },
  });
}
