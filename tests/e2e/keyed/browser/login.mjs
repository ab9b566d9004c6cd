// Logs in to the admin page as a person does, and prints as JSON what it then shows.
// ADDRESS: where to connect to; URL, USERNAME, PASSWORD, MODEL: by the environment.
import chromium from "@sparticuz/chromium";
import puppeteer from "puppeteer-core";

const { URL: base, ADDRESS, USERNAME, PASSWORD, MODEL } = process.env;
const host = new URL(base).hostname;
const browser = await puppeteer.launch({
  executablePath: await chromium.executablePath(),
  headless: "shell",
  args: ["--no-sandbox", "--disable-gpu", "--no-zygote", `--host-resolver-rules=MAP ${host} ${ADDRESS}`],
});
try {
  const page = await browser.newPage();
  page.setDefaultTimeout(120_000);
  await page.goto(`${base}/ui/`, { waitUntil: "domcontentloaded" });
  const password = await page.waitForSelector("input[type=password]");
  const username = await page.waitForSelector("input:not([type=password])");
  await username.type(USERNAME);
  await password.type(PASSWORD);
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => !document.querySelector("input[type=password]"));
  const link = await page.waitForSelector("a[href*='models']");
  await link.click();
  // A row of the table: the name of a model may stand elsewhere as well.
  const row = await page.waitForFunction(
    (model) => [...document.querySelectorAll("table td")].find((cell) => cell.innerText.includes(model)),
    {},
    MODEL,
  );
  const shown = await row.evaluate((cell) => cell.innerText);
  console.log(JSON.stringify({ path: new URL(page.url()).pathname, shown }));
} catch (error) {
  const [page] = (await browser.pages()).slice(-1);
  console.error(error.message, page.url(), await page.evaluate(() => document.body.innerText.slice(0, 600)));
  process.exitCode = 1;
} finally {
  await browser.close();
}
