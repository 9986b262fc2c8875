// The sliders and lists of the playground: labels, numbers, and what each does.
import { element } from "../src/head";
import { bounded, RANGES, RULES, type Numeric, type Setting } from "./state";

interface Control { show(setting: Setting): void }

const NUMBERS: Record<Numeric, [label: string, hint: string]> = {
  timeout: ["Election timeout T", "How long a follower withholds its vote."],
  lease: ["Lease D", "How long a lease lasts before the skew is taken off."],
  declared: ["Declared skew s", "The leader takes it off: it serves for D − s."],
  offset: ["Followers ahead by", "Their wall clocks against the leader's. Breaks the deadline form only."],
  rate: ["Leader's clock runs fast by", "Negative: slow, so its lease lasts longer. Breaks both forms."],
  stopped: ["… for", "How long the leader's machine stands still."],
  delay: ["One-way delay", "Of every message."],
};

let made = 0;

function frame(host: HTMLElement, words: string): { box: HTMLElement; id: string } {
  const id = `c${made++}`;
  const box = element("div", "control");
  const label = element("label", "", words);
  label.htmlFor = id;
  box.append(label);
  host.append(box);
  return { box, id };
}

function slider(host: HTMLElement, key: Numeric, change: (part: Partial<Setting>) => void): Control {
  const [words, hint] = NUMBERS[key];
  const { box, id } = frame(host, words);
  // A rate is written in per cent.
  const unit = key === "rate" ? 10_000 : 1;
  const name = key === "rate" ? "%" : "ms";
  const { least, most, step } = RANGES[key];
  const range = element("input");
  range.type = "range";
  const number = element("input");
  number.type = "number";
  for (const input of [range, number]) {
    input.min = String(least / unit);
    input.max = String(most / unit);
  }
  range.id = id;
  range.dataset.key = key;
  range.step = String(step / unit);
  number.step = "any";
  number.dataset.number = key;
  number.setAttribute("aria-label", `${words}, ${name === "%" ? "per cent" : "milliseconds"}`);
  const note = element("p", "hint", hint);
  note.id = `${id}h`;
  range.setAttribute("aria-describedby", note.id);
  const value = element("span", "value");
  value.append(number, ` ${name}`);
  box.append(value, range, note);
  range.oninput = () => change({ [key]: bounded(key, Number(range.value) * unit) });
  number.oninput = () => { if (number.value !== "") change({ [key]: bounded(key, Number(number.value) * unit) }); };
  // What was typed and is out of range is shown as what is used.
  number.onblur = () => { if (number.value === "" || Number(number.value) * unit !== bounded(key, Number(number.value) * unit)) number.value = range.value; };
  return {
    show(setting) {
      const shown = String(setting[key] / unit);
      range.value = shown;
      range.setAttribute("aria-valuetext", `${shown} ${name === "%" ? "per cent" : "milliseconds"}`);
      if (document.activeElement !== number) number.value = shown;
      if (key === "stopped") range.disabled = number.disabled = setting.stop === "none";
    },
  };
}

function list<K extends "form" | "stop" | "stamp" | "rules">(host: HTMLElement, key: K, words: string, hint: string, options: readonly (readonly [Setting[K], string])[], change: (part: Partial<Setting>) => void): Control {
  const { box, id } = frame(host, words);
  const choice = element("select");
  choice.id = id;
  choice.dataset.key = key;
  for (const [value, text] of options) choice.append(new Option(text, value));
  const note = element("p", "hint", hint);
  note.id = `${id}h`;
  choice.setAttribute("aria-describedby", note.id);
  choice.onchange = () => change({ [key]: choice.value } as Partial<Setting>);
  box.append(choice, note);
  return { show(setting) { choice.value = setting[key]; } };
}

function check(host: HTMLElement, change: (part: Partial<Setting>) => void): Control {
  const label = element("label", "control check");
  const box = element("input");
  box.type = "checkbox";
  box.dataset.key = "restart";
  box.onchange = () => change({ restart: box.checked });
  label.append(box, " The voter that carried the lease restarts");
  host.append(label);
  return { show(setting) { box.checked = setting.restart; } };
}

/** Mounts all of them. `change` is told what a person has changed. */
export function controls(host: HTMLElement, change: (part: Partial<Setting>) => void): Control {
  const group = (words: string) => {
    const set = element("fieldset");
    set.append(element("legend", "", words));
    host.append(set);
    return set;
  };
  const lease = group("The lease");
  const clocks = group("The clocks");
  const faults = group("The leader's machine");
  const all = [
    list(lease, "form", "Form", "Deadline compares wall clocks. Elapsed measures intervals on each node's own clock.", [["deadline", "deadline"], ["elapsed", "elapsed (the default)"]], change),
    slider(lease, "timeout", change),
    slider(lease, "lease", change),
    slider(lease, "declared", change),
    list(lease, "rules", "Rules", "The sound ones, or a broken one.", RULES.map(([name, what]) => [name, name === "sound" ? what : `${name}: ${what}`] as const), change),
    slider(clocks, "offset", change),
    slider(clocks, "rate", change),
    slider(clocks, "delay", change),
    list(faults, "stop", "After its last renewal it", "A pause leaves the clocks running. A suspend stops the raw clock. A hypervisor's pause stops all of them.",
      [["none", "runs on"], ["pause", "is paused"], ["suspend", "is suspended"], ["hypervisor-pause", "is paused by the hypervisor"]], change),
    slider(faults, "stopped", change),
    list(faults, "stamp", "It counts the lease on", "The boot clock counts a suspend. The raw clock is never slewed.", [["both", "both clocks, the longer"], ["raw", "the raw clock alone"], ["boot", "the boot clock alone"]], change),
    check(faults, change),
  ];
  return { show(setting) { for (const each of all) each.show(setting); } };
}
