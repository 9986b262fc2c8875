// Drawing in (along, across): along is time, across are lanes. On a narrow screen time runs downwards.
import { select, type Selection } from "d3-selection";

export type Group = Selection<SVGGElement, unknown, null, undefined>;

export class Surface {
  readonly svg: Selection<SVGSVGElement, unknown, null, undefined>;
  readonly id: string;
  private static made = 0;

  constructor(readonly host: HTMLElement, readonly upright: boolean, along: number, across: number, label: string) {
    this.id = `h${Surface.made++}`;
    const [width, height] = upright ? [across, along] : [along, across];
    this.svg = select(host).append("svg").attr("width", width).attr("height", height)
      .attr("viewBox", `0 0 ${width} ${height}`).attr("role", "img").attr("aria-label", label);
    const defs = this.svg.append("defs");
    defs.append("pattern").attr("id", this.id).attr("width", 6).attr("height", 6).attr("patternUnits", "userSpaceOnUse")
      .attr("patternTransform", "rotate(45)").append("path").attr("d", "M0 0V6").attr("class", "hatch");
    defs.append("marker").attr("id", `${this.id}a`).attr("viewBox", "0 0 6 6").attr("refX", 5.5).attr("refY", 3)
      .attr("markerWidth", 6).attr("markerHeight", 6).attr("orient", "auto")
      .append("path").attr("d", "M0 0L6 3L0 6z").attr("fill", "context-stroke");
  }

  group(name = ""): Group {
    return this.svg.append("g").attr("class", name);
  }

  rect(to: Group, a0: number, a1: number, c0: number, c1: number, name: string, tip = "") {
    const [x, y, w, h] = this.upright ? [c0, a0, c1 - c0, a1 - a0] : [a0, c0, a1 - a0, c1 - c0];
    const rect = to.append("rect").attr("x", x).attr("y", y).attr("width", Math.max(0.5, w)).attr("height", Math.max(0.5, h)).attr("class", name);
    if (name.includes("hatched")) rect.style("fill", `url(#${this.id})`);
    if (tip) rect.attr("data-tip", tip);
    return rect;
  }

  line(to: Group, a0: number, c0: number, a1: number, c1: number, name: string, arrow = false) {
    const [x1, y1, x2, y2] = this.upright ? [c0, a0, c1, a1] : [a0, c0, a1, c1];
    const line = to.append("line").attr("x1", x1).attr("y1", y1).attr("x2", x2).attr("y2", y2).attr("class", name);
    if (arrow) line.attr("marker-end", `url(#${this.id}a)`);
    return line;
  }

  text(to: Group, a: number, c: number, words: string, name = "", anchor = "start") {
    const [x, y] = this.upright ? [c, a] : [a, c];
    return to.append("text").attr("x", x).attr("y", y).attr("class", name).attr("text-anchor", anchor).text(words);
  }
}

/** Keeps labels from lying on each other: a label that finds no free place is left out. */
export class Labels {
  private taken: [number, number, number, number][] = [];
  fits(x: number, y: number, width: number, height = 13): boolean {
    const box: [number, number, number, number] = [x, y - height, x + width, y];
    const hit = this.taken.some(([x0, y0, x1, y1]) => box[0] < x1 && box[2] > x0 && box[1] < y1 && box[3] > y0);
    if (!hit) this.taken.push(box);
    return !hit;
  }
}
