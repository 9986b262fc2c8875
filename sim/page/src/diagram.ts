// The moments that decide, as a space-time diagram. `draw` mounts it; `update` gives it another run.
import { zoom as d3zoom, zoomIdentity } from "d3-zoom";
import { pointer, select } from "d3-selection";
import { oneScale, storyAxis, type Axis } from "./axis";
import { drawLane, places, STORY, stateAt, told, UPRIGHT, type Place } from "./lanes";
import { storyLanes } from "./order";
import { Labels, Surface, type Group } from "./surface";
import { instant, length, nice, seconds } from "./time";
import type { Message, Operation, Picture } from "./picture";

/** Above so many marks, messages and operations are painted on a canvas. */
export const CANVAS_ABOVE = 2_000;

export interface Options {
  /** The moment that is selected first. Default: the answer of the stale read, or the new leader's readiness. */
  selected?: number;
  /** The true times shown first; default: the story. */
  view?: [number, number];
  /** Told of every selection and view. */
  changed?: (state: State) => void;
}

export interface State { selected: number; view?: [number, number]; panels: { from: number; to: number }[] }

export interface Diagram {
  update(picture: Picture): void;
  select(moment: number): void;
  step(by: number): void;
  zoom(factor: number, at?: number): void;
  pan(share: number): void;
  story(): void;
  scale(): void;
  stale(): void;
  fold(lane: string, folded: boolean): void;
  filter(kind: string, shown: boolean): void;
  view(from: number, to: number): void;
  resize(): void;
  state(): State;
}

const important = (moment: { kind: string }) => moment.kind === "read-answered";

export function draw(first: Picture, host: HTMLElement, options: Options = {}): Diagram {
  let picture = first;
  let view = options.view;
  let selected = 0;
  const folded = new Set<string>();
  const hidden = new Set<string>();
  const start = () => {
    const read = picture.moments.findIndex(important);
    const ready = picture.moments.findIndex((moment) => moment.kind === "ready" && moment.at === told(picture)?.ready);
    return Math.max(0, read >= 0 ? read : ready);
  };
  selected = options.selected !== undefined && picture.moments[options.selected] ? options.selected : start();

  let axis: Axis;
  let at: Place[] = [];
  let repaint = 0;

  function render() {
    host.replaceChildren();
    const upright = host.clientWidth < 620;
    const lanes = storyLanes(picture).filter((lane) => !folded.has(lane.name));
    const gutter = upright ? 44 : 132;
    const along = upright ? 900 : host.clientWidth;
    axis = view ? oneScale(view[0], view[1], along - gutter - 6, gutter) : shifted(storyAxis(picture, along - gutter - 6), gutter);
    const rows = upright ? UPRIGHT : STORY;
    const head = upright ? 2 : 46;
    at = places(lanes, rows, head, upright ? 46 : 44, upright ? host.clientWidth - 6 : undefined);
    const size = upright ? host.clientWidth : head + lanes.reduce((sum, lane) => sum + (lane.node === undefined ? 44 : rows.size), 0) + 8;
    const frame = document.createElement("div");
    frame.className = "frame";
    host.append(frame);
    const surface = new Surface(frame, upright, along, size, "The moments that decide: messages, leases, promises and operations. The list of steps says the same in words.");
    const labels = new Labels();
    const base = surface.group();
    const traffic = surface.group("traffic");
    const over = surface.group();
    trueTime(surface, base, upright, size);
    windows(surface, base, labels, head, size);
    for (const place of at) lane(surface, base, place, labels, upright);
    cuts(surface, base, labels);
    marks(surface, traffic, frame, upright, along, size, labels);
    story(surface, over, labels, upright);
    hover(surface, upright, head, size);
    behave(surface, upright, along, gutter);
    options.changed?.(state());
  }

  function lane(surface: Surface, to: Group, place: Place, labels: Labels, upright: boolean) {
    const { lane: { name, node }, c, rows } = place;
    if (node === undefined) {
      for (const panel of axis.panels) surface.rect(to, panel.x0, panel.x1, c, c + 36, "lane client");
      if (upright) surface.text(to, 12, c + 2, name.slice(0, 7), "tiny strong");
      else surface.text(to, 2, c + 22, name, "strong");
      return;
    }
    drawLane(surface, to, picture, axis, place, labels, false);
    for (const panel of axis.panels) surface.line(to, panel.x0, c + rows.life, panel.x1, c + rows.life, "life");
    if (upright) surface.text(to, 12, c + 2, name, "strong");
    else {
      surface.text(to, 2, c + 14, name, "strong");
      ["clock", "role", "bound"].forEach((what, row) => surface.text(to, 2, c + 30 + row * 15, "", "tiny muted").attr("data-state", `${node} ${what}`));
    }
  }

  function trueTime(surface: Surface, to: Group, upright: boolean, size: number) {
    const step = nice(86 / axis.scale);
    if (!upright) surface.text(to, 2, 13, "true time, s", "tiny muted");
    axis.panels.forEach((panel, place) => {
      let last = -1e9;
      for (let t = Math.ceil(panel.from / step) * step; t <= panel.to; t += step) {
        const a = axis.x(t);
        const words = seconds(t, step);
        if (upright) surface.text(to, a + 3, size - 4, words, "tiny muted", "end");
        else if (a - words.length * 3 > last && a + words.length * 3 < panel.x1 + 16) {
          surface.text(to, a, 13, words, "tiny muted", "middle");
          surface.line(to, a, 17, a, 21, "tick");
          last = a + words.length * 3 + 6;
        }
      }
      if (axis.panels.length > 1 && !upright) surface.text(to, panel.x0 + 2, 42, String.fromCharCode(65 + place), "tiny strong");
      const next = axis.panels[place + 1];
      if (next) {
        const middle = (panel.x1 + next.x0) / 2;
        for (let c = upright ? 2 : 36; c < size - 14; c += 14) {
          surface.line(to, middle - 4, c, middle + 4, c + 7, "break");
          surface.line(to, middle + 4, c + 7, middle - 4, c + 14, "break");
        }
        surface.text(to, upright ? middle + 3 : middle, upright ? 4 : 30, length(Math.round(next.from - panel.to)), "tiny muted halo", upright ? "start" : "middle");
      }
    });
  }

  function windows(surface: Surface, to: Group, labels: Labels, head: number, size: number) {
    const change = told(picture);
    if (!change || change.over === undefined) return;
    const negative = change.ready < change.over;
    const [from, until] = negative ? [change.ready, change.over] : [change.over, change.ready];
    const [a0, a1] = [axis.x(from), axis.x(until)];
    surface.rect(to, a0, Math.max(a0 + 1, a1), head - 12, size - 4, negative ? "window" : "window safe");
    const two = `${picture.nodes[change.old ?? 0].name} and ${picture.nodes[change.new].name}`;
    const words = negative ? `stale window, ${length(until - from)}: ${two} may both answer` : `safe by ${length(until - from)}: no node may answer from a lease`;
    if (surface.upright) return;
    const left = Math.max(axis.panels[0].x0, a0) + 4;
    const begin = left + words.length * 6.6 > axis.panels[axis.panels.length - 1].x1 ? axis.panels[axis.panels.length - 1].x1 - words.length * 6.6 : left;
    if (a1 > axis.panels[0].x0 && labels.fits(begin, 44, words.length * 6.6)) surface.text(to, begin, 43, words, `small strong halo ${negative ? "bad" : "good"}`);
  }

  function cuts(surface: Surface, to: Group, labels: Labels) {
    for (const fault of picture.faults) {
      if (!["isolate", "partition", "cut"].includes(fault.word)) continue;
      const until = fault.until ?? picture.end;
      const cut = new Set(fault.nodes.length ? fault.nodes : fault.links.map(([from]) => from));
      for (const place of at) {
        if (place.lane.node === undefined || !cut.has(place.lane.node)) continue;
        const c = place.c + place.rows.size - (surface.upright ? 9 : 8);
        surface.line(to, axis.x(fault.at), c, axis.x(until), c, "cut").attr("data-tip", fault.what);
        const words = `✂ ${fault.what}`;
        const a = Math.max(axis.x(fault.at), axis.panels[0].x0) + 60;
        if (!surface.upright && labels.fits(a, c - 3, words.length * 6.2)) surface.text(to, a, c - 3, words, "small halo");
      }
    }
  }

  const cross = (node: number) => {
    const place = at.find((each) => each.lane.node === node);
    return place && place.c + place.rows.life;
  };
  const clientAt = (client: number) => at.find((place) => place.lane.client === client);

  /** The kind of message as the filter has it. */
  const group = (kind: string) => (kind.includes("vote") || kind === "timeout-now" ? "elections" : kind.includes("append") ? "replication" : "other");

  function marks(surface: Surface, to: Group, frame: HTMLElement, upright: boolean, along: number, size: number, labels: Labels) {
    const visible = (from: number, until: number) => axis.panels.some((panel) => until >= panel.from && from <= panel.to);
    const shown = (one: Operation) => one.number === picture.stale?.operation || one.number === picture.stale?.missed;
    const delays = picture.messages.filter((m) => m.got !== undefined).map((m) => m.got! - m.sent).sort((a, b) => a - b);
    // Where a message is shorter than 2.5 pixels, or there are many, all but elections and what the story names is painted:
    // a texture that shows where much happens.
    const coarse = axis.scale * (delays[delays.length >> 1] ?? 1e6) < 2.5 && picture.messages.length > 60;
    const wanted = picture.messages.filter((m) => !hidden.has(group(m.kind)) && visible(m.sent, m.got ?? m.lost ?? m.sent));
    const operations = picture.operations.filter((o) => shown(o) || (!hidden.has("operations") && visible(o.asked, o.known ?? o.asked)));
    const paints = coarse || wanted.length + operations.length > CANVAS_ABOVE;
    const elections = wanted.filter((one) => group(one.kind) === "elections").length;
    const drawn = (one: Message) => !paints || (group(one.kind) === "elections" && elections <= CANVAS_ABOVE);
    const messages = wanted.filter(drawn);
    if (paints) paint(frame, upright, along, size, wanted.filter((m) => !drawn(m)), operations.filter((o) => !shown(o)));
    for (const one of messages) {
      const [c0, c1] = [cross(one.from), cross(one.to)];
      if (c0 === undefined || c1 === undefined) continue;
      const words = `${one.kind}, ${picture.nodes[one.from].name} to ${picture.nodes[one.to].name}, sent ${instant(one.sent)}, ${one.got === undefined ? "lost" : `delivered ${instant(one.got)}`}`;
      const style = `message ${group(one.kind)}`;
      if (one.got !== undefined) surface.line(to, axis.x(one.sent), c0, axis.x(one.got), c1, style, true).attr("data-tip", words);
      else {
        const a = axis.x(one.sent) + (axis.panels.length ? 8 : 0);
        const c = c0 + Math.sign(c1 - c0) * 14;
        surface.line(to, axis.x(one.sent), c0, a, c, `${style} lost`).attr("data-tip", words);
        surface.text(to, a, c + 4, "×", "small muted", "middle");
      }
    }
    if (!paints) for (const one of operations) if (!shown(one)) operation(surface, to, one, false, labels);
    for (const one of operations) if (shown(one)) operation(surface, to, one, true, labels);
    const stale = picture.stale;
    const [missed, read] = [stale?.missed, stale?.operation].map((n) => picture.operations.find((o) => o.number === n));
    if (stale && missed && read) {
      const [c0, c1] = [clientAt(missed.client), clientAt(read.client)];
      if (c0 && c1) surface.line(to, axis.x(stale.known), c0.c + (upright ? 14 : 4), axis.x(stale.asked), c1.c + (upright ? 14 : 30), "knew", true)
        .attr("data-tip", `The missed value was known ${length(stale.stale_by)} before the read was asked`);
    }
  }

  function operation(surface: Surface, to: Group, one: Operation, key: boolean, labels: Labels) {
    const place = clientAt(one.client);
    if (!place) return;
    const isRead = one.number === picture.stale?.operation;
    const c = place.c + 6;
    const [a0, a1] = [axis.x(one.asked), axis.x(one.known ?? one.asked) + (one.known === undefined ? 8 : 0)];
    const style = `operation ${one.stale ? "stale" : ""} ${key ? (isRead ? "read" : "missed") : ""} ${one.known === undefined ? "open" : ""}`;
    const said = one.kind === "read" ? `returned ${one.value ?? "no such key"}${one.lease ? " under a lease" : ""}` : `${one.value}: ${one.reply}`;
    const tip = `${one.stale ? "stale " : ""}${one.kind} of key ${one.key} at ${picture.nodes[one.node].name}: ${said}; asked ${instant(one.asked)}${one.known === undefined ? ", no answer" : `, answered ${instant(one.known)}`}`;
    surface.rect(to, a0, Math.max(a0 + 3, a1), c, c + 24, style, tip).attr("rx", 3);
    const life = cross(one.node);
    if (life !== undefined && one.answered !== undefined && one.known !== undefined) {
      const down = life > c;
      const edge = down ? c + 24 : c;
      const middle = axis.x(one.answered);
      const line = key ? (isRead ? "request read" : "request missed") : "request";
      surface.line(to, a0, edge, middle, life, line, key);
      surface.line(to, middle, life, a1, edge, line, key);
    }
    const words = key ? (isRead ? `✗ stale read → ${one.value ?? "nothing"}` : `missed write of ${one.value}`) : `${one.stale ? "✗ " : ""}${one.value ?? ""}`;
    if (surface.upright) return;
    if (!key) {
      if (a1 - a0 > words.length * 6.4 + 4 && labels.fits(a0 + 3, c + 17, words.length * 6.4)) surface.text(to, (a0 + a1) / 2, c + 16, words, "tiny", "middle");
      return;
    }
    const right = a1 + words.length * 7 + 8 < axis.panels[axis.panels.length - 1].x1;
    labels.fits(right ? a1 + 5 : a0 - 5 - words.length * 7, c + 17, words.length * 7);
    surface.text(to, right ? a1 + 12 : a0 - 12, c + 16, words, `strong halo ${isRead ? "bad" : "good"}`, right ? "start" : "end");
  }

  /** Many marks: lines on a canvas below the SVG. */
  function paint(frame: HTMLElement, upright: boolean, along: number, size: number, messages: Message[], operations: Operation[]) {
    const canvas = document.createElement("canvas");
    const [width, height] = upright ? [size, along] : [along, size];
    const ratio = Math.min(2, devicePixelRatio || 1);
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    canvas.style.cssText = `width:${width}px;height:${height}px`;
    canvas.setAttribute("aria-hidden", "true");
    canvas.className = "many";
    frame.append(canvas);
    const context = canvas.getContext("2d")!;
    context.scale(ratio, ratio);
    const ink = (name: string) => getComputedStyle(host).getPropertyValue(name).trim();
    const stroke = (colour: string, lines: (move: (a: number, c: number, b: number, d: number) => void) => void) => {
      context.strokeStyle = colour;
      context.beginPath();
      lines((a, c, b, d) => {
        context.moveTo(upright ? c : a, upright ? a : c);
        context.lineTo(upright ? d : b, upright ? b : d);
      });
      context.stroke();
    };
    context.globalAlpha = 0.45;
    stroke(ink("--ink"), (line) => {
      for (const one of messages) {
        const [c0, c1] = [cross(one.from), cross(one.to)];
        if (c0 !== undefined && c1 !== undefined) line(axis.x(one.sent), c0, axis.x(one.got ?? one.sent), one.got === undefined ? c0 + Math.sign(c1 - c0) * 12 : c1);
      }
    });
    for (const stale of [false, true]) stroke(ink(stale ? "--bad" : "--ink"), (line) => {
      for (const one of operations) {
        const place = one.stale === stale ? clientAt(one.client) : undefined;
        if (!place) continue;
        const [a0, a1] = [axis.x(one.asked), axis.x(one.known ?? one.asked) + 1];
        for (const c of [place.c + 6, place.c + 30]) line(a0, c, a1, c);
        for (const a of [a0, a1]) line(a, place.c + 6, a, place.c + 30);
      }
    });
  }

  function story(surface: Surface, to: Group, _labels: Labels, upright: boolean) {
    const used: [number, number][] = [];
    picture.moments.forEach((moment, number) => {
      if (!axis.shows(moment.at)) return;
      const operation = picture.operations.find((o) => o.number === moment.operation);
      const place = moment.node !== undefined ? at.find((p) => p.lane.node === moment.node) : operation ? clientAt(operation.client) : at.find((p) => p.lane.node !== undefined);
      if (!place) return;
      const a = axis.x(moment.at);
      let c = place.lane.node === undefined ? place.c + 18 : place.c + place.rows.life;
      let tries = 0;
      while (used.some(([x, y]) => Math.abs(x - a) < 17 && Math.abs(y - c) < 16) && tries++ < 3) c += 16;
      if (tries > 3) return;
      used.push([a, c]);
      const current = number === selected;
      const [x, y] = upright ? [c, a] : [a, c];
      const mark = to.append("g").attr("class", `step ${current ? "current" : ""}`).attr("transform", `translate(${x},${y})`)
        .attr("tabindex", 0).attr("role", "button").attr("aria-label", `Step ${number + 1}, ${instant(moment.at)}: ${moment.what}`)
        .attr("data-tip", `${number + 1}. ${instant(moment.at)}: ${moment.what}`);
      mark.append("circle").attr("r", current ? 10 : 8.5);
      mark.append("text").attr("y", 3.5).attr("text-anchor", "middle").attr("class", "tiny strong").text(number + 1);
      mark.on("click", () => pick(number)).on("keydown", (event: KeyboardEvent) => {
        if (event.key === "Enter" || event.key === " ") { event.preventDefault(); pick(number); }
      });
    });
    // Where it is an image only, its buttons would be hidden from screen readers.
    surface.svg.attr("role", "group");
  }

  function say(at: number) {
    for (const text of host.querySelectorAll<SVGTextElement>("[data-state]")) {
      const [node, what] = text.dataset.state!.split(" ");
      const now = stateAt(picture, Number(node), at);
      text.textContent = what === "clock" ? `clock ${now.clock}` : now[what as "role" | "bound"];
    }
  }

  function hover(surface: Surface, upright: boolean, head: number, size: number) {
    const line = surface.line(surface.group(), -9, head - 10, -9, size - 4, "cursor");
    const base = picture.moments[selected]?.at ?? 0;
    say(base);
    surface.svg.on("mousemove", (event: MouseEvent) => {
      const [x, y] = pointer(event);
      const time = axis.at(upright ? y : x);
      if (time === undefined) return;
      const a = axis.x(time);
      if (upright) line.attr("y1", a).attr("y2", a).attr("x1", 0).attr("x2", size);
      else line.attr("x1", a).attr("x2", a);
      say(time);
    }).on("mouseleave", () => say(base));
  }

  function behave(surface: Surface, upright: boolean, along: number, gutter: number) {
    if (!view) return;
    const width = along - gutter - 6;
    const from = view;
    const behaviour = d3zoom<SVGSVGElement, unknown>().scaleExtent([0.02, 50]).filter((event) => !upright && !event.button).on("zoom", (event) => {
      if (!event.sourceEvent) return;
      const t = event.transform;
      const span = (from[1] - from[0]) / t.k;
      const begin = from[0] - ((t.x + gutter * (t.k - 1)) / width) * span;
      view = bounded(begin, begin + span);
      cancelAnimationFrame(repaint);
      repaint = requestAnimationFrame(soft);
    }).on("end", (event) => event.sourceEvent && render());
    surface.svg.call(behaviour).call(behaviour.transform, zoomIdentity).on("dblclick.zoom", null);
  }

  /** A new frame while the pointer is down: the old drawing stays below the pointer until it is let go, moved and stretched. */
  function soft() {
    const svg = host.querySelector<SVGSVGElement>("svg");
    if (!svg || !view) return;
    const next = oneScale(view[0], view[1], axis.panels[0].x1 - axis.panels[0].x0, axis.panels[0].x0);
    const k = next.scale / axis.scale;
    const shift = next.x(axis.panels[0].from) - axis.panels[0].x0 * k;
    for (const layer of host.querySelectorAll<HTMLElement | SVGElement>(".traffic, canvas.many")) {
      layer.style.transformOrigin = "0 0";
      layer.style.transform = `translateX(${shift}px) scaleX(${k})`;
    }
    for (const layer of svg.querySelectorAll<SVGGElement>(":scope > g")) {
      layer.style.transform = `translateX(${shift}px) scaleX(${k})`;
    }
  }

  const bounded = (from: number, to: number): [number, number] => {
    const least = Math.max(2_000, to - from);
    const width = Math.min(least, picture.end * 1.2);
    const begin = Math.max(-picture.end * 0.1, Math.min(from, picture.end * 1.1 - width));
    return [begin, begin + width];
  };
  const shifted = (story: Axis, by: number): Axis => ({
    ...story,
    panels: story.panels.map((panel) => ({ ...panel, x0: panel.x0 + by, x1: panel.x1 + by })),
    x: (time) => story.x(time) + by,
    at: (x) => story.at(x - by),
  });
  const state = (): State => ({ selected, view, panels: axis.panels });

  function pick(number: number) {
    selected = Math.max(0, Math.min(picture.moments.length - 1, number));
    const moment = picture.moments[selected];
    if (moment && view && (moment.at < view[0] || moment.at > view[1])) {
      const half = (view[1] - view[0]) / 2;
      view = bounded(moment.at - half, moment.at + half);
    }
    render();
  }

  function zoom(factor: number, around?: number) {
    const moment = picture.moments[selected]?.at ?? picture.end / 2;
    const center = around ?? moment;
    if (!view) {
      const panel = axis.panels.find((each) => center >= each.from && center <= each.to) ?? axis.panels[0];
      view = [panel.from, panel.to];
    } else {
      const middle = center < view[0] || center > view[1] ? (view[0] + view[1]) / 2 : center;
      view = bounded(middle - (middle - view[0]) * factor, middle + (view[1] - middle) * factor);
    }
    render();
  }

  render();
  return {
    update(next) { picture = next; view = undefined; selected = start(); render(); },
    select: pick,
    step: (by) => pick(selected + by),
    zoom,
    pan(share) {
      if (!view) zoom(1);
      const by = (view![1] - view![0]) * share;
      view = bounded(view![0] + by, view![1] + by);
      render();
    },
    story() { view = undefined; render(); },
    scale() {
      const all = picture.moments.map((moment) => moment.at);
      const [from, to] = all.length ? [Math.min(...all), Math.max(...all)] : [0, picture.end];
      const pad = Math.max(1e6, (to - from) * 0.06);
      view = bounded(from - pad, to + pad);
      render();
    },
    stale() { view = undefined; pick(start()); },
    fold(lane, gone) { if (gone) folded.add(lane); else folded.delete(lane); render(); },
    filter(kind, shown) { if (shown) hidden.delete(kind); else hidden.add(kind); render(); },
    view(from, to) { view = bounded(from, to); render(); },
    resize: render,
    state,
  };
}

/** The tooltip follows whatever has `data-tip`. */
export function tips(root: HTMLElement) {
  const tip = select(root).append("div").attr("id", "tip").attr("role", "presentation").attr("hidden", "");
  const show = (event: MouseEvent | FocusEvent) => {
    const mark = (event.target as Element | null)?.closest?.<HTMLElement>("[data-tip]");
    tip.attr("hidden", mark ? null : "");
    if (!mark) return;
    const box = mark.getBoundingClientRect();
    const [x, y] = event instanceof MouseEvent ? [event.clientX, event.clientY] : [box.right, box.bottom];
    tip.text(mark.dataset.tip ?? "").style("left", `${Math.max(4, Math.min(x + 12, innerWidth - 340))}px`).style("top", `${Math.min(y + 14, innerHeight - 80)}px`);
  };
  root.addEventListener("mousemove", show);
  root.addEventListener("focusin", show);
}
