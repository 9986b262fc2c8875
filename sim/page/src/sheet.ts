// The page of any result: a verdict, and parts made of blocks. The data says what there is; nothing here knows a command.
import "./sheet.css";
import { drawBlocks } from "./blocks";
import { element } from "./head";
import { tips } from "./diagram";
import type { Sheet, Tone } from "./sheet-data";

const SIGNS: Record<Tone, string> = { good: "✓ ", bad: "✗ ", doubtful: "? ", plain: "" };

/** A sign before the words: no meaning rests on colour. */
export const signed = (tone: Tone, words: string) => SIGNS[tone] + words;

export const toned = (tone: Tone) => (tone === "doubtful" ? "amber" : tone === "plain" ? "" : tone);

/** What has to be drawn anew when the page is wider or narrower. */
export class Redraw {
  private readonly all: (() => void)[] = [];
  add(draw: () => void) {
    this.all.push(draw);
    draw();
  }
  run() {
    for (const draw of this.all) draw();
  }
}

export function mountSheet(sheet: Sheet, host: HTMLElement) {
  const redraw = new Redraw();
  host.append(element("p", "kick", sheet.asked));
  const heading = element("h1");
  heading.append(element("span", toned(sheet.tone), signed(sheet.tone, sheet.word)), ` ${sheet.sentence}`);
  host.append(heading);
  if (sheet.cards.length) {
    const cards = element("div", "cards");
    for (const card of sheet.cards) {
      const box = element("section");
      box.append(element("h2", "question", card.question), element("p", "answer", card.answer));
      for (const fact of card.evidence) box.append(element("p", "fact", fact));
      cards.append(box);
    }
    host.append(cards);
  }
  // Before anything is drawn: tooltips are one for all.
  tips(document.body);
  for (const part of sheet.parts) {
    const section = element("section", "part");
    section.append(element("h2", "", part.title));
    host.append(section);
    drawBlocks(part.blocks, section, redraw);
  }
  host.append(element("p", "foot", sheet.foot));
  let width = innerWidth;
  addEventListener("resize", () => {
    if (width === innerWidth) return;
    width = innerWidth;
    redraw.run();
  });
  // A printed sheet has its own width.
  addEventListener("beforeprint", () => redraw.run());
}
