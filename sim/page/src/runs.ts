// Runs that can be looked at, one at a time, each with the viewer of the page of a run.
import { draw, type Diagram, type State } from "./diagram";
import { drawEvidence, drawSteps, element } from "./head";
import { instant } from "./time";
import { drawWhole } from "./whole";
import type { Redraw } from "./sheet";
import type { Drawn } from "./sheet-data";
import type { Picture } from "./picture";

/** Keys go to the viewer that was touched last; at first to the first one. */
let current: Diagram | undefined;
let listens = false;

function listen() {
  if (listens) return;
  listens = true;
  addEventListener("keydown", (event) => {
    const target = event.target as HTMLElement;
    if (!current || event.ctrlKey || event.metaKey || event.altKey || ["INPUT", "PRE"].includes(target.tagName) || target.classList.contains("scroll")) return;
    const keys: Record<string, (diagram: Diagram) => void> = {
      n: (it) => it.step(1), p: (it) => it.step(-1), "+": (it) => it.zoom(0.6), "=": (it) => it.zoom(0.6), "-": (it) => it.zoom(1.7),
      "0": (it) => it.story(), ArrowLeft: (it) => it.pan(-0.2), ArrowRight: (it) => it.pan(0.2),
    };
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    act(current);
  });
}

export function drawRuns(runs: Drawn[], host: HTMLElement, redraw: Redraw) {
  listen();
  const bar = element("div", "toolbar tabs");
  bar.setAttribute("role", "group");
  bar.setAttribute("aria-label", "Which run");
  const body = element("div", "run");
  const buttons = runs.map((run, number) => {
    const made = element("button", "", `${run.picture ? "" : "(not drawn) "}${run.label}`);
    made.type = "button";
    made.onclick = () => show(number);
    bar.append(made);
    return made;
  });
  if (runs.length > 1) host.append(bar);
  host.append(body);
  let again: () => void = () => {};
  const show = (number: number) => {
    buttons.forEach((button, place) => button.setAttribute("aria-pressed", String(place === number)));
    again = one(runs[number], body);
  };
  show(0);
  redraw.add(() => again());
}

/** Mounts a run, and gives what draws it anew at another width. */
function one(run: Drawn, host: HTMLElement): () => void {
  host.replaceChildren();
  if (run.note) host.append(element("p", "note", run.note));
  if (!run.picture) return () => {};
  const picture: Picture = run.picture;
  const { verdict } = picture;
  const bad = verdict.safety === "stale" || verdict.safety === "not-safe";
  const sentence = element("p", "sentence");
  sentence.append(element("b", bad ? "bad" : "good", `${bad ? "✗" : "✓"} ${verdict.word}`), ` ${verdict.sentence}`);
  host.append(sentence);
  drawEvidence(picture, host);
  const wholeStage = element("div", "stage");
  host.append(element("h3", "", "The whole run, to scale"), wholeStage);
  if (picture.inevitable) host.append(element("p", "note", picture.inevitable.sentence));
  const tools = element("div", "toolbar");
  tools.setAttribute("role", "toolbar");
  tools.setAttribute("aria-label", "Diagram");
  const now = element("p", "now");
  now.setAttribute("role", "status");
  const stage = element("div", "stage");
  const steps = element("div", "steps");
  host.append(element("h3", "", "The moments that decide"), tools, now, stage, steps);
  let whole = drawWhole(picture, wholeStage);
  let mark: (step: number) => void = () => {};
  const changed = (state: State) => {
    const moment = picture.moments[state.selected];
    now.textContent = moment ? `${state.selected + 1} of ${picture.moments.length}. ${instant(moment.at)}: ${moment.what}` : "Nothing decides here: no leader followed another one.";
    mark(state.selected);
    whole.show(state.panels);
  };
  const diagram = draw(picture, stage, { changed });
  (window as unknown as { diagram: Diagram }).diagram = diagram;
  current = diagram;
  host.onpointerdown = () => { current = diagram; };
  host.onfocus = () => { current = diagram; };
  host.addEventListener("focusin", () => { current = diagram; });
  const button = (words: string, label: string, act: () => void) => {
    const made = element("button", "", words);
    made.type = "button";
    if (label) made.setAttribute("aria-label", label);
    made.onclick = act;
    tools.append(made);
  };
  button("Story", "story, with breaks in time", () => diagram.story());
  button("One scale", "", () => diagram.scale());
  button("+", "zoom in", () => diagram.zoom(0.6));
  button("−", "zoom out", () => diagram.zoom(1.7));
  button("‹ step", "previous step", () => diagram.step(-1));
  button("step ›", "next step", () => diagram.step(1));
  tools.append(element("span", "keys", "keys: n p next, previous; + − zoom; ← → pan; 0 story"));
  if (picture.moments.length) {
    mark = drawSteps(picture, steps, (step) => diagram.select(step));
    mark(diagram.state().selected);
  }
  return () => {
    whole = drawWhole(picture, wholeStage);
    whole.show(diagram.state().panels);
    diagram.resize();
  };
}
