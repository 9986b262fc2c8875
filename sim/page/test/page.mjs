// Pages in a real browser: node test/page.mjs PAGE.html... Prints what it measured; any fault ends it with 1.
import { chromium } from "playwright-core";
import { readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import assert from "node:assert/strict";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"] });

async function open(file, hash, width, colorScheme) {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
  const page = await context.newPage();
  const wrong = [];
  page.on("console", (message) => message.type() === "error" && wrong.push(message.text()));
  page.on("pageerror", (error) => wrong.push(String(error)));
  page.on("request", (request) => request.url().startsWith("file:") || wrong.push(`asks for ${request.url()}`));
  const began = performance.now();
  await page.goto(`file://${file}${hash}`);
  return { page, wrong, load: performance.now() - began, context };
}

const now = (page) => page.locator(".now").innerText();
const current = (page) => page.locator(".step.current").getAttribute("aria-label");

for (const file of process.argv.slice(2)) {
  const name = file.split("/").at(-1);
  const data = JSON.parse(readFileSync(file, "utf8").split('id="data">')[1].split("</script>")[0]);
  const { moments, stale } = data.picture;
  for (const [width, scheme] of [[1280, "light"], [1280, "dark"], [390, "light"], [390, "dark"]]) {
    const where = `${name} at ${width}, ${scheme}`;
    const { page, wrong, load, context } = await open(file, "", width, scheme);
    assert.equal(await page.locator("h1").count(), 1, where);
    assert.ok((await page.locator("h1").innerText()).includes(data.picture.verdict.sentence), where);
    if (moments.length) {
      // The stale read is what is selected first, and it is in the diagram.
      if (stale) assert.match(await current(page), /answers the stale read/, where);
      if (stale) assert.equal(await page.locator(".operation.read").count(), 1, `${where}: the stale read is drawn once`);
      const first = await now(page);
      await page.keyboard.press("n");
      const last = first.startsWith(`${moments.length} of`);
      assert.equal((await now(page)) !== first, !last, `${where}: n goes on`);
      await page.keyboard.press("p");
      const panels = () => page.evaluate(() => diagram.state().panels.map((p) => p.to - p.from));
      const story = await panels();
      await page.keyboard.press("+");
      const whole = await panels();
      await page.keyboard.press("+");
      const near = await panels();
      assert.ok(near.length === 1 && near[0] < whole[0], `${where}: + zooms in`);
      await page.keyboard.press("-");
      assert.ok((await panels())[0] > near[0], `${where}: - zooms out`);
      const before = await page.evaluate(() => diagram.state().view[0]);
      await page.keyboard.press("ArrowRight");
      assert.ok((await page.evaluate(() => diagram.state().view[0])) > before, `${where}: the arrow pans`);
      // The address leads to the same picture.
      const hash = await page.evaluate(() => location.hash);
      const again = await open(file, hash, width, scheme);
      assert.equal(await current(again.page), await current(page), `${where}: ${hash} selects`);
      const views = await Promise.all([again.page, page].map((p) => p.evaluate(() => diagram.state().view.map(Math.round))));
      assert.deepEqual(views[0], views[1], `${where}: ${hash} shows the same time`);
      await again.context.close();
      await page.keyboard.press("0");
      assert.deepEqual(await panels(), story, `${where}: 0 is the story`);
      // A step of the list selects it in the diagram; folding takes a lane away.
      await page.locator("[data-step='0']").click();
      assert.ok((await now(page)).startsWith("1 of"), where);
      await page.locator(".filters summary").click();
      const height = () => page.evaluate(() => document.querySelectorAll(".stage")[1].querySelectorAll(".life").length);
      const lanes = await height();
      await page.locator(".filters label", { hasText: `lane ${data.picture.nodes[0].name}` }).locator("input").uncheck();
      assert.ok((await height()) < lanes, `${where}: a lane folds`);
      await page.locator(".filters label", { hasText: `lane ${data.picture.nodes[0].name}` }).locator("input").check();
    }
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0, `${where}: nothing overflows sideways`);
    // The bundle's policy keeps scripts out; axe is run by the browser's own door.
    await page.evaluate(axe);
    const found = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
    assert.ok(found.passes.length > 15, `${where}: axe has looked at ${found.passes.length} rules`);
    assert.deepEqual(found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 120)).join(" | ")}`), [], `${where}: axe`);
    assert.deepEqual(wrong, [], `${where}: errors`);
    const redraw = await page.evaluate(() => { const began = performance.now(); for (let i = 0; i < 5; i++) diagram.resize(); return (performance.now() - began) / 5; });
    console.log(`${where}: ${statSync(file).size} bytes, load ${load.toFixed(0)} ms, redraw ${redraw.toFixed(1)} ms`);
    await context.close();
  }
}

// Frames while a page with many marks is dragged.
if (process.env.MANY) {
  const { page, context } = await open(process.env.MANY, "", 1280, "light");
  await page.evaluate(() => { const all = diagram.state().panels; diagram.view(all[0].from, all.at(-1).to); });
  const box = await page.locator(".stage svg").nth(1).boundingBox();
  await page.mouse.move(box.x + 700, box.y + 200);
  await page.evaluate(() => { window.frames_ = []; let last = performance.now(); const tick = (t) => { frames_.push(t - last); last = t; window.frame_ = requestAnimationFrame(tick); }; requestAnimationFrame(tick); });
  await page.mouse.down();
  for (let i = 0; i < 60; i++) await page.mouse.move(box.x + 700 - i * 6, box.y + 200);
  const frames = await page.evaluate(() => { cancelAnimationFrame(frame_); return frames_.slice(2).sort((a, b) => a - b); });
  await page.mouse.up();
  const redraw = await page.evaluate(() => { const began = performance.now(); diagram.resize(); return performance.now() - began; });
  const marks = await page.evaluate(() => JSON.parse(document.getElementById("data").textContent).picture).then((p) => p.messages.length + p.operations.length);
  console.log(`${marks} marks: while dragging ${frames.length} frames, median ${frames[frames.length >> 1]?.toFixed(1)} ms, worst ${frames.at(-1)?.toFixed(1)} ms; full redraw ${redraw.toFixed(1)} ms`);
  await context.close();
}
await browser.close();
