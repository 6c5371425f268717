// Opens the page of `framewise check --listen` in headless Chromium, and prints what it shows in the end as a line of JSON.
import { chromium } from 'playwright-core';

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  env: { ...process.env, LD_LIBRARY_PATH: process.env.CHROMIUM_LIBRARIES ?? '' },
  // The sandbox needs user namespaces, which containers and root do not have; the rest keeps Chromium from calling home.
  chromiumSandbox: false,
  args: ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'],
});
const tab = await browser.newPage();
await tab.goto(process.argv[2]);
await tab.waitForFunction(() => document.title === 'done', null, { timeout: 0 });
console.log(JSON.stringify(await tab.evaluate(() => ({
  says: document.getElementById('says').textContent,
  failed: [...document.querySelectorAll('#failed dt')].map((name) => name.textContent),
}))));
await browser.close();
