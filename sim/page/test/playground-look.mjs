// Pictures of the playground, to be looked at: node test/playground-look.mjs FOLDER ADDRESS/#... ...
import { chromium } from "playwright-core";
const [folder, ...addresses] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
for (const address of addresses) {
  for (const [name, width, scheme] of [["light", 1280, "light"], ["dark", 1280, "dark"], ["phone", 390, "light"]]) {
    const page = await (await browser.newContext({ viewport: { width, height: 900 }, colorScheme: scheme })).newPage();
    page.on("pageerror", (error) => console.log(address, name, String(error)));
    page.on("console", (message) => message.type() === "error" && console.log(address, name, message.text()));
    await page.goto(address);
    await page.waitForFunction(() => window.view?.result?.drawn > 0);
    await page.screenshot({ path: `${folder}/${(address.split("#")[1] || "start").replaceAll(/[^a-z0-9-]/g, "_").slice(0, 40)}-${name}.png`, fullPage: true });
    await page.close();
  }
}
await browser.close();
