// What a run comes to: the verdict at once, then margin, diagrams, steps, trace hash and the scenario to keep.
import { draw, type Diagram, type State } from "../src/diagram";
import { drawEvidence, drawReplay, drawSteps, element } from "../src/head";
import { instant, length } from "../src/time";
import { drawWhole } from "../src/whole";
import type { Answer, Core, Reply, Run, Theory } from "./core";
import type { Picture } from "../src/picture";

const WORDS: Record<string, string> = { stale: "Stale read", "not-safe": "Not safe", safe: "Safe", "not-known": "Not known" };

/** What arithmetic says, in one sentence. */
export function arithmetic(theory: Theory | undefined): string {
  if (!theory) return "";
  if (theory.safe === null || theory.slack_ns === undefined) return `Arithmetic does not cover this: ${theory.why ?? "no reason given"}.`;
  return theory.safe ? `Arithmetic: safe, with room for ${length(theory.slack_ns)}.` : `Arithmetic: a stale read is possible; ${length(-theory.slack_ns)} too much.`;
}

export interface Moved { step?: number; view?: [number, number] }

export class Result {
  /** From the question to the verdict and to the drawn picture, in ms: for the tests. */
  readonly took = { verdict: 0, picture: 0 };
  /** Questions that were answered with a picture. */
  drawn = 0;
  private asked = 0;
  private readonly verdict = element("p", "verdict");
  private readonly problem = element("pre", "problem");
  private readonly body = element("div", "result");
  private readonly sentence = element("p", "sentence");
  private readonly evidence = element("div");
  private readonly whole = element("div", "stage");
  private readonly stage = element("div", "stage");
  private readonly now = element("p", "now");
  private readonly steps = element("div");
  private readonly kept = element("div");
  private diagram: Diagram | undefined;
  private picture: Picture | undefined;
  private mark: (step: number) => void = () => {};
  private lens: ReturnType<typeof drawWhole> | undefined;
  private first = 0;
  private quiet = false;
  private wanted: Moved;

  constructor(private readonly core: Core, host: HTMLElement, at: Moved, private readonly moved: (moved: Moved) => void) {
    this.wanted = at;
    this.verdict.setAttribute("role", "status");
    this.verdict.textContent = "The simulator is loading …";
    this.problem.hidden = true;
    this.body.hidden = true;
    this.now.setAttribute("role", "status");
    const bar = element("div", "toolbar");
    bar.setAttribute("role", "toolbar");
    bar.setAttribute("aria-label", "Diagram");
    const button = (words: string, label: string, act: (diagram: Diagram) => void) => {
      const made = element("button", "", words);
      made.type = "button";
      if (label) made.setAttribute("aria-label", label);
      made.onclick = () => this.diagram && act(this.diagram);
      bar.append(made);
    };
    button("Story", "story, with breaks in time", (diagram) => diagram.story());
    button("One scale", "", (diagram) => diagram.scale());
    button("+", "zoom in", (diagram) => diagram.zoom(0.6));
    button("−", "zoom out", (diagram) => diagram.zoom(1.7));
    button("‹ step", "previous step", (diagram) => diagram.step(-1));
    button("step ›", "next step", (diagram) => diagram.step(1));
    bar.append(element("span", "keys", "keys: n p next, previous step; + − zoom; 0 story"));
    const heading = (words: string) => element("h2", "", words);
    this.body.append(this.sentence, heading("The whole run, to scale"), this.whole, heading("Why"), this.evidence, heading("The moments that decide"), bar, this.now, this.stage, this.steps, this.kept);
    host.append(this.verdict, this.problem, this.body);
  }

  /** Runs it and shows what comes. `done` is told of the verdict. */
  show(run: Run, done: (answer: Answer) => void = () => {}) {
    const began = performance.now();
    const number = ++this.asked;
    this.body.setAttribute("aria-busy", "true");
    this.core.ask(run, (reply: Reply) => {
      const { answer } = reply;
      this.problem.hidden = answer.error === undefined;
      if (answer.error !== undefined) {
        this.body.hidden = true;
        this.verdict.textContent = "This cannot be run.";
        this.problem.textContent = answer.error;
        return;
      }
      if (reply.part === "verdict") {
        this.say(answer);
        done(answer);
        this.took.verdict = performance.now() - began;
      } else if (answer.picture) {
        this.body.hidden = false;
        this.see(answer.picture);
        this.keep(answer.picture, answer.toml ?? "", run);
        this.body.setAttribute("aria-busy", String(number !== this.asked));
        this.took.picture = performance.now() - began;
        this.drawn += 1;
      }
    });
  }

  private say(answer: Answer) {
    const row = answer.report?.rows[0];
    if (!row) return;
    const bad = row.safety === "stale" || row.safety === "not-safe";
    const word = element("b", bad ? "bad" : row.safety === "safe" ? "good" : "amber", `${bad ? "✗" : row.safety === "safe" ? "✓" : "?"} ${WORDS[row.safety] ?? row.safety}`);
    const reads = row.stale_reads ? `${row.stale_reads.toLocaleString("en")} of ${row.reads.toLocaleString("en")} reads stale` : `none of ${row.reads.toLocaleString("en")} reads stale`;
    this.verdict.replaceChildren(word, ` ${reads}. `, element("span", "theory-line", arithmetic(answer.theory)));
  }

  private see(picture: Picture) {
    this.picture = picture;
    const { verdict } = picture;
    const bad = verdict.safety === "stale" || verdict.safety === "not-safe";
    this.sentence.className = bad ? "sentence bad-edge" : "sentence";
    this.sentence.textContent = `${verdict.word} ${verdict.sentence}`;
    this.evidence.replaceChildren();
    drawEvidence(picture, this.evidence);
    this.lens = drawWhole(picture, this.whole);
    this.steps.replaceChildren();
    this.mark = drawSteps(picture, this.steps, (step) => this.diagram?.select(step));
    this.quiet = true;
    if (this.diagram) this.diagram.update(picture);
    else this.diagram = draw(picture, this.stage, { changed: (state) => this.changed(state) });
    this.first = this.diagram.state().selected;
    const { step, view } = this.wanted;
    this.wanted = {};
    if (view) this.diagram.view(view[0], view[1]);
    if (step !== undefined && picture.moments[step]) this.diagram.select(step);
    this.quiet = false;
    this.changed(this.diagram.state());
  }

  private changed(state: State) {
    const moment = this.picture?.moments[state.selected];
    this.now.textContent = moment ? `${state.selected + 1} of ${this.picture!.moments.length}. ${instant(moment.at)}: ${moment.what}` : "";
    this.mark(state.selected);
    this.lens?.show(state.panels);
    if (!this.quiet) this.moved({ step: state.selected === this.first ? undefined : state.selected, view: state.view });
  }

  private keep(picture: Picture, toml: string, run: Run) {
    const name = run.file.split("/").at(-1) ?? "playground.toml";
    const hash = element("p", "hash", "Trace hash ");
    hash.append(element("code", "", picture.trace), `, ${Number(picture.events).toLocaleString("en")} events. The command gives the same hash for the saved scenario:`);
    const more = element("details", "toml");
    more.open = this.kept.querySelector<HTMLDetailsElement>("details.toml")?.open ?? false;
    const text = element("pre", "", toml);
    text.tabIndex = 0;
    const tools = element("div", "toolbar");
    const copy = element("button", "", "Copy the scenario");
    copy.type = "button";
    copy.onclick = async () => {
      try {
        await navigator.clipboard.writeText(toml);
        copy.textContent = "Copied";
      } catch {
        more.open = true;
        getSelection()?.selectAllChildren(text);
        copy.textContent = "Selected: copy it with the keyboard";
      }
    };
    const save = element("a", "button", `Download ${name}`);
    save.download = name;
    save.href = `data:application/toml;charset=utf-8,${encodeURIComponent(toml)}`;
    tools.append(copy, save);
    more.append(element("summary", "", "The scenario, every value resolved"), text);
    this.kept.replaceChildren(element("h2", "", "Keep it"), hash);
    drawReplay(`cargo sim run ${name}`, this.kept);
    this.kept.append(tools, more);
  }

  /** A new width. */
  redraw() {
    if (!this.picture || !this.diagram) return;
    this.lens = drawWhole(this.picture, this.whole);
    this.quiet = true;
    this.diagram.resize();
    this.quiet = false;
  }

  key(key: string): boolean {
    const diagram = this.diagram;
    const keys: Record<string, (() => void) | undefined> = diagram ? {
      n: () => diagram.step(1), p: () => diagram.step(-1), "+": () => diagram.zoom(0.6), "=": () => diagram.zoom(0.6),
      "-": () => diagram.zoom(1.7), "0": () => diagram.story(),
    } : {};
    keys[key]?.();
    return keys[key] !== undefined;
  }
}
