// The rows of a sweep or of variants: a curve with theory's line or bars, and the same as a table.
import { axisBottom, axisLeft } from "d3-axis";
import { extent } from "./extent";
import { scaleLinear } from "d3-scale";
import { select } from "d3-selection";
import { line } from "d3-shape";
import { element } from "./head";
import { length } from "./time";

export interface Row { label: string; margin_ns_min: number | null; stale_reads: number; reads: number; stale_by_ns_max: number; finding: string; safety: string; theory: { safe: boolean | null; slack_ns?: number } }

const stale = (row: Row) => row.finding === "stale-reads" || row.finding === "not-linearizable";

export function drawCurve(rows: Row[], values: (number | null)[], swept: string, unit: string, current: string, host: HTMLElement) {
  const width = Math.max(280, host.clientWidth);
  const points = rows.map((row, place) => ({ row, value: values[place], margin: row.margin_ns_min }));
  const swept_ok = points.length > 2 && points.every((point) => point.value !== null);
  if (swept_ok) {
    const height = 300;
    const edge = { left: 62, right: 16, top: 24, bottom: 44 };
    const scale = unit === "rate" ? 1e7 : unit === "span" ? 1e9 : 1;
    const named = unit === "rate" ? "%" : unit === "span" ? "s" : "";
    const known = points.filter((point) => point.margin !== null);
    const x = scaleLinear(extent(points.map((point) => point.value! / scale)), [edge.left, width - edge.right]).nice();
    const lines = known.flatMap((point) => [point.margin!, point.row.theory.slack_ns ?? point.margin!]);
    const y = scaleLinear(extent([...lines, 0].map((ns) => ns / 1e9)), [height - edge.bottom, edge.top]).nice();
    const svg = select(host).append("svg").attr("width", width).attr("height", height).attr("viewBox", `0 0 ${width} ${height}`).attr("role", "img")
      .attr("aria-label", `Margin of each row against ${swept}. The table below has the numbers.`);
    const first = points.findIndex((point) => stale(point.row));
    if (first > 0) {
      const border = (points[first].value! + points[first - 1].value!) / 2 / scale;
      svg.append("rect").attr("class", "window").attr("x", x(border)).attr("y", edge.top).attr("width", width - edge.right - x(border)).attr("height", height - edge.bottom - edge.top);
      const words = "✗ stale reads";
      svg.append("text").attr("class", "small bad halo").attr("x", Math.min(x(border) + 6, width - edge.right - 84)).attr("y", edge.top + 13).text(words);
    }
    svg.append("g").attr("class", "axis").attr("transform", `translate(0,${height - edge.bottom})`).call(axisBottom(x).ticks(width / 90));
    svg.append("g").attr("class", "axis").attr("transform", `translate(${edge.left},0)`).call(axisLeft(y).ticks(6));
    svg.append("text").attr("class", "small muted").attr("x", (edge.left + width - edge.right) / 2).attr("y", height - 8).attr("text-anchor", "middle").text(`${swept}${named ? `, ${named}` : ""}`);
    svg.append("text").attr("class", "small muted").attr("x", 4).attr("y", 11).text("margin, s");
    svg.append("line").attr("class", "zero").attr("x1", edge.left).attr("x2", width - edge.right).attr("y1", y(0)).attr("y2", y(0));
    const theory = known.filter((point) => point.row.theory.slack_ns !== undefined);
    svg.append("path").attr("class", "theory").attr("d", line<(typeof known)[0]>((point) => x(point.value! / scale), (point) => y(point.row.theory.slack_ns! / 1e9))(theory));
    if (theory.length) {
      svg.append("text").attr("class", "small muted halo").attr("x", edge.left + 8).attr("y", height - edge.bottom - 10).text("dashed: theory, without messages and waits");
    }
    for (const point of known) {
      const place: [number, number] = [x(point.value! / scale), y(point.margin! / 1e9)];
      const tip = `${point.row.label}: margin ${length(point.margin!)}, ${point.row.stale_reads} of ${point.row.reads} reads stale`;
      if (stale(point.row)) svg.append("text").attr("class", "cross").attr("x", place[0]).attr("y", place[1] + 5).attr("text-anchor", "middle").attr("data-tip", tip).text("✗");
      else svg.append("circle").attr("class", "dot").attr("cx", place[0]).attr("cy", place[1]).attr("r", 4).attr("data-tip", tip);
      if (point.row.label === current) {
        svg.append("circle").attr("class", "ring").attr("cx", place[0]).attr("cy", place[1]).attr("r", 10);
        const left = place[0] > width / 2;
        svg.append("text").attr("class", "small strong halo").attr("x", place[0] + (left ? -14 : 14)).attr("y", place[1] + 22).attr("text-anchor", left ? "end" : "start").text(`this run: ${point.row.label}, ${length(point.margin!)}`);
      }
    }
  } else if (points.length > 1) {
    const known = points.filter((point) => point.margin !== null);
    const x = scaleLinear(extent([...known.map((point) => point.margin!), 0]), [10, width - 10]);
    const svg = select(host).append("svg").attr("width", width).attr("height", known.length * 46 + 24).attr("role", "img").attr("aria-label", "Margin of each variant. The table below has the numbers.");
    known.forEach((point, place) => {
      const top = place * 46;
      const bad = stale(point.row) || point.margin! < 0;
      svg.append("text").attr("class", point.row.label === current ? "small strong" : "small").attr("x", 2).attr("y", top + 14).text(`${bad ? "✗" : "✓"} ${point.row.label}: ${length(point.margin!)}`);
      svg.append("rect").attr("class", bad ? "bar bad" : "bar good").attr("x", Math.min(x(0), x(point.margin!))).attr("y", top + 20).attr("width", Math.max(1, Math.abs(x(point.margin!) - x(0)))).attr("height", 14);
    });
    svg.append("line").attr("class", "zero").attr("x1", x(0)).attr("x2", x(0)).attr("y1", 18).attr("y2", known.length * 46);
    svg.append("text").attr("class", "tiny muted").attr("x", Math.max(60, Math.min(width - 60, x(0)))).attr("y", known.length * 46 + 14).attr("text-anchor", "middle").text("margin 0");
  }
  host.append(table(rows, points.length > 1));
}

function table(rows: Row[], folded: boolean): HTMLElement {
  const made = element("table");
  const head = made.createTHead().insertRow();
  for (const name of ["row", "margin", "theory", "stale reads", "stale by up to", "verdict"]) {
    const cell = element("th", "", name);
    cell.scope = "col";
    head.append(cell);
  }
  const body = made.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    const slack = row.theory.slack_ns;
    const cells = [row.label || "the run", row.margin_ns_min === null ? "none" : length(row.margin_ns_min), slack === undefined ? "not covered" : length(slack),
      `${row.stale_reads} of ${row.reads}`, row.stale_by_ns_max ? length(row.stale_by_ns_max) : "", `${stale(row) || row.safety === "not-safe" ? "✗" : "✓"} ${row.safety.replace("-", " ")}`];
    for (const text of cells) line.insertCell().textContent = text;
  }
  const scroll = element("div", "scroll");
  scroll.tabIndex = 0;
  scroll.setAttribute("role", "region");
  scroll.setAttribute("aria-label", "Table of rows");
  scroll.append(made);
  if (!folded) return scroll;
  const details = element("details");
  details.append(element("summary", "", "The same as a table"), scroll);
  return details;
}
