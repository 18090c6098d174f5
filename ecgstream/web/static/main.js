// The page from its first moment: who is here, what is shown, what is said aloud.

import { BedPage } from "./bed.js";
import { ask, askDisplay, field } from "./dialogs.js";
import { Live } from "./live.js";
import { forgetGrids } from "./paper.js";
import { Screen } from "./sweep.js";
import { Ward } from "./tiles.js";
import { MARKS, PRIORITIES, bedName, clock, elapsed, element, plain, setText } from "./words.js";

const live = new Live();
const screen = new Screen(live);
const main = document.getElementById("main");
const at = (id) => document.getElementById(id);
let view = null;
let told = new Map(); // alerts said aloud: id to state

function useTheme() {
  const wanted = localStorage.getItem("theme") ?? "";
  if (wanted) document.documentElement.dataset.theme = wanted;
  else delete document.documentElement.dataset.theme;
  forgetGrids();
  screen.redraw();
}

function route() {
  const before = view?.bed?.id;
  view?.close();
  const [, kind, id] = location.hash.split("/");
  const bed = kind === "bed" ? [...live.beds.values()].find((bed) => bed.id === decodeURIComponent(id ?? "")) : null;
  if (kind === "bed" && !bed && !live.hello) return;
  view = bed ? new BedPage(main, live, screen, bed) : new Ward(main, live, screen);
  document.title = bed ? `${bed.id} · ecgstream` : "ecgstream · ward";
  document.body.dataset.view = bed ? "bed" : "ward";
  scrollTo(0, 0);
  view.focus(before);
  view.tick();
}

// ------------------------------------------------------------------------------------------------------- signing in

async function begin() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token) {
    history.replaceState(null, "", location.pathname); // out of the address bar at once
    await signIn(token);
  }
  const session = await (await fetch("session")).json();
  if (session.signedIn) live.connect();
  else askToken();
}

async function signIn(token) {
  const answer = await fetch("session", { method: "POST", body: token });
  return answer.ok ? null : (await answer.json()).text;
}

function askToken() {
  live.close();
  ask("Sign in", [field("Token", "token", { type: "password", required: true, autocomplete: "current-password" })], {
    action: "Sign in",
    note: "Whoever runs this page hands out tokens to view, to acknowledge or to configure.",
    submit: async ({ token }) => {
      const wrong = await signIn(token);
      if (!wrong) live.connect();
      return wrong;
    },
  });
}

async function signOut() {
  await fetch("session", { method: "DELETE" });
  location.reload();
}

function showSession() {
  const { needsToken, name, role, banner, since } = live.hello;
  const sign = at("sign");
  sign.hidden = !needsToken;
  sign.textContent = name;
  sign.title = `${name}, may ${role}. Sign out`;
  sign.onclick = signOut;
  const said = { demo: "Demonstration: simulated patients", replay: "Replay: recorded, not live" }[banner];
  at("banner").hidden = !said && !since;
  at("banner").textContent = [said, since].filter(Boolean).join(" · ");
  document.body.dataset.banner = banner;
}

// ---------------------------------------------------------------------------------------------------------- the ward

function showCounts() {
  const counts = { 3: 0, 2: 0, 1: 0 };
  for (const { alert } of live.alerts()) if (alert.state !== "acknowledged") counts[alert.priority] += 1;
  const shown = [3, 2, 1].map((priority) => element("li", { class: "count", "data-priority": priority, "data-n": counts[priority] },
    element("span", { "aria-hidden": "true" }, MARKS[priority]), ` ${counts[priority]} `, element("span", { class: "name" }, PRIORITIES[priority])));
  at("counts").replaceChildren(...shown);
}

/** New alarms, and those that are over, for those who hear the page. */
function sayAlarms(beds) {
  const said = { "say-now": [], say: [] };
  for (const bed of beds) {
    for (const { id, state, priority, condition } of bed.alerts) {
      if (told.get(id) === state || state === "acknowledged") continue;
      const text = `${bedName(bed.id).bed}: ${plain(condition)}, ${PRIORITIES[priority]} priority${state === "latched" ? ", over" : ""}.`;
      said[priority === 3 ? "say-now" : "say"].push(text);
      told.set(id, state);
    }
  }
  for (const [where, texts] of Object.entries(said)) if (texts.length) at(where).textContent = texts.join(" ");
  if (told.size > 2000) told = new Map([...told].slice(-500));
}

function tick() {
  const silent = live.isSilent();
  at("link").dataset.state = silent ? "lost" : "live";
  setText(at("link-text"), silent ? (live.hello ? "No connection" : "Connecting …") : `Live · ${live.beds.size} beds`);
  at("lost").hidden = !(silent && live.hello);
  if (silent && live.hello) {
    setText(at("lost"), `No connection for ${elapsed(performance.now() - live.heardMs)}. What is shown is old. Trying again …`);
  }
  setText(at("clock"), clock(live.nowMs()));
  view?.tick();
  screen.align();
}

live.addEventListener("hello", () => {
  showSession();
  if (view) route();
});
live.addEventListener("news", ({ detail: { changed, vitals, gone } }) => {
  if (!view) route();
  else if (view.bed && !live.beds.has(view.bed.n)) route();
  else if (!view.bed && location.hash.startsWith("#/bed/")) route();
  else view.update(changed, vitals, gone);
  if (changed.length || gone.length) showCounts();
  sayAlarms(changed);
});
live.addEventListener("lost", async () => {
  const session = await fetch("session").then((answer) => answer.json()).catch(() => null);
  if (session && !session.signedIn) askToken();
});
addEventListener("hashchange", route);
at("dialog").addEventListener("close", ({ target }) => {
  const { activeElement, body } = document;
  if (activeElement === body || target.contains(activeElement)) view?.focus(); // what opened it is gone
});
at("settings").addEventListener("click", () => askDisplay(() => { useTheme(); view?.close(); route(); }));
matchMedia("(prefers-color-scheme: light)").addEventListener("change", useTheme);
setInterval(tick, 250);
useTheme();
showCounts();
begin();

/** For tests and for curious operators. */
window.ecgstream = { live, screen };
