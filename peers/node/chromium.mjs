// Headless Chromium as a client: a page connects and reports what it sees; what Chromium says only on its console
// (a page is never told why a connection failed) is reported as the error.
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { chromium } from 'playwright-core';
import { say, serveJobs } from './jobs.mjs';

const page = await readFile(new URL('page.html', import.meta.url));
const site = createServer((_, response) => response.setHeader('Content-Type', 'text/html').end(page));
await new Promise((ready) => site.listen(0, '127.0.0.1', ready));

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  env: { ...process.env, LD_LIBRARY_PATH: process.env.CHROMIUM_LIBRARIES ?? '' },
  // The sandbox needs user namespaces, which containers and root do not have; the rest keeps Chromium from calling home.
  chromiumSandbox: false,
  args: ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'],
});
const tab = await browser.newPage();
tab.on('console', (message) => say({ saw: 'error', error: message.text().replace(/^.*failed: /, '') }));
await tab.exposeFunction('saw', say);
await tab.goto(`http://127.0.0.1:${site.address().port}/`);

await serveJobs({ peer: 'Chromium', version: browser.version() }, async (job) => {
  await tab.evaluate((job) => window.run(job), job);
});
