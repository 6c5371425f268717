// The proxy of vite's development server. Arguments: the port, the server's port, a mode.
import { createServer, version } from 'vite';

const [port, upstream, mode] = process.argv.slice(2);
if (port === '--version') {
  console.log(version);
  process.exit();
}
const server = await createServer({
  configFile: false,
  root: process.cwd(),
  logLevel: 'error',
  server: {
    host: '127.0.0.1',
    port: Number(port),
    strictPort: true,
    proxy: {
      '/': { target: `http://127.0.0.1:${upstream}`, ws: mode !== 'no-ws', changeOrigin: mode === 'change-origin' },
    },
  },
});
await server.listen();
