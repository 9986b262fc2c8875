// The whole run to scale: leases, promises, own clocks, the stale window, how much was harmless, and when it was too late.
import { oneScale } from "./axis";
import { drawLane, equalReadings, places, told, toldLease, toldPromise, UPRIGHT, WHOLE } from "./lanes";
import { storyLanes } from "./order";
import { Labels, Surface } from "./surface";
import { instant, length } from "./time";
import type { Picture } from "./picture";

export function drawWhole(picture: Picture, host: HTMLElement) {
  host.replaceChildren();
  const upright = host.clientWidth < 620;
  const lanes = storyLanes(picture).filter((lane) => lane.node !== undefined);
  const before = upright ? 30 : 96;
  const along = upright ? 620 : host.clientWidth;
  const rows = upright ? UPRIGHT : WHOLE;
  const head = upright ? 4 : 22;
  const at = places(lanes, rows, head, 0, upright ? host.clientWidth - 8 : undefined);
  const bottom = head + (upright ? host.clientWidth - 8 : lanes.length * rows.size);
  const strip = picture.inevitable && !upright ? 40 : 0;
  const across = upright ? host.clientWidth : bottom + 62 + strip;
  const surface = new Surface(host, upright, along, across, `The whole run, ${length(picture.end)}: leases and promises of ${lanes.map((lane) => lane.name).join(", ")}`);
  const axis = oneScale(0, picture.end, along - before - 14, before);
  const labels = new Labels();
  const base = surface.group();
  for (const place of at) {
    drawLane(surface, base, picture, axis, place, labels, true);
    if (upright) surface.text(base, 14, place.c + 2, place.lane.name, "strong");
    else {
      surface.text(base, 2, place.c + 18, place.lane.name, "strong");
      surface.text(base, 2, place.c + rows.clock + 11, "own clock, s", "tiny muted");
    }
  }
  if (!upright) equalReadings(surface, base, picture, axis, at);
  const over = surface.group();
  for (const fault of picture.faults) {
    const a = axis.x(fault.at);
    surface.line(over, a, head - 4, a, bottom - 8, "faultline").attr("data-tip", `${instant(fault.at)}: ${fault.what}${fault.until === undefined ? "" : `, until ${instant(fault.until)}`}`);
    const words = `✂ ${fault.what}`;
    if (!upright) {
      const left = a - 4 - words.length * 6.2 > 0;
      const from = left ? a - 4 - words.length * 6.2 : a + 4;
      if (labels.fits(from, 13, words.length * 6.2)) surface.text(over, left ? a - 4 : a + 4, 12, words, "small", left ? "end" : "start");
    }
  }
  const change = told(picture);
  const lease = toldLease(picture);
  const promise = toldPromise(picture);
  if (change && change.over !== undefined) {
    const negative = change.ready < change.over;
    const [from, to] = negative ? [change.ready, change.over] : [change.over, change.ready];
    const [a0, a1] = [axis.x(from), Math.max(axis.x(from) + 3, axis.x(Math.min(to, picture.end)))];
    const words = negative ? `stale window ${length(to - from)}` : `safe by ${length(to - from)}`;
    surface.rect(over, a0, a1, head - 4, bottom - 6, negative ? "window" : "window safe", `${words}: ${instant(from)} to ${instant(to)}`);
    if (!upright) {
      const right = a1 + words.length * 7 < along;
      if (labels.fits(right ? a1 + 4 : a0 - 4 - words.length * 7, 13, words.length * 7)) {
        surface.text(over, right ? a1 + 4 : a0 - 4, 12, words, negative ? "small strong bad" : "small strong good", right ? "start" : "end");
      }
    }
  }
  if (!upright && lease) {
    let c = bottom + 8;
    const dimension = (from: number, to: number, words: string, style: string) => {
      const [a0, a1] = [axis.x(Math.max(0, from)), axis.x(Math.min(to, picture.end))];
      surface.line(over, a0, c, a1, c, `dimension ${style}`);
      for (const a of [a0, a1]) surface.line(over, a, c - 4, a, c + 4, `dimension ${style}`);
      const right = a1 + 8 + words.length * 6.4 < along;
      surface.text(over, right ? a1 + 6 : a0 - 6, c + 4, words, `small ${style}`, right ? "start" : "end");
      c += 18;
    };
    const slack = picture.setting.election_timeout - picture.setting.effective;
    if (slack > 0) dimension(lease.true_end, lease.true_end + slack, `${length(slack)} harmless: from the lease's true end to the promise's true end`, "good");
    if (promise?.over !== undefined && promise.true_end - promise.over > 1e6) {
      dimension(promise.over, promise.true_end, `${picture.nodes[promise.node].name} ended its promise ${length(promise.true_end - promise.over)} early`, "amber");
    }
    if (lease.over !== undefined && lease.over - lease.true_end > 1e6) {
      dimension(lease.true_end, lease.over, `${picture.nodes[lease.node].name} served ${length(lease.over - lease.true_end)} past its lease's true end`, "bad");
    }
  }
  const found = picture.inevitable;
  if (found && !upright) {
    const c = bottom + 66;
    const line = surface.group("strip");
    surface.text(line, 2, c + 13, "If faults end", "tiny muted");
    const first = found.samples[0]?.at ?? 0;
    const late = found.too_late_at ?? picture.end;
    surface.rect(line, axis.x(first), axis.x(late), c, c + 16, "avoidable", "Ending all faults here would still have prevented it");
    surface.rect(line, axis.x(late), axis.x(picture.end), c, c + 16, "toolate hatched", "Too late: ending all faults here changes nothing");
    if (axis.x(late) - axis.x(first) > 150) surface.text(line, axis.x(first) + 5, c + 12, "✓ still avoidable", "small halo");
    surface.text(line, Math.min(axis.x(late) + 5, along - 110), c + 12, "✗ too late", "small halo");
    for (const sample of found.samples) surface.line(line, axis.x(sample.at), c + 16, axis.x(sample.at), c + 20, "tick").attr("data-tip", `${instant(sample.at)}: ${sample.too_late ? "too late" : "still avoidable"}`);
  }
  const lens = surface.group("lens");
  return {
    show(panels: { from: number; to: number }[]) {
      lens.selectAll("*").remove();
      let last = -99;
      panels.forEach((panel, place) => {
        const [a0, a1] = [axis.x(Math.max(0, panel.from)), axis.x(Math.min(panel.to, picture.end))];
        surface.rect(lens, a0, Math.max(a0 + 2, a1), head - 5, bottom - 5, "lensbox");
        if (panels.length > 1 && (a0 + a1) / 2 - last > 11 && !upright) {
          surface.text(lens, (a0 + a1) / 2, bottom + 3, String.fromCharCode(65 + place), "tiny strong", "middle");
          last = (a0 + a1) / 2;
        }
      });
    },
  };
}
