// One page of the course: forward and back by buttons, arrow keys and swipes.
import { element } from "../src/head";
import { LESSONS } from "./lessons";
import { Result } from "./result";
import { scenario } from "./scenario";
import { written } from "./state";
import type { Shell, View } from "./main";

/** A swipe is at least so long, in CSS pixels, and twice as long as it is high. */
const SWIPE = 60;

/** The button that turned the page, by its place: it keeps the focus on the next page. */
let turned: number | undefined;

export function course(shell: Shell, host: HTMLElement, from: URLSearchParams): View {
  const asked = Number(from.get("course") || "1");
  const place = Number.isInteger(asked) ? Math.min(LESSONS.length, Math.max(1, asked)) - 1 : 0;
  const lesson = LESSONS[place];
  document.title = `${lesson.title} · Leasehold`;
  const turn = (by: number): boolean => {
    const next = place + by;
    if (!LESSONS[next]) return false;
    turned = bar.contains(document.activeElement) ? (by < 0 ? 0 : 1) : undefined;
    location.hash = `course=${next + 1}`;
    return true;
  };
  // Above the text, so that the buttons stay where they are from page to page.
  const bar = element("nav", "pages");
  bar.setAttribute("aria-label", "Pages of the course");
  const button = (words: string, by: number) => {
    const made = element("button", "", words);
    made.type = "button";
    made.disabled = !LESSONS[place + by];
    made.onclick = () => turn(by);
    return made;
  };
  const list = element("select");
  list.setAttribute("aria-label", "Go to a page");
  LESSONS.forEach(({ title }, number) => list.append(new Option(`${number + 1}. ${title}`, String(number + 1), false, number === place)));
  list.onchange = () => { location.hash = `course=${list.value}`; };
  bar.append(button("‹ back", -1), element("span", "count", `${place + 1} of ${LESSONS.length}`), button("on ›", 1), list, element("span", "keys", "arrow keys or a swipe turn the page"));
  host.append(bar, element("h1", "", lesson.title));
  if (turned !== undefined) {
    const same = bar.querySelectorAll("button")[turned];
    (same.disabled ? list : same).focus();
    turned = undefined;
  }
  for (const words of lesson.words) host.append(element("p", "lesson", words));
  host.append(element("p", "lesson look", lesson.look));

  const runs = element("div", "toolbar");
  runs.setAttribute("role", "group");
  runs.setAttribute("aria-label", "Runs");
  host.append(runs);
  const shown = Number(from.get("run") || "1") - 1;
  let run = lesson.runs[shown] ? shown : 0;
  const params = () => new URLSearchParams(run ? [["run", String(run + 1)]] : []);
  const result = new Result(shell.core, host, shell.moved(from), (moved) => shell.address("course", params(), moved, String(place + 1)));
  const open = element("a", "button", "Open it in the playground");
  const show = () => {
    const setting = lesson.runs[run][1];
    for (const each of runs.querySelectorAll("button")) each.setAttribute("aria-pressed", String(Number(each.dataset.run) === run));
    open.href = `#${["play", written(setting).toString()].filter(Boolean).join("&")}`;
    result.show({ file: "playground.toml", scenario: scenario(setting) });
  };
  lesson.runs.forEach(([name], number) => {
    const choose = element("button", "", name);
    choose.type = "button";
    choose.dataset.run = String(number);
    choose.onclick = () => {
      run = number;
      shell.address("course", params(), {}, String(place + 1));
      show();
    };
    runs.append(choose);
  });
  runs.append(open);
  show();
  scrollTo(0, 0);

  let begun: Touch | undefined;
  host.ontouchstart = (event) => { begun = event.touches.length === 1 ? event.touches[0] : undefined; };
  host.ontouchend = (event) => {
    const ended = event.changedTouches[0];
    if (!begun || event.touches.length) return;
    const [x, y] = [ended.clientX - begun.clientX, ended.clientY - begun.clientY];
    begun = undefined;
    if (Math.abs(x) >= SWIPE && Math.abs(x) > 2 * Math.abs(y)) turn(x < 0 ? 1 : -1);
  };
  return {
    result,
    redraw: () => result.redraw(),
    key(key) {
      if (key === "ArrowRight" || key === "ArrowLeft") return turn(key === "ArrowRight" ? 1 : -1);
      return result.key(key);
    },
    leave: () => { host.ontouchstart = host.ontouchend = null; },
  };
}
