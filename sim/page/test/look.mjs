// Pictures of pages, to be looked at: node test/look.mjs FOLDER PAGE.html...
import { chromium } from "playwright-core";
import { basename } from "node:path";
const [folder, ...files] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
for (const file of files) {
  for (const [name, width, scheme] of [["light", 1280, "light"], ["dark", 1280, "dark"], ["phone", 390, "light"]]) {
    const page = await (await browser.newContext({ viewport: { width, height: 900 }, colorScheme: scheme })).newPage();
    page.on("pageerror", (error) => console.log(file, name, String(error)));
    page.on("console", (message) => message.type() === "error" && console.log(file, name, message.text()));
    await page.goto(`file://${file}`);
    await page.screenshot({ path: `${folder}/${basename(file, ".html")}-${name}.png`, fullPage: true });
    if (name === "light") {
      await page.emulateMedia({ media: "print" });
      await page.screenshot({ path: `${folder}/${basename(file, ".html")}-print.png`, fullPage: true });
    }
    await page.close();
  }
}
await browser.close();
