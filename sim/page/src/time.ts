// Times and clocks: how they are read and how they are written.
import type { Clock, NodeLane, Picture } from "./picture";

const trim = (text: string) => (text.includes(".") ? text.replace(/0+$/, "").replace(/\.$/, "") : text);

/** A length for people. Cut, never rounded up: what is harmless must stay harmless. */
export function length(ns: number): string {
  const sign = ns < 0 ? "−" : "";
  const size = Math.abs(ns);
  const cut = (value: number, digits: number) => trim((Math.floor(value * 10 ** digits + 1e-9) / 10 ** digits).toFixed(digits));
  if (size >= 1e9) return `${sign}${cut(size / 1e9, 6)} s`;
  if (size >= 1e6) return `${sign}${cut(size / 1e6, 3)} ms`;
  if (size >= 1e3) return `${sign}${cut(size / 1e3, 1)} µs`;
  return `${sign}${size} ns`;
}

/** A true time in seconds, to the microsecond. */
export const instant = (ns: number) => `${(Math.floor(ns / 1e3) / 1e6).toFixed(6)} s`;

/** The clock that the picture's form of lease is told by. */
export function clockOf(picture: Picture, node: NodeLane): Clock {
  return node.clocks.find((clock) => clock.name === picture.setting.clock) ?? node.clocks[0];
}

const speed = (rate: number) => 1 + rate / 1e9;

/** What a clock shows at a true time. */
export function reading(clock: Clock, at: number): number {
  let segment = clock.segments[0];
  for (const next of clock.segments) if (next.at <= at) segment = next;
  return segment.local + (at - segment.at) * speed(segment.rate);
}

/** The true times in [from, to] at which a clock shows multiples of `step`. */
export function ticks(clock: Clock, from: number, to: number, step: number): { at: number; local: number }[] {
  const found: { at: number; local: number }[] = [];
  clock.segments.forEach((segment, place) => {
    const rate = speed(segment.rate);
    const begin = Math.max(segment.at, from);
    const end = Math.min(clock.segments[place + 1]?.at ?? Infinity, to);
    if (rate <= 0 || end <= begin) return;
    const first = segment.local + (begin - segment.at) * rate;
    const last = segment.local + (end - segment.at) * rate;
    for (let local = Math.ceil(first / step) * step; local <= last && found.length < 400; local += step) {
      found.push({ at: segment.at + (local - segment.local) / rate, local });
    }
  });
  return found;
}

/** 1, 2 or 5 times a power of ten, not below `least`. */
export function nice(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  const lead = least / power;
  return (lead <= 1 ? 1 : lead <= 2 ? 2 : lead <= 5 ? 5 : 10) * power;
}

/** A tick's label in seconds, with as many digits as the step needs. */
export function seconds(ns: number, step: number): string {
  const digits = Math.max(0, Math.min(9, -Math.floor(Math.log10(step / 1e9) + 1e-9)));
  return (ns / 1e9).toFixed(digits);
}
