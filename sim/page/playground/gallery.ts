// The gallery: bugs of real systems, each with its story and its runs.
import { element } from "../src/head";
import { Result } from "./result";
import type { Exhibit } from "./core";
import type { Shell, View } from "./main";

/** A link of the list was followed: the list keeps the focus. */
let followed = false;

export function gallery(shell: Shell, host: HTMLElement, from: URLSearchParams): View {
  const view: View = { redraw: () => view.result?.redraw(), key: (key) => view.result?.key(key) ?? false };
  host.append(element("h1", "", "Lease bugs of real systems"));
  const wait = element("p", "lead", "The simulator is loading …");
  wait.setAttribute("role", "status");
  host.append(wait);
  shell.core.gallery().then((all) => {
    if (!host.isConnected) return;
    wait.textContent = `${all.length} exhibits. Each is the shortest run that shows the bug, as shipped and as fixed.`;
    hang(all);
  }, (error: Error) => {
    wait.className = "problem";
    wait.textContent = `${error.message}. Reload the page to try again.`;
  });

  function hang(all: Exhibit[]) {
    const asked = from.get("gallery") ?? "";
    const piece = all.find((each) => each.name === asked) ?? (asked ? undefined : all[0]);
    const two = element("div", "playing");
    const names = element("nav", "names");
    names.setAttribute("aria-label", "Exhibits");
    for (const each of all) {
      const link = element("a", "", "");
      link.href = `#gallery=${each.name}`;
      link.onclick = () => { followed = true; };
      link.append(element("b", "", each.system), ` ${each.title}`);
      if (each === piece) link.setAttribute("aria-current", "page");
      names.append(link);
    }
    const side = element("div", "side");
    two.append(names, side);
    host.append(two);
    if (!piece) {
      side.append(element("p", "problem", `There is no exhibit ${asked}. Choose one of the list.`));
      return;
    }
    document.title = `${piece.title} · Leasehold`;
    const place = all.indexOf(piece);
    side.append(element("p", "kick", `${place + 1} of ${all.length}. ${piece.system} (${piece.year}): ${piece.mechanism}`), element("h2", "title", piece.title));
    const story = element("dl", "story");
    const line = (term: string, words: string) => story.append(element("dt", "", term), element("dd", "", words));
    line("Believed", piece.believed);
    line("What happens", piece.happened);
    if (piece.note) line("Note", piece.note);
    const source = element("dd");
    const link = element("a", "", piece.url);
    link.href = piece.url;
    link.rel = "noreferrer";
    source.append(link);
    story.append(element("dt", "", "Source"), source);
    side.append(story);
    const bar = element("div", "toolbar");
    bar.setAttribute("role", "group");
    bar.setAttribute("aria-label", "Variants");
    side.append(bar);
    let row = from.get("row") ?? piece.rows[0];
    const params = () => new URLSearchParams(row === piece.rows[0] ? [] : [["row", row]]);
    const result = new Result(shell.core, side, shell.moved(from), (moved) => shell.address("gallery", params(), moved, piece.name));
    const show = () => {
      for (const each of bar.querySelectorAll("button")) each.setAttribute("aria-pressed", String(each.dataset.row === row));
      result.show({ file: piece.file, scenario: piece.scenario, row });
    };
    for (const label of piece.rows) {
      const choose = element("button", "", label || "the run");
      choose.type = "button";
      choose.dataset.row = label;
      choose.onclick = () => {
        row = label;
        shell.address("gallery", params(), {}, piece.name);
        show();
      };
      bar.append(choose);
    }
    view.result = result;
    show();
    names.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
    if (followed) names.querySelector<HTMLElement>("[aria-current]")?.focus({ preventScroll: true });
    followed = false;
    scrollTo(0, 0);
  }
  return view;
}
