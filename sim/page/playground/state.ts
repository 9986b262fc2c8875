// The state of the playground, and its form in an address. Lengths are milliseconds, the rate is parts per million.

export interface Setting {
  form: "deadline" | "elapsed";
  /** T. */
  timeout: number;
  /** D. */
  lease: number;
  /** s. */
  declared: number;
  /** The followers' wall clocks are ahead of the leader's by this. */
  offset: number;
  /** The leader's clocks run faster than true time by this. */
  rate: number;
  /** What the leader's machine does after its last renewal. */
  stop: "none" | "pause" | "suspend" | "hypervisor-pause";
  /** For how long. */
  stopped: number;
  /** The clocks on which the leader counts. */
  stamp: "both" | "raw" | "boot";
  /** One way, between any two. */
  delay: number;
  /** The voter that carried the lease restarts. */
  restart: boolean;
  /** The lease rules, by name. */
  rules: string;
}

/** The node's own defaults, on perfect clocks. */
export const DEFAULT: Setting = {
  form: "deadline", timeout: 5000, lease: 3000, declared: 500, offset: 0, rate: 0, stop: "none", stopped: 3000, stamp: "both",
  delay: 1, restart: false, rules: "sound",
};

export type Numeric = "timeout" | "lease" | "declared" | "offset" | "rate" | "stopped" | "delay";

/** Least, most and the slider's step. A number that is typed or in an address may be finer: a microsecond, 1 ppm. */
export const RANGES: Record<Numeric, { least: number; most: number; step: number }> = {
  timeout: { least: 500, most: 10_000, step: 50 },
  lease: { least: 0, most: 10_000, step: 50 },
  declared: { least: 0, most: 5_000, step: 50 },
  offset: { least: -5_000, most: 5_000, step: 50 },
  rate: { least: -600_000, most: 600_000, step: 5_000 },
  stopped: { least: 100, most: 10_000, step: 100 },
  delay: { least: 0, most: 200, step: 1 },
};

export const CHOICES = {
  form: ["deadline", "elapsed"],
  stop: ["none", "pause", "suspend", "hypervisor-pause"],
  stamp: ["both", "raw", "boot"],
} as const;

/** Rules that this story can break, with what each breaks. `sim rules` lists all of them. */
export const RULES: [name: string, what: string][] = [
  ["sound", "sound: what the node runs in production"],
  ["lease-from-acknowledgement", "the lease is counted from the acknowledgements, not from the send"],
  ["nothing-withheld", "votes are granted although a promise is running"],
  ["pre-vote-withheld-only", "only pre-votes are withheld while a promise is running"],
  ["restart-forgets", "a node that has just started votes at once"],
  ["cached-clock", "requests are judged by an older clock reading"],
  ["never-steps-down", "no lease: a leader serves until it hears of another"],
  ["check-quorum-window", "no lease: a check for a quorum once an election timeout"],
  ["contact-is-lease", "no lease: an election timeout from the last contact"],
];

/** As close to what was asked for as the range and the unit allow. */
export function bounded(key: Numeric, value: number): number {
  const { least, most } = RANGES[key];
  if (!Number.isFinite(value)) return DEFAULT[key];
  const unit = key === "rate" ? 1 : 1000;
  return Math.round(Math.min(most, Math.max(least, value)) * unit) / unit;
}

/** What differs from the defaults, in a fixed order. */
export function written(setting: Setting): URLSearchParams {
  const made = new URLSearchParams();
  for (const key of Object.keys(DEFAULT) as (keyof Setting)[]) {
    if (setting[key] !== DEFAULT[key]) made.set(key, key === "restart" ? "yes" : String(setting[key]));
  }
  return made;
}

/** Reads an address. What is not understood is listed in `refused`, and the default stands. */
export function read(from: URLSearchParams, refused: string[]): Setting {
  const setting: Setting = { ...DEFAULT };
  for (const key of Object.keys(RANGES) as Numeric[]) {
    const text = from.get(key);
    if (text === null) continue;
    setting[key] = bounded(key, text.trim() === "" ? NaN : Number(text));
    if (setting[key] !== Number(text)) refused.push(`${key}=${text} (used: ${setting[key]})`);
  }
  const choose = <K extends "form" | "stop" | "stamp" | "rules">(key: K, known: readonly string[]) => {
    const text = from.get(key);
    if (text === null) return;
    if (known.includes(text)) setting[key] = text as Setting[K];
    else refused.push(`${key}=${text} (known: ${known.join(", ")})`);
  };
  choose("form", CHOICES.form);
  choose("stop", CHOICES.stop);
  choose("stamp", CHOICES.stamp);
  choose("rules", RULES.map(([name]) => name));
  const restart = from.get("restart");
  setting.restart = restart === "yes";
  if (restart !== null && restart !== "yes" && restart !== "no") refused.push(`restart=${restart} (known: yes, no)`);
  return setting;
}
