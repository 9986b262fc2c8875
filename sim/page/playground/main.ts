// The playground's shell: what the address says is shown, and what is shown is in the address.
//
//   #play&offset=2600&form=deadline     a setting; what is missing has its default
//   #gallery=NAME&row=LABEL             an exhibit and its variant
//   #course=3&run=2                     a page of the course and its run
//   ...&s=15&t=FROM..TO                 the selected step, and the true times shown, in ns
import "../src/style.css";
import "./playground.css";
import { tips } from "../src/diagram";
import { Core } from "./core";
import { course } from "./course";
import { gallery } from "./gallery";
import { play } from "./play";
import type { Moved, Result } from "./result";

export interface View {
  result?: Result;
  redraw(): void;
  /** True if the key meant something. */
  key(key: string): boolean;
  leave?(): void;
}

export interface Shell {
  core: Core;
  /** The step and the times that an address names. */
  moved(from: URLSearchParams): Moved;
  /** The address from now on. It is written within a fifth of a second: browsers refuse a new one at every slider event. */
  address(part: string, params: URLSearchParams, moved: Moved, value?: string): void;
  /** Writes it now. */
  flush(): void;
}

const host = document.getElementById("app")!;
let later = 0;
let pending = "";
let shown: string | undefined;
let view: View | undefined;

const shell: Shell = {
  core: new Core(),
  moved(from) {
    const step = Number(from.get("s"));
    const times = from.get("t")?.match(/^(-?\d+)\.\.(-?\d+)$/);
    return { step: Number.isInteger(step) && step > 0 ? step - 1 : undefined, view: times && Number(times[1]) < Number(times[2]) ? [Number(times[1]), Number(times[2])] : undefined };
  },
  address(part, params, { step, view }, value) {
    const words = [value === undefined ? part : `${part}=${value}`];
    if (params.size) words.push(params.toString());
    if (step !== undefined) words.push(`s=${step + 1}`);
    if (view) words.push(`t=${view.map(Math.round).join("..")}`);
    pending = `#${words.join("&")}`;
    clearTimeout(later);
    later = window.setTimeout(shell.flush, 150);
  },
  flush() {
    clearTimeout(later);
    if (pending && pending !== location.hash) history.replaceState(null, "", pending);
    if (pending) shown = location.hash;
    pending = "";
  },
};

function open() {
  clearTimeout(later);
  pending = "";
  if (view && shown === location.hash) return;
  shown = location.hash;
  view?.leave?.();
  shell.core.forget();
  host.replaceChildren();
  document.title = "Leasehold playground";
  const from = new URLSearchParams(location.hash.slice(1));
  const part = from.has("gallery") ? "gallery" : from.has("course") ? "course" : "play";
  for (const link of document.querySelectorAll("header nav a")) {
    if (link.getAttribute("href")!.startsWith(`#${part}`)) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  view = { gallery, course, play }[part](shell, host, from);
  // For tests in a browser.
  (window as unknown as { view: View }).view = view;
}

tips(document.body);
open();
addEventListener("hashchange", open);
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test((event.target as HTMLElement).tagName)) return;
  if (view?.key(event.key)) event.preventDefault();
});
let width = innerWidth;
addEventListener("resize", () => {
  if (width !== innerWidth) view?.redraw();
  width = innerWidth;
});
addEventListener("beforeprint", () => view?.redraw());
