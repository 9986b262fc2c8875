// A setting as a scenario. One story: n1 leads, renews its lease once more, is cut off from the others, and clients still
// reach it. The others elect a new leader, which takes writes.
import type { Setting } from "./state";

/** So many reads, and so many writes, are asked at most around the time that decides. More are slower and show no more. */
const REQUESTS = 1500;

/**
 * With this seed and a jitter of ten delays, n2 campaigns first and n3 well after it, so that votes do not split. Then the
 * margin is theory's room and a few delays. (Of seeds 1 to 60 it is the one with the smallest difference.)
 */
const SEED = 48;

/** A length for TOML. Rounded up to a microsecond: scenarios refuse fractions of a nanosecond. */
const span = (ms: number) => {
  const micros = Math.ceil(ms * 1000 - 1e-6);
  return micros % 1000 ? `"${micros}us"` : `"${micros / 1000}ms"`;
};

/** True times in milliseconds. */
export function times(setting: Setting) {
  const { timeout, lease, offset, rate, stop, stopped, delay, restart } = setting;
  // The leader's timers run on its own clock.
  const slow = 1 / Math.min(1, 1 + rate / 1e6);
  // Nodes withhold votes for T after their start, and then n1 is elected.
  const parted = timeout * (0.15 + 1.05 * slow) + 10 * delay;
  // n2's promise ends before n3 restarts: n2 asks for votes all the time.
  const cut = parted + timeout * (restart ? 1.3 : 0.15 * slow);
  const halt = stop === "none" ? 0 : stopped;
  const promise = timeout + Math.max(0, -offset);
  const last = lease * slow + halt;
  const end = cut + 0.2 * timeout * slow + Math.max(promise, last) + 0.3 * timeout + 40 * delay;
  return { parted, cut, end };
}

export function scenario(setting: Setting): string {
  const { parted, cut, end } = times(setting);
  const start = cut - 0.05 * setting.timeout;
  // At most four of a client are under way at once, or the diagram shows nothing but them.
  const every = span(Math.max(0.1, (end - start) / REQUESTS, setting.delay / 2));
  const rate = setting.rate ? `rate = "${setting.rate}ppm"\n` : "";
  const clock = rate || setting.stamp !== "both" ? `\n[clock.n1]\n${rate}stamp = "${setting.stamp}"\n` : "";
  const renewed = `{ event = "lease-renewed", node = "n1", from = ${span(cut)} }`;
  // Later than the isolation, and while the lease is still running.
  const halt = setting.stop === "none" ? "" : `
[[fault]]
when = ${renewed}
after = ${span(0.02 * setting.timeout)}
for = ${span(setting.stopped)}
${setting.stop} = { node = "n1" }
`;
  // n1 and n2 do not hear each other, so that n3 alone carries the lease; then n3 restarts. The writer asks n2: a write at
  // n1 would make n3's log longer than n2's, and n3 would refuse its vote for that.
  const restart = setting.restart ? `
[[fault]]
at = ${span(parted)}
partition = { between = [["n1"], ["n2"]] }

[[fault]]
when = ${renewed}
after = "1us"
for = "20ms"
crash = { node = "n3" }
` : "";
  return `title = "The playground's story: n1 is cut off after a renewal"
seed = ${SEED}
duration = ${span(end)}

[cluster]
nodes = 3
first-leader = "n1"

[lease]
form = "${setting.form}"
duration = ${span(setting.lease)}
election-timeout = ${span(setting.timeout)}
max-clock-skew = ${span(setting.declared)}
rules = "${setting.rules}"

[timers]
election-jitter = ${span(Math.max(0.1, 10 * setting.delay))}

[clock.followers]
nodes = ["n2", "n3"]
offset = "${Math.round(setting.offset * 1000)}us"
${clock}
[network]
delay = ${span(setting.delay)}

[client.reader]
target = "n1"
operations = "read"
every = ${every}
start = ${span(start)}

[client.writer]
target = "${setting.restart ? "n2" : "leader"}"
operations = "write"
every = ${every}
start = ${span(start)}

[[fault]]
when = ${renewed}
isolate = { node = "n1" }
${halt}${restart}`;
}
