// The moments that decide as an SVG file by itself: node test/picture.mjs PAGE.html FILE.svg
// The file holds the rules of the page's style sheet that reach the diagram, and no other: a change elsewhere on the page
// leaves the picture as it is.
import { chromium } from "playwright-core";
import { readFileSync, writeFileSync } from "node:fs";
const [file, to] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
const page = await (await browser.newContext({ viewport: { width: 1100, height: 900 } })).newPage();
await page.goto(`file://${file}`);

/** The rules of a minified style sheet: `[selector or condition, body]` each. */
function rules(css) {
  const found = [];
  let depth = 0, start = 0, open = 0;
  for (let at = 0; at < css.length; at++) {
    if (css[at] === "{" && depth++ === 0) open = at;
    if (css[at] === "}" && --depth === 0) {
      found.push([css.slice(start, open), css.slice(open + 1, at)]);
      start = at + 1;
    }
  }
  return found;
}

const inDiagram = (selector) => page.evaluate((selector) => {
  const svg = document.querySelectorAll(".stage svg")[1];
  return [...document.querySelectorAll(selector)].some((element) => svg.contains(element));
}, selector);

async function reaching(css) {
  let kept = "";
  for (const [head, body] of rules(css)) {
    if (head.startsWith("@")) {
      const inner = await reaching(body);
      if (inner) kept += `${head}{${inner}}`;
    } else if (head === ":root" || await inDiagram(head)) {
      // In the file the diagram is the whole document.
      kept += `${head.replaceAll(/\bsvg (?=[a-z.])/g, "")}{${body}}`;
    }
  }
  return kept;
}

const sheet = readFileSync(file, "utf8").split("<style>")[1].split("</style>")[0].replaceAll(/\/\*.*?\*\//g, "").trim();
const style = await reaching(sheet);
const drawn = await page.evaluate(() => {
  const svg = document.querySelectorAll(".stage svg")[1].cloneNode(true);
  for (const mark of svg.querySelectorAll("[data-tip],[tabindex]")) {
    for (const name of ["data-tip", "tabindex", "role", "aria-label"]) mark.removeAttribute(name);
  }
  return new XMLSerializer().serializeToString(svg);
});
await browser.close();
const paper = '<rect width="100%" height="100%" style="fill:var(--bg)"/>';
writeFileSync(to, drawn.replace(/>/, `><style>${style.replaceAll("&", "&amp;").replaceAll("<", "&lt;")}</style>${paper}`) + "\n");
