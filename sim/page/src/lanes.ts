// One lane a node: its role, its lease, its promise, its life line and its own clock. Shared by the whole run and the story.
import { storyLanes, type Lane } from "./order";
import { clockOf, instant, length, nice, reading, seconds, ticks } from "./time";
import type { Axis } from "./axis";
import { Labels, type Group, type Surface } from "./surface";
import type { Change, Lease, Picture, Promise as Pledge } from "./picture";

/** Pixels across, from the lane's edge. */
export interface Rows { role: [number, number]; bar: [number, number]; owed: [number, number]; life: number; clock: number; size: number }

export const WHOLE: Rows = { role: [0, 5], bar: [7, 24], owed: [26, 33], life: 30, clock: 38, size: 60 };
export const STORY: Rows = { role: [0, 13], bar: [16, 32], owed: [34, 46], life: 60, clock: 76, size: 108 };
export const UPRIGHT: Rows = { role: [0, 6], bar: [8, 20], owed: [22, 28], life: 38, clock: 48, size: 70 };

export interface Place { lane: Lane; c: number; rows: Rows }

/** Where each lane lies. */
export function places(lanes: Lane[], rows: Rows, begin: number, clientSize: number, room?: number): Place[] {
  let c = begin;
  const plain = lanes.reduce((sum, lane) => sum + (lane.node === undefined ? clientSize : rows.size), 0);
  const wider = room && room > plain ? room / plain : 1;
  return lanes.map((lane) => {
    const place = { lane, c, rows };
    c += (lane.node === undefined ? clientSize : rows.size) * wider;
    return place;
  });
}

export const told = (picture: Picture): Change | undefined => (picture.told === undefined ? undefined : picture.changes[picture.told]);

/** The lease that the story is about. */
export function toldLease(picture: Picture): Lease | undefined {
  const change = told(picture);
  return [...picture.leases].reverse().find((lease) => lease.node === change?.old && lease.term === change?.old_term);
}

/** The promise that should have held the new leader back. */
export function toldPromise(picture: Picture): Pledge | undefined {
  const change = told(picture);
  const voter = change?.voter ?? change?.new;
  return [...picture.promises].reverse().find((p) => p.node === voter && p.to === change?.old && p.from <= (change?.ready ?? 0));
}

export function drawLane(surface: Surface, to: Group, picture: Picture, axis: Axis, place: Place, labels: Labels, whole: boolean) {
  const node = place.lane.node!;
  const { rows, c } = place;
  const name = picture.nodes[node].name;
  const x = axis.x;
  const end = picture.end;
  const upright = surface.upright;
  const inside = (a0: number, a1: number, cross: number, words: string, style: string) => {
    if (upright || a1 - a0 < words.length * 6.4 + 10) return;
    for (const panel of axis.panels) {
      const left = Math.max(a0, panel.x0) + 5;
      const width = words.length * 6.4;
      if (Math.min(a1, panel.x1) - left < width || !labels.fits(left, cross, width)) continue;
      surface.text(to, left, cross, words, style);
      return;
    }
  };
  const bar = (from: number, until: number, [c0, c1]: [number, number], style: string, tip: string, words = "", text = "") => {
    const [a0, a1] = [x(from), x(Math.min(until, end))];
    if (a1 < axis.panels[0].x0 || a0 > axis.panels[axis.panels.length - 1].x1) return;
    surface.rect(to, a0, Math.max(a0 + 1, a1), c + c0, c + c1, style, tip);
    if (words) inside(a0, a1, c + c1 - (c1 - c0 - 9) / 2, words, text || "small");
  };
  for (const panel of axis.panels) surface.rect(to, panel.x0, panel.x1, c - 2, c + rows.size - (whole || upright ? 8 : 16), "lane");
  for (const role of picture.roles) {
    if (role.node !== node) continue;
    const words = whole ? "" : `${role.role}, term ${role.term}`;
    bar(role.from, role.to, rows.role, `role ${role.role}`, `${name}: ${role.role} of term ${role.term}, ${instant(role.from)} to ${instant(role.to)}`,
      words, role.role === "leader" ? "small strong" : "small muted");
  }
  for (const promise of picture.promises) {
    if (promise.node !== node) continue;
    const over = promise.over ?? end;
    const whom = promise.to === undefined ? "nobody: it has restarted" : picture.nodes[promise.to].name;
    const tip = `${name} promised ${whom} neither to vote nor to campaign: until ${instant(over)} by its own clock, until ${instant(promise.true_end)} by a perfect one`;
    bar(promise.from, over, rows.bar, "promise", tip, promise.to === undefined ? "withholds votes" : `promise to ${whom}`, "small onpromise");
    const early = promise.true_end - over;
    if (early > 1_000 && promise.ended !== "never") {
      bar(over, promise.true_end, rows.owed, "owed", `${name}'s promise ended ${length(early)} early: a perfect clock would bind it until ${instant(promise.true_end)}`,
        whole ? "" : `✗ ended ${length(early)} early: still owed`, "small halo");
    }
  }
  for (const lease of picture.leases) {
    if (lease.node !== node) continue;
    const over = lease.over ?? end;
    const until = Math.min(over, Math.max(lease.true_end, lease.from));
    const tip = `${name}'s lease of term ${lease.term}: counted from ${instant(lease.start)}, over at ${lease.over === undefined ? "no time" : instant(over)}; a perfect clock would end it at ${instant(lease.true_end)}`;
    bar(lease.from, until, rows.bar, "lease", tip, `lease, term ${lease.term}`, "small onlease");
    if (over - until > 1_000) bar(until, over, rows.bar, "lease believed hatched", `${tip}: only believed`, "lease only believed", "small halo");
  }
  for (const stop of picture.stops) {
    if (stop.node === node) bar(stop.from, stop.to, [rows.role[1], rows.owed[1]], "stop", `${name} ${stop.kind === "down" ? "is down" : "stands still"} for ${length(stop.to - stop.from)}`,
      stop.kind === "down" ? "down" : "stands still", "small halo");
  }
  // Its own clock.
  const clock = clockOf(picture, picture.nodes[node]);
  const shown = axis.panels.reduce((sum, panel) => sum + panel.x1 - panel.x0, 0);
  const each = upright ? 64 : 78;
  const step = nice(((axis.panels[0].to - axis.panels[0].from) / (axis.panels[0].x1 - axis.panels[0].x0)) * each);
  for (const panel of axis.panels) {
    let last = -1e9;
    for (const { at, local } of ticks(clock, panel.from, Math.min(panel.to, end), step)) {
      const a = x(at);
      surface.line(to, a, c + rows.clock - 4, a, c + rows.clock, "tick");
      const words = seconds(local, step);
      const half = upright ? 0 : words.length * 3;
      if (upright) surface.text(to, a + 3, c + rows.clock + 2, words, "tiny muted");
      else if (a - half > panel.x0 - 4 && a + half < panel.x1 + 4 && a - half > last) {
        surface.text(to, a, c + rows.clock + 11, words, "tiny muted", "middle");
        last = a + half + 4;
      }
    }
  }
  if (shown > 0) for (const segment of clock.segments) {
    if (segment.rate !== -1e9) continue;
    const next = clock.segments.find((other) => other.at > segment.at)?.at ?? end;
    bar(segment.at, next, [rows.clock - 5, rows.clock + 12], "still", `${name}'s clock stands still for ${length(next - segment.at)}`, `clock stands still ${length(next - segment.at)}`, "tiny");
  }
}

/** Lines through equal readings of neighbouring clocks: upright where clocks agree. */
export function equalReadings(surface: Surface, to: Group, picture: Picture, axis: Axis, at: Place[]) {
  const nodes = at.filter((place) => place.lane.node !== undefined);
  const panel = axis.panels[0];
  const step = nice((panel.to - panel.from) / ((panel.x1 - panel.x0) / 78));
  for (let i = 0; i + 1 < nodes.length; i++) {
    const [one, other] = [nodes[i], nodes[i + 1]].map((place) =>
      ticks(clockOf(picture, picture.nodes[place.lane.node!]), 0, picture.end, step));
    const readings = new Map(other.map((tick) => [Math.round(tick.local), tick.at]));
    for (const tick of one) {
      const there = readings.get(Math.round(tick.local));
      if (there !== undefined) {
        surface.line(to, axis.x(tick.at), nodes[i].c + nodes[i].rows.clock, axis.x(there), nodes[i + 1].c + nodes[i + 1].rows.clock - 4, "equal");
      }
    }
  }
}

/** What each node's clock, role and lease say at a true time. */
export function stateAt(picture: Picture, node: number, at: number): { clock: string; role: string; bound: string } {
  const clock = `${(reading(clockOf(picture, picture.nodes[node]), at) / 1e9).toFixed(6)}`;
  const role = [...picture.roles].reverse().find((r) => r.node === node && r.from <= at);
  const lease = picture.leases.find((l) => l.node === node && l.from <= at && (l.over ?? Infinity) > at);
  const promise = picture.promises.find((p) => p.node === node && p.from <= at && (p.over ?? Infinity) > at);
  const local = clockOf(picture, picture.nodes[node]);
  const left = (over: number | undefined) => (over === undefined ? "without end" : `for ${length(Math.round(reading(local, Math.min(over, 2 ** 53)) - reading(local, at)))}`);
  const renewed = lease && at < lease.renewed;
  return {
    clock,
    role: role ? `${role.role}, term ${role.term}` : "starts",
    bound: lease ? (renewed ? "lease, renewed" : `lease ${left(lease.over)}`) : promise ? (at < promise.received ? "bound, renewed" : `bound ${left(promise.over)}`) : "not bound",
  };
}

export { storyLanes };
