// A page of `sim`: reads the data that lies in it and mounts the parts.
import "./style.css";
import { drawCurve, type Row } from "./curve";
import { draw, tips, type Diagram, type State } from "./diagram";
import { drawHead, drawReplay, drawSteps, element } from "./head";
import { storyLanes } from "./order";
import { mountSheet } from "./sheet";
import { instant } from "./time";
import { drawWhole } from "./whole";
import type { Sheet } from "./sheet-data";
import type { Picture } from "./picture";

export { draw, drawCurve, drawHead, drawSteps, drawWhole };
export type { Picture };

/** What `sim run --html` writes into the page. */
export interface Page {
  scenario: string;
  title: string;
  label: string;
  version: string;
  replay: string;
  /** What the run missed of what its scenario expects; null where it missed nothing. */
  unexpected: string | null;
  picture: Picture;
  rows: Row[];
  /** The swept values, decimal, in the unit's smallest part. */
  values: (string | null)[];
  swept: string;
  /** `span` (ns), `rate` (parts per billion) or `number`. */
  unit: string;
}

function section(host: HTMLElement, heading: string): HTMLElement {
  const made = element("section", "part");
  made.append(element("h2", "", heading));
  const body = element("div");
  made.append(body);
  host.append(made);
  return body;
}

function button(host: HTMLElement, words: string, label: string, act: () => void): HTMLButtonElement {
  const made = element("button", "", words);
  made.type = "button";
  if (label) made.setAttribute("aria-label", label);
  made.onclick = act;
  host.append(made);
  return made;
}

/** `#s=15` is a step; `#t=1000-2000` is a view in ns. */
function permalink(): { selected?: number; view?: [number, number] } {
  const hash = new URLSearchParams(location.hash.slice(1));
  const step = Number(hash.get("s"));
  const view = hash.get("t")?.match(/^(-?\d+)\.\.(-?\d+)$/);
  return { selected: Number.isInteger(step) && step > 0 ? step - 1 : undefined, view: view ? [Number(view[1]), Number(view[2])] : undefined };
}

/** Mounts the page of one run. */
export function mount(page: Page, host: HTMLElement): Diagram {
  const { picture } = page;
  const where = page.label ? `${page.scenario}, row ${page.label}` : page.scenario;
  drawHead(picture, host, where);
  if (page.unexpected) host.querySelector("h1")?.after(element("p", "answer bad", `✗ ${page.unexpected}`));
  const firstStale = page.rows.findIndex((row) => row.stale_reads > 0);
  if (page.swept && firstStale > 0) {
    host.querySelector(".cards section:last-child")?.append(element("p", "fact", `Measured: no stale read at ${page.rows[firstStale - 1].label}, stale reads at ${page.rows[firstStale].label}.`));
  }
  const whole = drawWholeInto(section(host, "The whole run, to scale"));

  const part = section(host, "The moments that decide");
  const bar = element("div", "toolbar");
  bar.setAttribute("role", "toolbar");
  bar.setAttribute("aria-label", "Diagram");
  const now = element("p", "now");
  now.setAttribute("role", "status");
  const stage = element("div", "stage");
  part.append(bar, now, stage);
  let mark: (step: number) => void = () => {};
  let story: HTMLButtonElement | undefined;
  let scale: HTMLButtonElement | undefined;
  let ready = false;
  const changed = (state: State) => {
    const moment = picture.moments[state.selected];
    now.textContent = moment ? `${state.selected + 1} of ${picture.moments.length}. ${instant(moment.at)}: ${moment.what}` : "";
    mark(state.selected);
    whole.current.show(state.panels);
    story?.setAttribute("aria-pressed", String(!state.view));
    scale?.setAttribute("aria-pressed", String(Boolean(state.view)));
    if (ready) history.replaceState(null, "", `#s=${state.selected + 1}${state.view ? `&t=${state.view.map(Math.round).join("..")}` : ""}`);
  };
  const diagram = draw(picture, stage, { ...permalink(), changed });
  const press = () => {
    story?.setAttribute("aria-pressed", String(!diagram.state().view));
    scale?.setAttribute("aria-pressed", String(Boolean(diagram.state().view)));
  };
  story = button(bar, "Story (breaks in time)", "", () => diagram.story());
  scale = button(bar, "One scale", "", () => diagram.scale());
  press();
  button(bar, "+", "zoom in", () => diagram.zoom(0.6));
  button(bar, "−", "zoom out", () => diagram.zoom(1.7));
  button(bar, "‹ previous", "", () => diagram.step(-1));
  button(bar, "next ›", "", () => diagram.step(1));
  button(bar, picture.stale ? "stale read" : "new leader", "", () => diagram.stale());
  bar.append(element("span", "keys", "keys: n p next, previous; + − zoom; ← → pan; 0 story"));
  const filters = element("details", "filters");
  filters.append(element("summary", "", "Show and hide"));
  const boxes = element("div");
  filters.append(boxes);
  const box = (words: string, act: (on: boolean) => void) => {
    const label = element("label");
    const input = element("input");
    input.type = "checkbox";
    input.checked = true;
    input.onchange = () => act(input.checked);
    label.append(input, ` ${words}`);
    boxes.append(label);
  };
  for (const kind of ["elections", "replication", "other", "operations"]) box(kind === "operations" ? kind : `messages: ${kind}`, (on) => diagram.filter(kind, on));
  for (const lane of storyLanes(picture)) box(`lane ${lane.name}`, (on) => diagram.fold(lane.name, !on));
  part.append(legend(), filters);

  const two = element("div", "two");
  host.append(two);
  if (picture.moments.length) {
    mark = drawSteps(picture, section(two, "What happened, step by step"), (step) => diagram.select(step));
    mark(diagram.state().selected);
  }
  const right = element("div");
  two.append(right);
  if (picture.inevitable) section(right, "Until when could it be avoided?").append(element("p", "", picture.inevitable.sentence));
  const values = page.values.map((value) => (value === null ? null : Number(value)));
  drawCurve(page.rows, values, page.swept, page.unit, page.label, section(right, page.rows.length > 1 ? (page.swept ? `The margin against ${page.swept}` : "The margin of each variant") : "In numbers"));
  drawReplay(page.replay, section(right, "Run it again"));
  const setting = section(right, "What was run");
  const list = element("dl");
  for (const line of picture.setting.lines) list.append(element("dt", "", line.name), element("dd", "", line.text));
  setting.append(list);
  const { counted } = picture;
  const drawn = picture.messages.length + picture.operations.length;
  const all = counted.messages_total + counted.operations_total;
  host.append(element("p", "foot", `sim ${page.version}, seed ${picture.setting.seed}, trace ${picture.trace}, ${Number(picture.events).toLocaleString("en")} events. ` +
    (drawn < all ? `Drawn: ${drawn.toLocaleString("en")} of ${all.toLocaleString("en")} messages and operations, all within ${counted.near / 1e3} µs of a moment of the story.` : `All ${all.toLocaleString("en")} messages and operations are drawn.`)));
  tips(document.body);
  ready = true;

  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || (event.target as HTMLElement).tagName === "INPUT") return;
    const keys: Record<string, () => void> = {
      n: () => diagram.step(1), p: () => diagram.step(-1), "+": () => diagram.zoom(0.6), "=": () => diagram.zoom(0.6), "-": () => diagram.zoom(1.7),
      "0": () => diagram.story(), ArrowLeft: () => diagram.pan(-0.2), ArrowRight: () => diagram.pan(0.2),
    };
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  addEventListener("hashchange", () => {
    const { selected, view } = permalink();
    if (view) diagram.view(view[0], view[1]);
    if (selected !== undefined) diagram.select(selected);
  });
  let width = innerWidth;
  const resize = () => {
    whole.redraw();
    diagram.resize();
  };
  addEventListener("resize", () => {
    if (width === innerWidth) return;
    width = innerWidth;
    resize();
  });
  // A printed sheet has its own width.
  addEventListener("beforeprint", resize);

  function drawWholeInto(body: HTMLElement) {
    const stage = element("div", "stage");
    body.append(stage, element("p", "note", "Dotted lines join equal readings of the nodes' clocks: upright where clocks agree, slanted where they do not. A dashed outline is a promise that a perfect clock would still keep."));
    const made = { current: drawWhole(picture, stage), redraw: () => { made.current = drawWhole(picture, stage); made.current.show(diagram.state().panels); } };
    return made;
  }
  return diagram;
}

function legend(): HTMLElement {
  const made = element("ul", "legend");
  for (const [style, words] of [["lease", "lease, true and believed"], ["believed", "lease only believed"], ["promise", "promise kept"], ["owed", "promise still owed by true time"],
    ["line", "message"], ["lostline", "message lost (×)"], ["cutline", "links cut"], ["circle", "step of the story"]]) {
    const item = element("li");
    const sample = element("span", `sample ${style}`);
    sample.setAttribute("aria-hidden", "true");
    item.append(sample, words);
    made.append(item);
  }
  return made;
}

const data = document.getElementById("data");
const host = document.getElementById("page");
if (data && host) {
  const found = JSON.parse(data.textContent ?? "null") as Page | Sheet;
  if ("parts" in found) mountSheet(found, host);
  else (window as unknown as { diagram: Diagram }).diagram = mount(found, host);
}
