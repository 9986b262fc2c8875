// Lines over an axis: measured, by theory, staleness; where it begins to be wrong; a reader for each value; the same as a table.
import { axisBottom, axisLeft } from "d3-axis";
import { scaleLinear } from "d3-scale";
import { select } from "d3-selection";
import { line } from "d3-shape";
import { table } from "./blocks";
import { extent } from "./extent";
import { element } from "./head";
import { caption, scaleOf, written } from "./units";
import type { Redraw } from "./sheet";
import type { Curve } from "./sheet-data";

const HEIGHT = 320;
const EDGE = { left: 66, right: 18, top: 24, bottom: 46 };

export function drawLines(curve: Curve, host: HTMLElement, redraw: Redraw) {
  const stage = element("div", "picture");
  const legend = element("ul", "legend");
  for (const series of curve.lines) {
    const item = element("li");
    const sample = element("span", `sample curve ${series.style}`);
    sample.setAttribute("aria-hidden", "true");
    item.append(sample, series.name);
    legend.append(item);
  }
  host.append(stage, legend);
  let at = Math.max(0, curve.values.findIndex((value) => value.bad));
  let mark: (place: number) => void = () => {};
  const reader = valueReader(curve.x.name, curve.values.map((value) => value.text), at, (place) => {
    at = place;
    mark(place);
    return say(curve, place);
  });
  redraw.add(() => {
    mark = draw(curve, stage, (place) => reader.show(place));
    mark(at);
  });
  host.append(reader.element);
  const rows = curve.values.map((value, place) => [
    value.text,
    ...curve.lines.map((series) => (series.points[place] === null ? "none" : written(curve.y.unit, series.points[place]))),
    `${value.bad ? "✗" : "✓"} ${value.what}`,
  ]);
  host.append(table(curve.name, [curve.x.name, ...curve.lines.map((series) => series.name), "what was found"], rows, true));
}

function say(curve: Curve, place: number): string {
  const value = curve.values[place];
  const numbers = curve.lines.filter((series) => series.points[place] !== null).map((series) => `${series.name} ${written(curve.y.unit, series.points[place]!)}`);
  return `${value.bad ? "✗" : "✓"} ${[value.what, ...numbers].filter(Boolean).join("; ")}`;
}

/** A slider through the values of an axis, and what is said of each: for keyboards, fingers and screen readers. */
export function valueReader(name: string, texts: string[], first: number, picked: (place: number) => string) {
  const row = element("div", "reader");
  const label = element("label");
  const input = element("input");
  input.type = "range";
  input.min = "0";
  input.max = String(Math.max(0, texts.length - 1));
  input.value = String(first);
  label.append(element("span", "", name), input);
  const output = element("output");
  row.append(label, output);
  const show = (place: number) => {
    input.value = String(place);
    input.setAttribute("aria-valuetext", texts[place] ?? "");
    const said = picked(place);
    output.replaceChildren(element("b", "", texts[place] ?? ""), ` ${said}`);
  };
  input.oninput = () => show(Number(input.value));
  show(first);
  return { element: row, show };
}

/** Draws, and gives what marks a value. */
function draw(curve: Curve, host: HTMLElement, pick: (place: number) => void) {
  host.replaceChildren();
  const width = Math.max(280, host.clientWidth);
  const all = curve.lines.flatMap((series) => series.points).filter((point): point is number => point !== null);
  const xScale = scaleOf(curve.x.unit, curve.values.map((value) => value.at));
  const yScale = scaleOf(curve.y.unit, all);
  const x = scaleLinear(extent(curve.values.map((value) => value.at / xScale.divide)), [EDGE.left, width - EDGE.right]);
  const y = scaleLinear(extent([...all, 0].map((point) => point / yScale.divide)), [HEIGHT - EDGE.bottom, EDGE.top]).nice();
  const svg = select(host).append("svg").attr("width", width).attr("height", HEIGHT).attr("viewBox", `0 0 ${width} ${HEIGHT}`).attr("role", "img").attr("aria-label", `${curve.name} The table below has the numbers.`);
  const along = (value: number) => x(value / xScale.divide);
  const up = (point: number) => y(point / yScale.divide);
  const border = curve.border;
  if (border) {
    const at = Math.max(EDGE.left, Math.min(width - EDGE.right, along(border.at)));
    const [from, to] = border.above ? [at, width - EDGE.right] : [EDGE.left, at];
    svg.append("rect").attr("class", "window").attr("x", from).attr("y", EDGE.top).attr("width", Math.max(1, to - from)).attr("height", HEIGHT - EDGE.bottom - EDGE.top);
    const words = `✗ stale reads ${border.above ? "from" : "up to"} ${border.text}`;
    const room = words.length * 6.6;
    const right = border.above ? at + 6 + room < width : at - 6 - room < 0;
    svg.append("text").attr("class", "small bad strong halo").attr("x", right ? at + 6 : at - 6).attr("y", EDGE.top + 14).attr("text-anchor", right ? "start" : "end").text(words);
  }
  svg.append("g").attr("class", "axis").attr("transform", `translate(0,${HEIGHT - EDGE.bottom})`).call(axisBottom(x).ticks(Math.max(2, width / 110)));
  svg.append("g").attr("class", "axis").attr("transform", `translate(${EDGE.left},0)`).call(axisLeft(y).ticks(6));
  svg.append("text").attr("class", "small muted").attr("x", (EDGE.left + width - EDGE.right) / 2).attr("y", HEIGHT - 8).attr("text-anchor", "middle").text(caption(curve.x.name, xScale));
  svg.append("text").attr("class", "small muted halo").attr("x", 4).attr("y", 12).text(caption(curve.y.name, yScale));
  svg.append("line").attr("class", "zero").attr("x1", EDGE.left).attr("x2", width - EDGE.right).attr("y1", up(0)).attr("y2", up(0));
  const lined = line<[number, number | null]>((point) => along(point[0]), (point) => up(point[1]!)).defined((point) => point[1] !== null);
  for (const series of curve.lines) {
    const points = curve.values.map((value, place): [number, number | null] => [value.at, series.points[place]]);
    svg.append("path").attr("class", `curve ${series.style}`).attr("d", lined(points));
    if (series.style !== "measured") continue;
    points.forEach(([at, point], place) => {
      if (point === null) return;
      const tip = `${curve.values[place].text}: ${say(curve, place)}`;
      if (curve.values[place].bad) svg.append("text").attr("class", "cross").attr("x", along(at)).attr("y", up(point) + 5).attr("text-anchor", "middle").attr("data-tip", tip).text("✗");
      else svg.append("circle").attr("class", "dot").attr("cx", along(at)).attr("cy", up(point)).attr("r", 3.5).attr("data-tip", tip);
    });
  }
  const cursor = svg.append("line").attr("class", "cursor").attr("y1", EDGE.top).attr("y2", HEIGHT - EDGE.bottom);
  svg.on("click", (event: MouseEvent) => {
    const box = svg.node()!.getBoundingClientRect();
    const at = event.clientX - box.left;
    const nearest = curve.values.reduce((best, value, place) => (Math.abs(along(value.at) - at) < Math.abs(along(curve.values[best].at) - at) ? place : best), 0);
    pick(nearest);
  });
  return (place: number) => {
    const value = curve.values[place];
    if (value) cursor.attr("x1", along(value.at)).attr("x2", along(value.at));
  };
}
