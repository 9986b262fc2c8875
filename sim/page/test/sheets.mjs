// Pages of results that are no single run, in a real browser: node test/sheets.mjs KIND=PAGE.html... Any fault ends it with 1.
import { chromium } from "playwright-core";
import { readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import assert from "node:assert/strict";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"] });
/** With the viewer a page stays below this, bytes. */
const SIZE_MAX = 1_000_000;

/** What only this kind of page has. */
const KINDS = {
  async threshold(page, data) {
    await curve(page, data, 0);
    await curve(page, data, 1);
    assert.equal(await page.locator(".run .operation.read").count() > 0, true, "the stale read is drawn");
    await keys(page);
    await copies(page);
  },
  async frontier(page, data) {
    const map = blocks(data, "map")[0];
    const said = () => page.locator(".reader output").last().innerText();
    const before = await said();
    await page.locator(".reader input").first().press("ArrowRight");
    await page.locator(".reader input").last().press("ArrowUp");
    assert.notEqual(await said(), before, "arrows go through the cells");
    const svg = page.locator(".picture svg");
    const box = await svg.boundingBox();
    await page.mouse.move(box.x + box.width * 0.3, box.y + box.height * 0.3);
    assert.match(await page.locator("#tip").innerText(), /stale read/, "each cell has a title");
    await svg.click({ position: { x: box.width - 30, y: 30 } });
    const picked = (await said()).split(" at ")[0];
    assert.ok(map.ys.findIndex((value) => value.text === picked) > map.ys.length * 0.8, `a click near the top picks a cell there: ${picked}`);
    const cells = page.locator("details", { hasText: "Every cell as a table" });
    await cells.locator("summary").click();
    assert.equal(await cells.locator("td", { hasText: "✗" }).count(), map.columns.reduce((sum, column) => sum + column.cells.split("x").length - 1, 0));
    assert.equal(await page.locator(".ringed").count() > 2, true, "theory's line is drawn");
  },
  async explore(page, data) {
    const folds = blocks(data, "folds")[0].folds;
    assert.equal(await page.locator("details.fold").count(), folds.length);
    for (let place = 0; place < folds.length; place++) {
      const fold = page.locator("details.fold").nth(place);
      if (place > 0) {
        await fold.locator("summary").first().focus();
        await page.keyboard.press("Enter");
      }
      const run = folds[place].blocks.find((block) => block.is === "runs").runs[0];
      if (run.picture) {
        await fold.locator(".stage svg").first().waitFor();
        assert.ok((await fold.locator(".sentence").innerText()).includes(run.picture.verdict.sentence));
      } else assert.ok((await fold.locator(".run .note").innerText()).length > 20, "it says why it is not drawn");
      const commands = folds[place].blocks.find((block) => block.is === "commands").commands;
      assert.deepEqual(await fold.locator(".command code").allInnerTexts(), commands.map((command) => command.line));
    }
    await keys(page);
  },
  async check(page, data) {
    const timeline = blocks(data, "timeline")[0];
    assert.equal(await page.locator(".timeline rect.interval").count(), blocks(data, "timeline").slice(0, 1).reduce((sum, one) => sum + one.bars.length, 0));
    const bad = page.locator(".timeline rect.interval.bad").first();
    const [frame, bar] = [await page.locator(".lanes .scroll").first().boundingBox(), await bad.boundingBox()];
    assert.ok(bar.x >= frame.x && bar.x <= frame.x + frame.width, "what contradicts is in sight");
    assert.deepEqual(await page.locator(".names").first().locator(".name").allInnerTexts(), timeline.lanes);
  },
  async gallery(page, data) {
    const runs = blocks(data, "runs")[0].runs;
    assert.equal(await page.locator(".boxes section").count(), runs.length, "a box a variant");
    await tabs(page, runs);
    await keys(page);
  },
  async shrink(page, data) {
    await tabs(page, blocks(data, "runs")[0].runs);
    await copies(page);
    await keys(page);
  },
  async probability(page, data) {
    const [estimate, levels] = blocks(data, "bars");
    assert.equal(await page.locator("rect.bar").count(), estimate.bars.length + levels.bars.length);
    assert.equal(await page.locator(".whisker").count(), estimate.bars.length, "an interval a bar");
  },
  async exhaust(page, data) {
    assert.equal(await page.locator("rect.bar").count(), blocks(data, "bars")[0].bars.length);
  },
  async live(page, data) {
    const timeline = blocks(data, "timeline")[0];
    assert.equal(await page.locator(".timeline rect.interval").count(), timeline.bars.length);
    assert.ok(timeline.bars.some((bar) => timeline.legend[bar.kind].style === "lead"), "somebody led");
  },
  async advise(page, data) {
    assert.equal(await page.locator("tbody tr").count(), blocks(data, "table")[0].rows.length);
  },
};

function blocks(data, kind) {
  const found = [];
  const collect = (all) => {
    for (const block of all) {
      if (block.is === kind) found.push(block);
      for (const fold of block.folds ?? []) collect(fold.blocks);
    }
  };
  for (const part of data.parts) collect(part.blocks);
  return found;
}

async function curve(page, data, place) {
  const curve = blocks(data, "curve")[place];
  const reader = page.locator(".reader").nth(place);
  const said = await reader.locator("output").innerText();
  await reader.locator("input").press("ArrowLeft");
  assert.notEqual(await reader.locator("output").innerText(), said, "arrows go through the values");
  assert.equal(await page.locator(".picture").nth(place).locator(".dot, .cross").count(), curve.lines[0].points.filter((point) => point !== null).length, "a mark a value");
  const table = page.locator("details", { hasText: "The same as a table" }).nth(place);
  await table.locator("summary").click();
  assert.equal(await table.locator("tbody tr").count(), curve.values.length);
  await table.locator("summary").click();
}

async function keys(page) {
  const now = () => page.locator(".now").first().innerText();
  await page.locator(".run .stage svg").first().click({ position: { x: 5, y: 5 } });
  const before = await now();
  await page.keyboard.press("p");
  const back = await now();
  await page.keyboard.press("n");
  assert.ok(back !== before || (await now()) !== before, "n and p go through the steps");
}

async function tabs(page, runs) {
  for (const [place, run] of runs.entries()) {
    const tab = page.locator(".tabs button").nth(place);
    await tab.focus();
    await page.keyboard.press("Enter");
    assert.equal(await tab.getAttribute("aria-pressed"), "true");
    if (run.picture) assert.ok((await page.locator(".sentence").innerText()).includes(run.picture.verdict.sentence), run.label);
  }
  await page.locator(".tabs button").first().click();
}

async function copies(page) {
  await page.locator(".toolbar button", { hasText: "Copy" }).first().click();
  await page.locator(".toolbar button", { hasText: "Copied" }).first().waitFor();
}

for (const argument of process.argv.slice(2)) {
  const [kind, file] = argument.split("=");
  const text = readFileSync(file, "utf8");
  const data = JSON.parse(text.split('id="data">')[1].split("</script>")[0]);
  assert.ok(text.length < SIZE_MAX, `${kind}: ${text.length} bytes`);
  for (const [width, colorScheme] of [[1280, "light"], [1280, "dark"], [390, "light"], [390, "dark"]]) {
    const where = `${kind} at ${width}, ${colorScheme}`;
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
    const page = await context.newPage();
    const wrong = [];
    page.on("console", (message) => message.type() === "error" && wrong.push(message.text()));
    page.on("pageerror", (error) => wrong.push(String(error)));
    page.on("request", (request) => request.url().startsWith("file:") || wrong.push(`asks for ${request.url()}`));
    const began = performance.now();
    await page.goto(`file://${file}`);
    const load = performance.now() - began;
    assert.equal(await page.locator("h1").count(), 1, where);
    const heading = await page.locator("h1").innerText();
    assert.ok(heading.includes(data.word) && heading.includes(data.sentence), `${where}: ${heading}`);
    try {
      await KINDS[kind](page, data);
    } catch (error) {
      error.message = `${where}: ${error.message}`;
      throw error;
    }
    // Everything that can be opened is open for axe.
    await page.evaluate(() => document.querySelectorAll("details").forEach((details) => { details.open = true; }));
    await page.waitForTimeout(50);
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0, `${where}: nothing overflows sideways`);
    await page.evaluate(axe);
    const found = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
    assert.ok(found.passes.length > 12, `${where}: axe has looked at ${found.passes.length} rules`);
    assert.deepEqual(found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 160)).join(" | ")}`), [], `${where}: axe`);
    // Wider or narrower, everything is drawn anew.
    await page.setViewportSize({ width: width === 390 ? 700 : 900, height: 900 });
    await page.waitForTimeout(50);
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0, `${where}: nothing overflows when resized`);
    assert.deepEqual(wrong, [], `${where}: errors`);
    if (colorScheme === "light") console.log(`${where}: ${statSync(file).size} bytes, load ${load.toFixed(0)} ms`);
    await context.close();
  }
}
await browser.close();
