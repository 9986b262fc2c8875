// Bars with a number each, on a straight or on a logarithmic scale, and the same as a table.
import { scaleLinear, scaleLog } from "d3-scale";
import { select } from "d3-selection";
import { table } from "./blocks";
import { element } from "./head";
import { signed, type Redraw } from "./sheet";
import type { Bars } from "./sheet-data";

const ROW = 46;

export function drawBars(bars: Bars, host: HTMLElement, redraw: Redraw) {
  const stage = element("div", "picture");
  host.append(stage);
  redraw.add(() => draw(bars, stage));
  const rows = bars.bars.map((bar) => [signed(bar.tone, bar.label), bar.text, bar.remark]);
  host.append(table(bars.name, bars.columns, rows, true));
}

function draw(bars: Bars, host: HTMLElement) {
  host.replaceChildren();
  const width = Math.max(280, host.clientWidth);
  const ends = bars.bars.flatMap((bar) => [bar.value, ...(bar.range ?? [])]);
  const positive = ends.filter((value) => value > 0);
  const most = Math.max(...ends, 0);
  const least = bars.logarithmic ? Math.min(...positive, 1) / 3 : Math.min(...ends, 0);
  const scale = bars.logarithmic ? scaleLog([least, Math.max(most, 1)], [4, width - 10]).clamp(true) : scaleLinear([least, most], [4, width - 10]);
  // A logarithm of zero is nowhere: such a bar has no length.
  const at = (value: number) => (bars.logarithmic && value <= 0 ? 4 : scale(value));
  const zero = bars.logarithmic ? 4 : scale(0);
  const height = bars.bars.length * ROW + 20;
  const svg = select(host).append("svg").attr("width", width).attr("height", height).attr("viewBox", `0 0 ${width} ${height}`).attr("role", "img").attr("aria-label", `${bars.name} The table below has the numbers.`);
  if (bars.logarithmic) {
    for (let power = Math.ceil(Math.log10(least)); power <= 0; power++) {
      const a = scale(10 ** power);
      svg.append("line").attr("class", "grid").attr("x1", a).attr("x2", a).attr("y1", 0).attr("y2", height - 16);
      svg.append("text").attr("class", "tiny muted").attr("x", a).attr("y", height - 3).attr("text-anchor", "middle").text(power === 0 ? "1" : `1e${power}`);
    }
  }
  bars.bars.forEach((bar, place) => {
    const top = place * ROW;
    svg.append("text").attr("class", "small").attr("x", 2).attr("y", top + 14).text(`${signed(bar.tone, bar.label)}: ${bar.text}`);
    svg.append("rect").attr("class", `bar ${bar.tone}`).attr("x", Math.min(zero, at(bar.value))).attr("y", top + 20).attr("width", Math.max(1, Math.abs(at(bar.value) - zero))).attr("height", 14).attr("data-tip", `${bar.label}: ${bar.text}${bar.remark ? `; ${bar.remark}` : ""}`);
    if (!bar.range) return;
    const [low, high] = bar.range.map(at);
    svg.append("path").attr("class", "whisker").attr("d", `M${low} ${top + 22}v10M${low} ${top + 27}H${high}M${high} ${top + 22}v10`);
  });
  svg.append("line").attr("class", "zero").attr("x1", zero).attr("x2", zero).attr("y1", 18).attr("y2", height - 16);
}
