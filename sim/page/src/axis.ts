// From true time to pixels along the diagram: one scale, or panels of one scale with breaks between them.
import { scaleLinear } from "d3-scale";
import type { Picture } from "./picture";

export interface Panel { from: number; to: number; x0: number; x1: number }

export interface Axis {
  panels: Panel[];
  /** Pixels of a true time; between panels it lies in the break. */
  x(at: number): number;
  /** The true time at a pixel; undefined in a break. */
  at(x: number): number | undefined;
  shows(at: number): boolean;
  /** Pixels a nanosecond. */
  scale: number;
}

function axis(panels: Panel[]): Axis {
  const scales = panels.map((panel) => scaleLinear([panel.from, panel.to], [panel.x0, panel.x1]));
  const first = panels[0];
  const last = panels[panels.length - 1];
  return {
    panels,
    scale: (first.x1 - first.x0) / (first.to - first.from),
    x(at) {
      if (at < first.from) return panels.length === 1 ? Math.max(first.x0 - 4, scales[0](at)) : first.x0 - 4;
      for (let place = 0; place < panels.length; place++) {
        const panel = panels[place];
        if (at < panel.from) {
          const before = panels[place - 1];
          return before.x1 + ((panel.x0 - before.x1) * (at - before.to)) / (panel.from - before.to);
        }
        if (at <= panel.to) return scales[place](at);
      }
      return panels.length === 1 ? Math.min(last.x1 + 4, scales[0](at)) : last.x1 + 4;
    },
    at(x) {
      const place = panels.findIndex((panel) => x >= panel.x0 && x <= panel.x1);
      return place < 0 ? undefined : scales[place].invert(x);
    },
    shows: (at) => panels.some((panel) => at >= panel.from && at <= panel.to),
  };
}

export const oneScale = (from: number, to: number, width: number, begin = 0): Axis =>
  axis([{ from, to, x0: begin, x1: begin + width }]);

/** Panels around the story's moments, all at one scale. */
export function storyAxis(picture: Picture, width: number): Axis {
  const change = picture.told === undefined ? undefined : picture.changes[picture.told];
  const times = picture.moments.map((moment) => moment.at);
  if (change) times.push(change.ready, ...(change.over === undefined ? [] : [change.over]));
  const sorted = [...new Set(times)].filter((at) => at >= 0 && at <= picture.end).sort((a, b) => a - b);
  if (sorted.length === 0) return oneScale(0, picture.end, width);
  const delays = picture.messages.filter((m) => m.got !== undefined).map((m) => m.got! - m.sent).sort((a, b) => a - b);
  const delay = Math.max(1_000, delays[delays.length >> 1] ?? 1e6);
  const pad = 24;
  const gap = 34;
  for (let scale = 18 / delay; ; scale /= 2) {
    const groups: [number, number][] = [];
    for (const at of sorted) {
      const open = groups[groups.length - 1];
      if (open && (at - open[1]) * scale < 260) open[1] = at;
      else groups.push([at, at]);
    }
    const content = groups.reduce((sum, [from, to]) => sum + (to - from) * scale + 2 * pad, 0);
    const room = width - gap * (groups.length - 1);
    const stretch = room / content;
    if (stretch < 0.55 && groups.length > 1) continue;
    const last = scale * stretch;
    let x = 0;
    return axis(groups.map(([from, to]) => {
      const panel = { from: from - pad / scale, to: to + pad / scale, x0: x, x1: 0 };
      panel.x1 = x + (panel.to - panel.from) * last;
      x = panel.x1 + gap;
      return panel;
    }));
  }
}
