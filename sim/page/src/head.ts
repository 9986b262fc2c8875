// The verdict, the three questions, the margin as a sum, the replay command.
import { length } from "./time";
import type { Picture } from "./picture";

export function element<K extends keyof HTMLElementTagNameMap>(name: K, style = "", text = ""): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  if (style) made.className = style;
  if (text) made.textContent = text;
  return made;
}

export function drawHead(picture: Picture, host: HTMLElement, where: string) {
  const { verdict, setting } = picture;
  const bad = verdict.safety === "stale" || verdict.safety === "not-safe";
  host.append(element("p", "kick", `${where}. Lease D − s = ${length(setting.effective)}, promise T = ${length(setting.election_timeout)}, ${setting.form} form`));
  const heading = element("h1");
  heading.append(element("span", bad ? "bad" : "good", `${bad ? "✗" : "✓"} ${verdict.word}`), ` ${verdict.sentence}`);
  host.append(heading);
  drawEvidence(picture, host);
}

/** The three questions, and the margin as a sum. */
export function drawEvidence({ verdict }: Picture, host: HTMLElement) {
  const cards = element("div", "cards");
  for (const card of verdict.cards) {
    const box = element("section");
    box.append(element("h2", "question", card.question), element("p", "answer", card.answer));
    for (const fact of card.evidence) box.append(element("p", "fact", fact));
    cards.append(box);
  }
  host.append(cards);
  const budget = verdict.budget;
  if (budget) {
    const line = element("p", "budget", `Margin: ${length(budget.slack)} allowed `);
    for (const part of [...budget.parts].sort((a, b) => Math.abs(b.by) - Math.abs(a.by))) {
      line.append(element("span", "", `${part.by < 0 ? "−" : "+"} ${length(Math.abs(part.by))} ${part.word} `));
    }
    line.append("= ", element("b", budget.margin < 0 ? "bad" : "good", length(budget.margin)),
      budget.margin < 0 ? ". Negative: for so long both leaders could answer (the stale window)." : ". Positive: the old lease was over so long before the new leader could acknowledge a write.");
    host.append(line);
  }
}

export function drawReplay(command: string, host: HTMLElement) {
  const row = element("div", "command");
  const code = element("code", "", command);
  code.tabIndex = 0;
  const copy = element("button", "", "Copy");
  copy.type = "button";
  copy.onclick = async () => {
    try {
      await navigator.clipboard.writeText(command);
    } catch {
      // A page from disk may have no clipboard: the text is selected and copied the old way.
      getSelection()?.selectAllChildren(code);
      document.execCommand("copy");
    }
    copy.textContent = "Copied";
  };
  row.append(code, copy);
  host.append(row);
}

const PHASES: Record<string, string> = {
  lease: "The last lease",
  election: "The promise ends and a new leader is elected",
  write: "The write that is missed",
  read: "The stale read",
  truth: "What true time would have done",
};

/** The steps as a list; the same numbers as in the diagram. */
export function drawSteps(picture: Picture, host: HTMLElement, pick: (step: number) => void) {
  let phase = "";
  let list = element("ol");
  picture.moments.forEach((moment, number) => {
    if (moment.phase !== phase) {
      phase = moment.phase;
      host.append(element("h3", "", PHASES[phase] ?? phase));
      list = element("ol");
      list.start = number + 1;
      host.append(list);
    }
    const item = element("li");
    const button = element("button", "", "");
    button.type = "button";
    button.dataset.step = String(number);
    button.append(element("span", "number", String(number + 1)), element("span", "at", `${(moment.at / 1e9).toFixed(6)} s`), element("span", "", moment.what));
    button.onclick = () => pick(number);
    item.append(button);
    list.append(item);
  });
  return (step: number) => {
    for (const button of host.querySelectorAll<HTMLElement>("[data-step]")) button.setAttribute("aria-current", String(Number(button.dataset.step) === step ? "step" : false));
  };
}
