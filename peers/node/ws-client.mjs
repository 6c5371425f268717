// Node's `ws` as a client.
import { createRequire } from 'node:module';
import { WebSocket } from 'ws';
import { runSteps, serveJobs, Watch } from './jobs.mjs';

const { version } = createRequire(import.meta.url)('ws/package.json');

await serveJobs({ peer: 'ws', version }, ({ url, steps }) => {
  const watch = new Watch();
  const socket = new WebSocket(url);
  let failed = false;
  socket.on('open', () => watch.saw({ saw: 'open', extensions: socket.extensions }));
  socket.on('message', (data, binary) => watch.saw(binary
    ? { saw: 'binary', hex: data.toString('hex') }
    : { saw: 'text', text: data.toString() }));
  socket.on('ping', (data) => watch.saw({ saw: 'ping', hex: data.toString('hex') }));
  socket.on('pong', (data) => watch.saw({ saw: 'pong', hex: data.toString('hex') }));
  socket.on('error', (error) => {
    failed = true;
    watch.saw({ saw: 'error', error: [error.code, error.message].filter(Boolean).join(' ') });
  });
  socket.on('close', (code, reason) => watch.saw({
    saw: 'close', code, reason: reason.toString(), clean: !failed && code !== 1006,
  }));
  return runSteps(steps, watch, {
    text: ({ text }) => socket.send(text),
    binary: ({ hex }) => socket.send(Buffer.from(hex, 'hex')),
    // Plain text in several frames: without compression each part is a frame of its own, as it is given.
    fragments: ({ parts }) => parts.forEach((part, i) =>
      socket.send(part, { fin: i === parts.length - 1, compress: false })),
    ping: ({ hex }) => socket.ping(Buffer.from(hex, 'hex')),
    close: ({ code, reason }) => socket.close(code, reason),
  });
});
