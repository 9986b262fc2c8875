// The blocks of a sheet, each by its kind.
import { drawBars } from "./bars";
import { drawReplay, element } from "./head";
import { drawLines } from "./lines";
import { drawPlane } from "./plane";
import { drawRuns } from "./runs";
import { signed, toned, type Redraw } from "./sheet";
import { drawTimeline } from "./timeline";
import type { Block, Fact, Fold, Tile } from "./sheet-data";

export function drawBlocks(blocks: Block[], host: HTMLElement, redraw: Redraw) {
  for (const block of blocks) drawBlock(block, host, redraw);
}

function drawBlock(block: Block, host: HTMLElement, redraw: Redraw) {
  switch (block.is) {
    case "text":
      host.append(element("p", `prose ${toned(block.tone)}`, signed(block.tone, block.text)));
      break;
    case "boxes":
      host.append(boxes(block.boxes));
      break;
    case "facts":
      host.append(facts(block.facts));
      break;
    case "table":
      host.append(table(block.name, block.columns, block.rows, false));
      break;
    case "curve":
      drawLines(block, place(host), redraw);
      break;
    case "map":
      drawPlane(block, place(host), redraw);
      break;
    case "bars":
      drawBars(block, place(host), redraw);
      break;
    case "timeline":
      drawTimeline(block, place(host), redraw);
      break;
    case "runs":
      drawRuns(block.runs, place(host), redraw);
      break;
    case "folds":
      folds(block.folds, host, redraw);
      break;
    case "commands":
      for (const command of block.commands) {
        host.append(element("p", "note", command.what));
        drawReplay(command.line, host);
      }
      break;
    case "code":
      code(block.name, block.text, host);
      break;
  }
}

function place(host: HTMLElement): HTMLElement {
  const made = element("div", "block");
  host.append(made);
  return made;
}

function boxes(all: Tile[]): HTMLElement {
  const made = element("div", "cards boxes");
  for (const one of all) {
    const box = element("section");
    box.append(element("h3", "question", one.title), element("p", `answer ${toned(one.tone)}`, signed(one.tone, one.answer)));
    for (const fact of one.facts) box.append(element("p", "fact", fact));
    made.append(box);
  }
  return made;
}

function facts(all: Fact[]): HTMLElement {
  const list = element("dl", "facts");
  for (const fact of all) {
    const text = element("dd", "", fact.address ? "" : fact.text);
    if (fact.address) {
      const link = element("a", "", fact.text);
      link.href = fact.address;
      text.append(link);
    }
    list.append(element("dt", "", fact.name), text);
  }
  return list;
}

/** Rows and columns. `folded`: they are shown when asked for, as they say the same as a picture. */
export function table(name: string, columns: string[], rows: string[][], folded: boolean): HTMLElement {
  const made = element("table", "words");
  const head = made.createTHead().insertRow();
  for (const column of columns) {
    // A column without a name has no head.
    if (!column) {
      head.insertCell();
      continue;
    }
    const cell = element("th", "", column);
    cell.scope = "col";
    head.append(cell);
  }
  const body = made.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    for (const text of row) {
      const cell = line.insertCell();
      cell.textContent = text;
      if (/^[-+−]?\d/.test(text)) cell.className = "number";
    }
  }
  const scroll = scrolling(`Table: ${name}`);
  scroll.append(made);
  if (!folded) return scroll;
  const details = element("details");
  details.append(element("summary", "", "The same as a table"), scroll);
  return details;
}

const labels = new Map<string, number>();

/** A name that no other region has. */
function unique(label: string): string {
  const before = labels.get(label) ?? 0;
  labels.set(label, before + 1);
  return before ? `${label} (${before + 1})` : label;
}

/** What may be wider than the page scrolls by itself, by keyboard too. */
export function scrolling(label: string): HTMLElement {
  const scroll = element("div", "scroll");
  scroll.tabIndex = 0;
  scroll.setAttribute("role", "region");
  scroll.setAttribute("aria-label", unique(label));
  return scroll;
}

/** A finding is drawn when it is opened first: hidden things have no width. */
function folds(all: Fold[], host: HTMLElement, redraw: Redraw) {
  all.forEach((fold, number) => {
    const details = element("details", "fold");
    const summary = element("summary");
    summary.append(element("span", toned(fold.tone), signed(fold.tone, fold.title)));
    details.append(summary);
    host.append(details);
    let drawn = false;
    const open = () => {
      if (drawn || !details.open) return;
      drawn = true;
      const body = element("div", "inside");
      details.append(body);
      drawBlocks(fold.blocks, body, redraw);
    };
    details.addEventListener("toggle", open);
    details.open = number === 0;
    open();
  });
}

function code(name: string, text: string, host: HTMLElement) {
  const bar = element("div", "toolbar");
  const copy = element("button", "", "Copy");
  copy.type = "button";
  bar.append(element("span", "note", name), copy);
  const pre = element("pre", "code", text);
  pre.tabIndex = 0;
  pre.setAttribute("role", "region");
  pre.setAttribute("aria-label", unique(name));
  copy.onclick = async () => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // A page from disk may have no clipboard: the text is selected and copied the old way.
      getSelection()?.selectAllChildren(pre);
      document.execCommand("copy");
    }
    copy.textContent = "Copied";
  };
  host.append(bar, pre);
}
