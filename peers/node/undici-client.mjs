// undici from npm as a client.
import { createRequire } from 'node:module';
import diagnostics from 'node:diagnostics_channel';
import { ping, WebSocket } from 'undici';
import { runStandard, serveJobs } from './jobs.mjs';

const { version } = createRequire(import.meta.url)('undici/package.json');

await serveJobs({ peer: 'undici', version }, async (job) => {
  let watch;
  const pong = ({ payload }) => watch?.saw({ saw: 'pong', hex: Buffer.from(payload).toString('hex') });
  diagnostics.subscribe('undici:websocket:pong', pong);
  await runStandard(WebSocket, job, {
    ping: (socket, data, watching) => { watch = watching; ping(socket, data); },
    why: (event) => event.error?.cause?.message ?? event.error?.message ?? event.message,
  });
  diagnostics.unsubscribe('undici:websocket:pong', pong);
});
