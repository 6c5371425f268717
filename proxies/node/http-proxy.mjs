// http-proxy. Arguments: the port, the server's port, a mode.
import { readFileSync } from 'node:fs';
import http from 'node:http';
import httpProxy from 'http-proxy';

const [port, upstream, mode] = process.argv.slice(2);
if (port === '--version') {
  console.log(JSON.parse(readFileSync(new URL('./node_modules/http-proxy/package.json', import.meta.url))).version);
  process.exit();
}
const proxy = httpProxy.createProxyServer({
  target: `http://127.0.0.1:${upstream}`,
  ws: true,
  ...(mode === 'timeout' && { proxyTimeout: 3000, timeout: 3000 }),
  ...(mode === 'change-origin' && { changeOrigin: true }),
});
proxy.on('error', (error, _request, response) => response.end?.());
const server = http.createServer((request, response) => proxy.web(request, response));
if (mode !== 'no-upgrade') {
  server.on('upgrade', (request, socket, head) => proxy.ws(request, socket, head));
}
server.listen(port, '127.0.0.1');
