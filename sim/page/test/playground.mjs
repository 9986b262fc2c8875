// The playground in a real browser: node test/playground.mjs FOLDER SIM REPOSITORY. `sim serve` serves the folder.
// Prints what it measured; any fault ends it with 1.
import { chromium } from "playwright-core";
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import assert from "node:assert/strict";

const [folder, sim, repository] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const scratch = mkdtempSync(join(tmpdir(), "playground-"));
const server = spawn(sim, ["serve", "--store", scratch, "--playground", folder, "--port", "0"], { stdio: ["ignore", "pipe", "inherit"] });
process.on("exit", () => { server.kill("SIGINT"); rmSync(scratch, { recursive: true, force: true }); });
const origin = await new Promise((resolve, reject) => {
  server.stdout.on("data", (text) => resolve(String(text).match(/http:\S+\//)[0]));
  server.on("exit", (code) => reject(new Error(`sim serve ended: ${code}`)));
});
const home = `${origin}playground/`;
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"] });

async function open(hash, { width = 1280, touch = false, noise = true } = {}) {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: "light", hasTouch: touch });
  const page = await context.newPage();
  const wrong = [];
  page.on("console", (message) => noise && message.type() === "error" && wrong.push(message.text()));
  page.on("pageerror", (error) => wrong.push(String(error)));
  page.on("request", (request) => request.url().startsWith(home) || request.url().startsWith("data:") || wrong.push(`asks for ${request.url()}`));
  return { page, wrong, context, ready: page.goto(home + hash) };
}

async function opened(hash, how) {
  const made = await open(hash, how);
  await made.ready;
  await drawn(made.page);
  return made;
}

/** The picture of the newest question is there. */
const drawn = (page) => page.waitForFunction(() => document.querySelector(".result[aria-busy=false]") && window.view.result.drawn > 0, undefined, { timeout: 20_000 });
const verdict = (page) => page.locator(".verdict b").innerText();
const trace = (page) => page.locator(".hash code").innerText();
/** Moves a slider as a person does: the browser sends the same event. */
async function slide(page, key, value) {
  await page.locator(`input[type=range][data-key=${key}]`).fill(String(value));
  await drawn(page);
}

/** What the command says of a scenario, whatever it exits with. */
function command(...args) {
  try {
    return JSON.parse(execFileSync(sim, [...args, "--json"], { encoding: "utf8", cwd: repository, stdio: ["ignore", "pipe", "ignore"], maxBuffer: 1 << 28 }));
  } catch (error) {
    assert.ok(error.status < 4, `sim ${args.join(" ")}: ${error.status}`);
    return JSON.parse(error.stdout);
  }
}

/** Downloads the scenario and runs it with the command. */
async function sameHash(page, where) {
  const [download] = await Promise.all([page.waitForEvent("download"), page.locator("a[download]").click()]);
  const saved = join(scratch, download.suggestedFilename());
  await download.saveAs(saved);
  assert.equal(command("run", saved).trace, await trace(page), `${where}: sim run of the saved scenario has the same trace hash`);
}

async function clean(page, wrong, where) {
  assert.ok((await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0, `${where}: nothing overflows sideways`);
  await page.evaluate(axe);
  const found = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  assert.ok(found.passes.length > 15, `${where}: axe has looked at ${found.passes.length} rules`);
  assert.deepEqual(found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 120)).join(" | ")}`), [], `${where}: axe`);
  assert.deepEqual(wrong, [], `${where}: errors`);
}

async function sliders() {
  const { page, wrong, context } = await opened("");
  assert.equal(await verdict(page), "✓ Safe", "the defaults are safe");
  // The user's sentence, at three settings: stale reads appear once the skew exceeds T - (D - s).
  for (const [T, D, s] of [[5000, 3000, 500], [5000, 3000, 0], [4000, 3500, 200]]) {
    for (const [key, value] of [["timeout", T], ["lease", D], ["declared", s]]) await slide(page, key, value);
    const room = T - (D - s);
    for (const [offset, said] of [[room - 100, "✓ Safe"], [room, "✓ Safe"], [room + 100, "✗ Stale read"]]) {
      await slide(page, "offset", offset);
      assert.equal(await verdict(page), said, `T ${T}, D ${D}, s ${s}, skew ${offset}`);
    }
    assert.ok((await page.locator(".bound").innerText()).includes(room < 1000 ? `= ${room} ms.` : `= ${room / 1000} s.`), `the threshold of ${T}, ${D}, ${s}`);
    await page.getByRole("button", { name: "Just beyond" }).click();
    await drawn(page);
    assert.match(await verdict(page), /^✗/);
    await page.getByRole("button", { name: "Just within" }).click();
    await drawn(page);
    assert.equal(await verdict(page), "✓ Safe");
  }
  // Typed numbers may be finer than the slider; one that is too large is cut.
  await page.locator("[data-number=offset]").fill("1234.567");
  await drawn(page);
  assert.ok(/offset = "\+1\.234567s"/.test(await page.locator(".toml pre").textContent()), "the offset is in the scenario");
  await page.locator("[data-number=offset]").fill("99999");
  await page.locator("[data-number=lease]").focus();
  assert.equal(await page.locator("[data-number=offset]").inputValue(), "5000");
  await page.getByRole("button", { name: "Start again" }).click();
  await drawn(page);
  const first = await trace(page);
  // The elapsed form, and what stops the leader's machine.
  await page.locator("select[data-key=form]").selectOption("elapsed");
  await slide(page, "rate", -55);
  assert.equal(await verdict(page), "✗ Stale read", "slow by 55 %, and the threshold is 50 %");
  await slide(page, "rate", -45);
  assert.equal(await verdict(page), "✓ Safe");
  await slide(page, "rate", 0);
  for (const [lease, by] of [[4500, 20], [3456.789, 40.8642]]) {
    await page.locator("[data-number=lease]").fill(String(lease));
    await drawn(page);
    assert.ok((await page.locator(".bound").innerText()).endsWith(`= ${by} %.`), `the threshold of a lease of ${lease}: ${by} %`);
    for (const [name, said] of [["Just beyond", /^✗/], ["Just within", /^✓ Safe/]]) {
      await page.getByRole("button", { name }).click();
      await drawn(page);
      assert.match(await verdict(page), said, `elapsed, lease ${lease}, ${name}`);
    }
  }
  await slide(page, "lease", 3000);
  await slide(page, "rate", 0);
  for (const [stop, stamp, said] of [["pause", "both", "✓ Safe"], ["suspend", "both", "✓ Safe"], ["suspend", "raw", "✗ Stale read"], ["hypervisor-pause", "both", "✗ Stale read"]]) {
    await page.locator("select[data-key=stop]").selectOption(stop);
    await page.locator("select[data-key=stamp]").selectOption(stamp);
    await slide(page, "stopped", 6000);
    assert.equal(await verdict(page), said, `${stop}, ${stamp}`);
    await sameHash(page, `${stop}, ${stamp}`);
  }
  await page.getByRole("button", { name: "Start again" }).click();
  await drawn(page);
  // Every rule of the list is one that the simulator knows, and the restart is what one of them breaks.
  for (const name of await page.locator("select[data-key=rules] option").evaluateAll((all) => all.map((one) => one.value))) {
    await page.locator("select[data-key=rules]").selectOption(name);
    await drawn(page);
    assert.equal(await page.locator("pre.problem").isVisible(), false, name);
  }
  await page.locator("select[data-key=rules]").selectOption("restart-forgets");
  await page.locator("input[data-key=restart]").check();
  await drawn(page);
  assert.equal(await verdict(page), "✗ Stale read", "a forgotten promise");
  await sameHash(page, "restart");
  await page.locator("select[data-key=rules]").selectOption("sound");
  await drawn(page);
  assert.equal(await verdict(page), "✓ Safe");
  await page.getByRole("button", { name: "Start again" }).click();
  await drawn(page);
  assert.equal(await trace(page), first, "the same setting has the same trace hash");
  // Many moves at once: the newest wins.
  const range = page.locator("input[type=range][data-key=offset]");
  await range.evaluate((input) => { for (let value = 0; value <= 3000; value += 50) { input.value = value; input.dispatchEvent(new Event("input")); } });
  await drawn(page);
  const newest = await trace(page);
  await slide(page, "offset", 2950);
  assert.notEqual(await trace(page), newest);
  await slide(page, "offset", 3000);
  assert.equal(await trace(page), newest, "61 moves at once end with the picture of the last");
  // A picture follows a slider that does not rest: 90 frames, a move in each.
  const pictures = await page.evaluate(() => new Promise((resolve) => {
    const input = document.querySelector("input[data-key=offset]");
    const [before, began] = [view.result.drawn, performance.now()];
    let frame = 0;
    const move = () => {
      input.value = String(20 * frame);
      input.dispatchEvent(new Event("input"));
      if (++frame < 90) requestAnimationFrame(move);
      else resolve({ drawn: view.result.drawn - before, ms: performance.now() - began });
    };
    move();
  }));
  assert.ok(pictures.drawn >= 5, `${pictures.drawn} pictures while the slider moved`);
  await drawn(page);
  const quick = [];
  for (let value = 2000; value < 3000; value += 50) {
    await slide(page, "offset", value);
    quick.push(await page.evaluate(() => [view.result.took.verdict, view.result.took.picture]));
  }
  const median = (place) => quick.map((one) => one[place]).sort((a, b) => a - b)[quick.length >> 1];
  console.log(`playground: from a slider's move to the verdict ${median(0).toFixed(0)} ms, to the drawn picture ${median(1).toFixed(0)} ms (medians of ${quick.length}); ${pictures.drawn} pictures in ${(pictures.ms / 1000).toFixed(1)} s of dragging`);
  assert.deepEqual(wrong, []);
  await context.close();
}

async function permalinks() {
  const { page, wrong, context } = await opened("");
  await page.locator("select[data-key=form]").selectOption("elapsed");
  await slide(page, "lease", 4500);
  await slide(page, "rate", -20);
  await page.locator("[data-step='3']").click();
  await page.keyboard.press("+");
  await page.waitForFunction(() => location.hash.includes("s=4") && location.hash.includes("t="));
  const link = await page.evaluate(() => location.hash);
  const again = await opened(link);
  const state = (of) => of.evaluate(() => [document.querySelector(".verdict").innerText, document.querySelector(".hash code").innerText, document.querySelector(".now").innerText, [...document.querySelectorAll("input[data-key], select[data-key]")].map((one) => one.value)]);
  assert.deepEqual(await state(again.page), await state(page), `${link} opens the same state`);
  assert.equal(await again.page.evaluate(() => location.hash), link, "and stays as it is");
  assert.deepEqual([...wrong, ...again.wrong], []);
  await Promise.all([context.close(), again.context.close()]);
  // What an address cannot mean is said, and what it can is shown.
  for (const [hash, words] of [["#play&offset=soon&form=round&lease=2000", /offset=soon.*form=round/], ["#gallery=nothing", /no exhibit nothing/]]) {
    const bad = await open(hash);
    await bad.ready;
    await bad.page.locator(".problem", { hasText: words }).waitFor();
    assert.deepEqual(bad.wrong, []);
    await bad.context.close();
  }
  // A folder without the module says so.
  const lost = await open("", { noise: false });
  await lost.page.route("**/*.wasm", (route) => route.fulfill({ status: 404 }));
  await lost.ready.catch(() => {});
  await lost.page.reload();
  await lost.page.locator(".problem", { hasText: /could not be loaded: .*404/ }).waitFor();
  await lost.context.close();
}

async function exhibits() {
  const { page, wrong, context } = await opened("#gallery");
  const links = page.locator(".names a");
  assert.ok((await links.count()) > 20);
  for (const name of ["restart-forgets-promise", "check-quorum"]) {
    await page.locator(`.names a[href="#gallery=${name}"]`).click();
    await page.waitForFunction((at) => document.querySelector(".names [aria-current]")?.getAttribute("href") === at, `#gallery=${name}`);
    await drawn(page);
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute("href")), `#gallery=${name}`, "the list keeps the focus");
    assert.ok((await page.locator(".story dd").nth(1).innerText()).length > 40, `${name} has its story`);
    for (const [row, said] of [["as shipped", "✗ Stale read"], ["as fixed", undefined]]) {
      await page.locator(".toolbar button", { hasText: row }).first().click();
      await drawn(page);
      if (said) assert.equal(await verdict(page), said, `${name}, ${row}`);
      else assert.doesNotMatch(await verdict(page), /Stale/, `${name}, ${row}`);
      assert.equal(command("run", `scenarios/gallery/${name}.toml`, `--row=${row}`).trace, await trace(page), `${name}, ${row}: as sim run`);
    }
    await sameHash(page, name);
  }
  await page.waitForFunction(() => location.hash === "#gallery=check-quorum&row=as+fixed");
  assert.deepEqual(wrong, []);
  await context.close();
}

async function lessons() {
  const { page, wrong, context } = await opened("#course=1", { width: 390, touch: true });
  const at = (number) => page.waitForFunction((words) => document.querySelector(".count")?.textContent === words, `${number} of 8`);
  for (let number = 1; number <= 8; number += 1) {
    await at(number);
    await drawn(page);
    // A run whose name says what comes of it keeps its word.
    for (const run of await page.locator("button[data-run]").all()) {
      await run.click();
      await drawn(page);
      const said = (await run.innerText()).match(/: (safe|stale)$/)?.[1];
      if (said) assert.equal(await verdict(page), said === "safe" ? "✓ Safe" : "✗ Stale read", `page ${number}, ${await run.innerText()}`);
    }
    const hash = await trace(page);
    if (number % 3 === 0) {
      await page.getByRole("link", { name: "Open it in the playground" }).click();
      await page.locator(".controls").waitFor();
      await drawn(page);
      assert.equal(await trace(page), hash, `page ${number} opens in the playground`);
      await page.goBack();
      await at(number);
      await drawn(page);
    }
    if (number < 8) await page.keyboard.press("ArrowRight");
  }
  assert.ok(await page.locator(".pages button").last().isDisabled(), "there is no page 9");
  await page.keyboard.press("ArrowLeft");
  await at(7);
  await page.locator(".pages button").first().click();
  await at(6);
  // The focus stays on the button, so that a keyboard turns on.
  await page.keyboard.press("Enter");
  await at(5);
  await page.keyboard.press("ArrowRight");
  await at(6);
  await page.goBack();
  await at(5);
  await page.goForward();
  await at(6);
  await drawn(page);
  const touch = await context.newCDPSession(page);
  const swipe = async (from, to) => {
    await touch.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: [{ x: from, y: 150 }] });
    await touch.send("Input.dispatchTouchEvent", { type: "touchMove", touchPoints: [{ x: (from + to) / 2, y: 152 }] });
    await touch.send("Input.dispatchTouchEvent", { type: "touchMove", touchPoints: [{ x: to, y: 152 }] });
    await touch.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
  };
  await swipe(320, 80);
  await at(7);
  await swipe(80, 320);
  await at(6);
  assert.deepEqual(wrong, []);
  await context.close();
}

async function appearance() {
  for (const hash of ["#play&offset=2600", "#gallery=suspend", "#course=4&run=2"]) {
    for (const width of [1280, 390]) {
      const { page, wrong, context } = await opened(hash, { width });
      await clean(page, wrong, `${hash} at ${width}, light`);
      await page.emulateMedia({ colorScheme: "dark" });
      await clean(page, wrong, `${hash} at ${width}, dark`);
      await context.close();
    }
  }
}

for (const part of [sliders, permalinks, exhibits, lessons, appearance]) {
  const began = performance.now();
  await part();
  console.log(`playground: ${part.name}: ${((performance.now() - began) / 1000).toFixed(1)} s`);
}
await browser.close();
process.exit(0);
