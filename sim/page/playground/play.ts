// The playground: sliders on one side, what they come to on the other.
import { element } from "../src/head";
import { length } from "../src/time";
import { controls } from "./controls";
import { Result } from "./result";
import { scenario } from "./scenario";
import { bounded, DEFAULT, read, written, type Setting } from "./state";
import type { View, Shell } from "./main";

const FILE = "playground.toml";

/** Where theory puts the threshold of a form, in words. */
export function threshold({ form, timeout, lease, declared }: Setting): string {
  const served = Math.max(0, lease - declared);
  const room = timeout - served;
  const ms = (value: number) => length(Math.round(value * 1e6));
  if (served === 0) return "D − s is zero: there is no lease, and every read takes a round trip.";
  if (room <= 0) return `D − s = ${ms(served)} is not below T = ${ms(timeout)}: there is no room at all.`;
  if (form === "deadline") return `Theory: stale reads are possible once the skew exceeds T − (D − s) = ${ms(timeout)} − ${ms(served)} = ${ms(room)}.`;
  // Cut, not rounded: what is harmless must stay harmless.
  const slow = Math.floor((room / timeout) * 1e6) / 1e4;
  return `Theory: stale reads are possible once the leader's clock is slow by more than 1 − (D − s) / T = ${slow} %.`;
}

/** What lies just within and just beyond the threshold: 10 ms, or a tenth of a per cent. */
export function beside(setting: Setting): { within: Partial<Setting>; beyond: Partial<Setting> } | undefined {
  const served = setting.lease - setting.declared;
  const room = setting.timeout - served;
  if (served <= 0 || room <= 0) return undefined;
  const key = setting.form === "deadline" ? "offset" : "rate";
  const at = key === "offset" ? room : -Math.floor((room / setting.timeout) * 1e6);
  const by = key === "offset" ? 10 : -1000;
  const [within, beyond] = [at - by, at + by];
  if (bounded(key, beyond) !== beyond) return undefined;
  return { within: { [key]: within }, beyond: { [key]: beyond } };
}

export function play(shell: Shell, host: HTMLElement, from: URLSearchParams): View {
  const refused: string[] = [];
  let setting = read(from, refused);
  host.append(element("h1", "", "When does a lease read turn stale?"),
    element("p", "lead", "n1 leads three nodes. It renews its lease once more and is then cut off. Clients still reach it. Move the sliders: the simulator runs the story again in this browser."));
  const warning = element("p", "problem");
  warning.setAttribute("role", "alert");
  warning.hidden = true;
  const two = element("div", "playing");
  const panel = element("form", "controls");
  panel.setAttribute("aria-label", "Settings");
  panel.onsubmit = (event) => event.preventDefault();
  const side = element("div", "side");
  host.append(warning, two);
  two.append(panel, side);
  const bound = element("p", "bound");
  const jump = element("div", "toolbar");
  side.append(bound, jump);
  const result = new Result(shell.core, side, shell.moved(from), (moved) => shell.address("play", written(setting), moved));
  const change = (part: Partial<Setting>) => {
    setting = { ...setting, ...part };
    warning.hidden = true;
    shell.address("play", written(setting), {});
    go();
  };
  const button = (words: string, act: () => void) => {
    const made = element("button", "", words);
    made.type = "button";
    made.onclick = act;
    jump.append(made);
    return made;
  };
  const near = [button("Just within", () => change(beside(setting)!.within)), button("Just beyond", () => change(beside(setting)!.beyond))];
  button("Start again", () => change({ ...DEFAULT }));
  const link = button("Copy the link", async () => {
    shell.flush();
    try {
      await navigator.clipboard.writeText(location.href);
      link.textContent = "Copied";
    } catch {
      link.textContent = "The address above is the link";
    }
    setTimeout(() => { link.textContent = "Copy the link"; }, 2000);
  });
  const all = controls(panel, change);

  function go() {
    all.show(setting);
    bound.textContent = threshold(setting);
    for (const each of near) each.disabled = !beside(setting);
    result.show({ file: FILE, scenario: scenario(setting) });
  }
  if (refused.length) {
    warning.textContent = `The address has values that are not possible here: ${refused.join("; ")}.`;
    warning.hidden = false;
  }
  go();
  return { result, redraw: () => result.redraw(), key: (key) => result.key(key) };
}
