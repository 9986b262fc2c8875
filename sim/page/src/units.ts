// Values on axes: how they are written.
import { length } from "./time";

const trim = (text: string) => (text.includes(".") ? text.replace(/0+$/, "").replace(/\.$/, "") : text);

export interface Scale { divide: number; name: string }

/** The unit in which the numbers of an axis are short. */
export function scaleOf(unit: string, values: number[]): Scale {
  const most = Math.max(0, ...values.map(Math.abs));
  if (unit === "span") {
    return most >= 1e9 ? { divide: 1e9, name: "s" } : most >= 1e6 ? { divide: 1e6, name: "ms" } : most >= 1e3 ? { divide: 1e3, name: "µs" } : { divide: 1, name: "ns" };
  }
  if (unit === "rate") return most >= 1e6 ? { divide: 1e7, name: "%" } : { divide: 1e3, name: "ppm" };
  return { divide: unit === "ratio" ? 1e9 : 1, name: "" };
}

/** One value with its unit. */
export function written(unit: string, value: number): string {
  if (unit === "span") return length(value);
  const { divide, name } = scaleOf(unit, [value]);
  const text = trim((value / divide).toFixed(6));
  return name ? `${text} ${name}` : text;
}

/** An axis with its unit, as a caption. */
export const caption = (name: string, scale: Scale) => (scale.name ? `${name}, ${scale.name}` : name);
