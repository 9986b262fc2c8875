// A plane of cells, with the line between its two sides by measurement and by arithmetic.
import { axisBottom, axisLeft } from "d3-axis";
import { scaleLinear } from "d3-scale";
import { select } from "d3-selection";
import { line } from "d3-shape";
import { table } from "./blocks";
import { element } from "./head";
import { valueReader } from "./lines";
import { length } from "./time";
import { caption, scaleOf } from "./units";
import type { Redraw } from "./sheet";
import type { Map as Plane, Value } from "./sheet-data";

const EDGE = { left: 70, right: 18, top: 10, bottom: 46 };
/** A table with more cells than this helps nobody: it has the lines only. */
const CELLS_MAX = 4_000;

/** Half the way to the values on both sides. */
function sides(values: Value[], place: number): [number, number] {
  const half = (other: number) => ((values[other] ?? values[place]).at + values[place].at) / 2;
  return [half(place - 1), half(place + 1)];
}

export function drawPlane(plane: Plane, host: HTMLElement, redraw: Redraw) {
  const stage = element("div", "picture");
  host.append(stage, legend(plane));
  const at = { x: plane.columns.length >> 1, y: plane.ys.length >> 1 };
  let mark: () => void = () => {};
  const says = () => {
    mark();
    return say(plane, at.x, at.y);
  };
  const yReader = valueReader(plane.y.name, plane.ys.map((value) => value.text), at.y, (place) => {
    at.y = place;
    return says();
  });
  const xReader = valueReader(plane.x.name, plane.columns.map((column) => plane.xs[column.x].text), at.x, (place) => {
    at.x = place;
    yReader.show(at.y);
    return "";
  });
  redraw.add(() => {
    mark = draw(plane, stage, at, (x, y) => {
      at.y = y;
      xReader.show(x);
    });
    mark();
  });
  host.append(xReader.element, yReader.element);
  const cells = plane.columns.length * plane.ys.length;
  const lines = plane.columns.map((column) => [plane.xs[column.x].text, ...column.lines]);
  host.append(table(`the line of ${plane.name}`, [plane.x.name, `line by ${plane.judge}`, "line by arithmetic"], lines, true));
  if (cells > CELLS_MAX) return;
  const rows = plane.ys.map((value, y) => [value.text, ...plane.columns.map((column) => (column.cells[y] === "x" ? "✗" : "·"))]).reverse();
  const all = table(`the cells of ${plane.name}`, [`${plane.y.name} \\ ${plane.x.name}`, ...plane.columns.map((column) => plane.xs[column.x].text)], rows, true);
  all.querySelector("summary")!.textContent = "Every cell as a table (✗ a stale read, · none)";
  host.append(all);
}

function legend(plane: Plane): HTMLElement {
  const made = element("ul", "legend");
  for (const [style, words] of [["cell stale", `✗ ${plane.judge}: a stale read`], ["cell clean", `✓ ${plane.judge}: none`], ["curve measured", `the line, by ${plane.judge}`], ["ringed", "the line, by arithmetic"]]) {
    const item = element("li");
    const sample = element("span", `sample ${style}`);
    sample.setAttribute("aria-hidden", "true");
    item.append(sample, words);
    made.append(item);
  }
  return made;
}

function say(plane: Plane, x: number, y: number): string {
  const column = plane.columns[x];
  if (!column) return "";
  const margin = column.margins[y];
  const what = column.cells[y] === "x" ? "✗ a stale read" : "✓ no stale read";
  return `at ${plane.xs[column.x].text}: ${what}${margin === null || margin === undefined ? "" : `, margin ${length(margin)}`}. Line there: ${column.lines[0]} by ${plane.judge}, ${column.lines[1]} by arithmetic.`;
}

function draw(plane: Plane, host: HTMLElement, at: { x: number; y: number }, pick: (x: number, y: number) => void) {
  host.replaceChildren();
  const width = Math.max(280, host.clientWidth);
  const height = Math.round(Math.min(520, Math.max(300, width * 0.55)));
  const xScale = scaleOf(plane.x.unit, plane.xs.map((value) => value.at));
  const yScale = scaleOf(plane.y.unit, plane.ys.map((value) => value.at));
  const ends = (values: Value[], divide: number): [number, number] => [values[0].at / divide, values[values.length - 1].at / divide];
  const x = scaleLinear(ends(plane.xs, xScale.divide), [EDGE.left, width - EDGE.right]);
  const y = scaleLinear(ends(plane.ys, yScale.divide), [height - EDGE.bottom, EDGE.top]);
  const along = (value: number) => x(value / xScale.divide);
  const up = (value: number) => y(value / yScale.divide);
  const svg = select(host).append("svg").attr("width", width).attr("height", height).attr("viewBox", `0 0 ${width} ${height}`).attr("role", "img").attr("aria-label", `${plane.name} The tables below have the numbers.`);
  const pattern = svg.append("defs").append("pattern").attr("id", "plane-stale").attr("width", 6).attr("height", 6).attr("patternUnits", "userSpaceOnUse").attr("patternTransform", "rotate(45)");
  pattern.append("rect").attr("width", 6).attr("height", 6).attr("class", "cell ground");
  pattern.append("path").attr("d", "M0 0V6").attr("class", "hatch");
  const cells = svg.append("g");
  for (const column of plane.columns) {
    const [left, right] = sides(plane.xs, column.x).map(along);
    // Neighbours that are alike are one rectangle.
    let from = 0;
    for (let to = 1; to <= plane.ys.length; to++) {
      if (to < plane.ys.length && column.cells[to] === column.cells[from]) continue;
      const [low, high] = [up(sides(plane.ys, from)[0]), up(sides(plane.ys, to - 1)[1])];
      const rect = cells.append("rect").attr("x", left).attr("y", high).attr("width", right - left + 0.4).attr("height", low - high + 0.4).attr("class", column.cells[from] === "x" ? "cell stale" : "cell clean");
      if (column.cells[from] === "x") rect.style("fill", "url(#plane-stale)");
      from = to;
    }
  }
  const points = (which: "measured" | "theory") => plane.columns.filter((column) => column[which] !== undefined).map((column): [number, number] => [along(plane.xs[column.x].at), up(column[which]!)]);
  svg.append("path").attr("class", "curve measured").attr("d", line()(points("measured")));
  const theory = points("theory");
  const every = Math.ceil(theory.length / Math.max(1, Math.floor(width / 16)));
  for (const [a, b] of theory.filter((_, place) => place % every === 0)) svg.append("circle").attr("class", "ringed").attr("cx", a).attr("cy", b).attr("r", 4);
  svg.append("g").attr("class", "axis").attr("transform", `translate(0,${height - EDGE.bottom})`).call(axisBottom(x).ticks(Math.max(2, width / 110)));
  svg.append("g").attr("class", "axis").attr("transform", `translate(${EDGE.left},0)`).call(axisLeft(y).ticks(6));
  svg.append("text").attr("class", "small muted").attr("x", (EDGE.left + width - EDGE.right) / 2).attr("y", height - 8).attr("text-anchor", "middle").text(caption(plane.x.name, xScale));
  svg.append("text").attr("class", "small muted").attr("transform", `translate(13,${(EDGE.top + height - EDGE.bottom) / 2}) rotate(-90)`).attr("text-anchor", "middle").text(caption(plane.y.name, yScale));
  const chosen = svg.append("rect").attr("class", "chosen");
  const cell = (event: MouseEvent): [number, number] => {
    const box = svg.node()!.getBoundingClientRect();
    const nearest = (values: number[], to: number) => values.reduce((best, value, place) => (Math.abs(value - to) < Math.abs(values[best] - to) ? place : best), 0);
    return [nearest(plane.columns.map((column) => along(plane.xs[column.x].at)), event.clientX - box.left), nearest(plane.ys.map((value) => up(value.at)), event.clientY - box.top)];
  };
  svg.on("mousemove", (event: MouseEvent) => {
    const [a, b] = cell(event);
    svg.attr("data-tip", `${plane.ys[b].text} ${say(plane, a, b)}`);
  }).on("click", (event: MouseEvent) => pick(...cell(event)));
  return () => {
    const column = plane.columns[at.x];
    if (!column) return;
    const [left, right] = sides(plane.xs, column.x).map(along);
    const [low, high] = sides(plane.ys, at.y).map(up);
    chosen.attr("x", left).attr("width", Math.max(2, right - left)).attr("y", high).attr("height", Math.max(2, low - high));
  };
}
