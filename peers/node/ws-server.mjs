// Node's `ws` as a server: echoes, does what a text message that begins with `please` asks for, and reports what it sees.
import { createRequire } from 'node:module';
import { WebSocketServer } from 'ws';
import { say } from './jobs.mjs';

const { version } = createRequire(import.meta.url)('ws/package.json');
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: true });

server.on('listening', () => say({ peer: 'ws', version, port: server.address().port }));
server.on('connection', (socket) => {
  say({ saw: 'open', extensions: socket.extensions });
  socket.on('message', (data, binary) => {
    say(binary ? { saw: 'binary', hex: data.toString('hex') } : { saw: 'text', text: data.toString() });
    const please = {
      'please ping': () => socket.ping('are you there?'),
      'please fragment': () => {
        socket.send('in thr', { fin: false, compress: false });
        socket.send('ee ', { fin: false, compress: false });
        socket.send('parts', { compress: false });
      },
      'please close': () => socket.close(3001, 'as you wish'),
    }[binary ? '' : data.toString()];
    if (please) please();
    else socket.send(data, { binary });
  });
  socket.on('pong', (data) => {
    say({ saw: 'pong', hex: data.toString('hex') });
    socket.send(`pong: ${data}`);
  });
  socket.on('error', (error) => say({ saw: 'error', error: [error.code, error.message].filter(Boolean).join(' ') }));
  socket.on('close', (code, reason) => {
    say({ saw: 'close', code, reason: reason.toString(), clean: code !== 1006 });
    say({ saw: 'end' });
  });
});
process.stdin.on('end', () => process.exit(0)).resume();
