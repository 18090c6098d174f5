// Questions the page asks: who signs in, how large the display is, who orders what and why.

import { calibrate, calibration, pxPerMm } from "./paper.js";
import { element } from "./words.js";

const dialog = () => document.getElementById("dialog");

/** Opens the dialog with a form; `submit` gets its values and returns a sentence where something is wrong. */
export function ask(title, fields, { action, submit, note, wide = false }) {
  const fault = element("p", { class: "fault", role: "alert" });
  const go = element("button", { class: "primary" }, action);
  const form = element("form", { method: "dialog" },
    element("h2", { id: "dialog-title" }, title), ...(note ? [element("p", { class: "note" }, note)] : []),
    ...fields, fault,
    element("div", { class: "buttons" }, element("button", { type: "button", onclick: () => dialog().close() }, "Cancel"), go));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    go.disabled = true;
    fault.textContent = "";
    const wrong = await submit(Object.fromEntries(new FormData(form))).catch((error) => `The server cannot be reached (${error.message}).`);
    go.disabled = false;
    if (wrong) fault.textContent = wrong;
    else dialog().close();
  });
  dialog().classList.toggle("wide", wide);
  dialog().replaceChildren(form);
  dialog().showModal();
}

export const field = (label, name, properties = {}, note = "") => element("label", { class: "field" }, label,
  element(properties.type === "textarea" ? "textarea" : "input", { name, autocomplete: "off", ...properties }),
  ...(note ? [element("small", {}, note)] : []));

export const choice = (label, name, options, chosen) => element("label", { class: "field" }, label,
  element("select", { name }, ...options.map(([value, text]) => element("option", { value, selected: value === chosen }, text))));

/** Light or dark, and the size of a millimetre, measured with a ruler. */
export function askDisplay(changed) {
  const theme = localStorage.getItem("theme") ?? "";
  const ruler = element("div", { class: "ruler", "aria-hidden": "true" });
  const size = element("input", { name: "mm", type: "number", min: 15, max: 150, step: 0.5, value: 50, required: true });
  const drawn = 50 * pxPerMm();
  ruler.style.width = `${drawn}px`;
  ask("Display", [
    choice("Colours", "theme", [["", "as the system"], ["dark", "dark"], ["light", "light"]], theme),
    element("div", { class: "field" }, "Lay a ruler on this bar", ruler),
    element("label", { class: "field" }, "It is so many millimetres long", size,
      element("small", {}, "ECG is then drawn at 25 mm/s and 10 mm/mV on this very screen.")),
  ], {
    action: "Use", submit: async ({ theme: wanted, mm }) => {
      localStorage.setItem("theme", wanted);
      calibrate(calibration() * (50 / Number(mm)));
      changed();
    },
  });
}
