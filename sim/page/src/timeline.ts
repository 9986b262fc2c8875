// Bars on lanes: operations of clients around a violation, or what is known of real processes. The same as a table.
import { axisBottom } from "d3-axis";
import { scaleLinear } from "d3-scale";
import { select, type Selection } from "d3-selection";
import { scrolling, table } from "./blocks";
import { element } from "./head";
import { instant, length } from "./time";
import type { Redraw } from "./sheet";
import type { Timeline } from "./sheet-data";

const LANE = 36;
const BAR = 24;
/** Between two events where equal distances are events. */
const EVENT = 56;

export function drawTimeline(timeline: Timeline, host: HTMLElement, redraw: Redraw) {
  const stage = scrolling(timeline.name);
  const legend = element("ul", "legend");
  for (const kind of timeline.legend) {
    const item = element("li");
    const sample = element("span", `sample interval ${kind.style}`);
    sample.setAttribute("aria-hidden", "true");
    item.append(sample, kind.words);
    legend.append(item);
  }
  // The lanes' names stay in sight.
  const names = element("div", "names");
  const row = element("div", "lanes");
  row.append(names, stage);
  host.append(row, legend);
  redraw.add(() => {
    const follow = draw(timeline, stage, names);
    stage.onscroll = follow;
    // What contradicts is at the end, and comes into sight first.
    stage.scrollLeft = stage.scrollWidth;
    follow();
  });
  const order = timeline.axis === "order";
  const time = (ns: number | undefined) => (ns === undefined ? "not known" : order ? String(ns) : instant(ns));
  const rows = [...timeline.bars].sort((a, b) => a.from - b.from || a.lane - b.lane)
    .map((bar) => [timeline.lanes[bar.lane], time(bar.from), time(bar.to), bar.label, timeline.legend[bar.kind].words, bar.what]);
  host.append(table(timeline.name, ["lane", order ? "from event" : "from", order ? "to event" : "to", "", "kind", "what"], rows, true));
}

/** Draws, and gives what keeps labels in sight when the lanes scroll. */
function draw(timeline: Timeline, host: HTMLElement, names: HTMLElement) {
  host.replaceChildren();
  names.replaceChildren();
  const order = timeline.axis === "order";
  const left = 6;
  const width = order ? Math.max(280, left + EVENT * (timeline.end + 1)) : Math.max(520, host.clientWidth);
  const height = timeline.lanes.length * LANE + (order ? 12 : 40);
  const x = scaleLinear([0, Math.max(1, timeline.end)], [left, width - 12]);
  const svg = select(host).append("svg").attr("width", width).attr("height", height).attr("viewBox", `0 0 ${width} ${height}`).attr("class", "timeline").attr("role", "img").attr("aria-label", `${timeline.name} The table below says the same.`);
  const labels: { text: Selection<SVGTextElement, unknown, null, undefined>; from: number; last: number }[] = [];
  timeline.lanes.forEach((lane, place) => {
    const middle = place * LANE + LANE / 2;
    const name = element("div", "name", lane);
    name.style.height = `${LANE}px`;
    names.append(name);
    svg.append("line").attr("class", "life").attr("x1", left).attr("x2", width).attr("y1", middle).attr("y2", middle);
  });
  for (const bar of timeline.bars) {
    const kind = timeline.legend[bar.kind];
    const a0 = x(bar.from);
    const a1 = bar.to === undefined ? width - 3 : x(bar.to);
    const top = bar.lane * LANE + (LANE - BAR) / 2;
    const size = Math.max(3, a1 - a0);
    const span = bar.to === undefined ? "no end is known" : order ? "" : `${instant(bar.from)} to ${instant(bar.to)}, ${length(bar.to - bar.from)}`;
    svg.append("rect").attr("class", `interval ${kind.style} ${bar.to === undefined ? "open" : ""}`).attr("x", a0).attr("y", top).attr("width", size).attr("height", BAR).attr("rx", 3)
      .attr("data-tip", [bar.what, kind.words, span].filter(Boolean).join(". "));
    const fits = Math.floor((size - 8) / 6.6);
    if (fits >= Math.min(3, bar.label.length)) {
      const label = bar.label.length <= fits ? bar.label : `${bar.label.slice(0, fits - 1)}…`;
      const text = svg.append("text").attr("class", `small inbar ${kind.style}`).attr("x", a0 + 5).attr("y", top + 16).text(label);
      labels.push({ text, from: a0 + 5, last: Math.max(a0 + 5, a1 - label.length * 6.6 - 5) });
    }
  }
  if (!order) {
    const seconds = scaleLinear([0, timeline.end / 1e9], [left, width - 12]);
    svg.append("g").attr("class", "axis").attr("transform", `translate(0,${timeline.lanes.length * LANE + 6})`).call(axisBottom(seconds).ticks(width / 110));
    const unit = element("div", "name", "seconds");
    unit.style.height = "28px";
    names.append(unit);
  }
  return () => {
    for (const { text, from, last } of labels) text.attr("x", Math.min(last, Math.max(from, host.scrollLeft + 5)));
  };
}
