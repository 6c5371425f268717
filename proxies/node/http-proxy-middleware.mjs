// http-proxy-middleware in express. Arguments: the port, the server's port, a mode.
import { readFileSync } from 'node:fs';
import express from 'express';
import { createProxyMiddleware } from 'http-proxy-middleware';

const [port, upstream, mode] = process.argv.slice(2);
if (port === '--version') {
  console.log(JSON.parse(readFileSync(new URL('./node_modules/http-proxy-middleware/package.json', import.meta.url))).version);
  process.exit();
}
const proxy = createProxyMiddleware({
  target: `http://127.0.0.1:${upstream}`,
  ws: mode === 'documented' || mode === 'late',
  changeOrigin: mode === 'change-origin',
});
const app = express();
app.use(proxy);
const server = app.listen(port, '127.0.0.1');
// Without this line, the first request must be an ordinary one.
if (mode === 'documented' || mode === 'change-origin') server.on('upgrade', proxy.upgrade);
