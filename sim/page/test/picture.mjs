// The moments that decide as an SVG file by itself: node test/picture.mjs PAGE.html FILE.svg
import { chromium } from "playwright-core";
import { readFileSync, writeFileSync } from "node:fs";
const [file, to] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
const page = await (await browser.newContext({ viewport: { width: 1100, height: 900 } })).newPage();
await page.goto(`file://${file}`);
const drawn = await page.evaluate(() => {
  const svg = document.querySelectorAll(".stage svg")[1].cloneNode(true);
  for (const mark of svg.querySelectorAll("[data-tip],[tabindex]")) {
    for (const name of ["data-tip", "tabindex", "role", "aria-label"]) mark.removeAttribute(name);
  }
  return new XMLSerializer().serializeToString(svg);
});
await browser.close();
// The style sheet has what pages need beside; in an image only the diagram's rules apply.
const style = readFileSync(file, "utf8").split("<style>")[1].split("</style>")[0].replaceAll("svg text", "text").replaceAll("svg .", ".");
const paper = '<rect width="100%" height="100%" style="fill:var(--bg)"/>';
writeFileSync(to, drawn.replace(/>/, `><style>${style.replaceAll("&", "&amp;").replaceAll("<", "&lt;")}</style>${paper}`) + "\n");
