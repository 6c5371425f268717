// What every client that runs in Node shares: jobs come in on standard input, one JSON object a line, and what the
// client sees goes out on standard output, one JSON object a line. The end of standard input ends the client.
import { createInterface } from 'node:readline';

export function say(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

export async function serveJobs(about, run) {
  say(about);
  for await (const line of createInterface({ input: process.stdin })) {
    await run(JSON.parse(line));
    say({ saw: 'end' });
  }
  process.exit(0);
}

// Reports each event at once, and lets the steps wait for one.
export class Watch {
  #seen = [];
  #wake = () => {};

  saw(event) {
    say(event);
    this.#seen.push(event);
    this.#wake();
  }

  // The next event of one of these kinds; a close ends every wait.
  async next(...kinds) {
    for (;;) {
      while (this.#seen.length > 0) {
        const event = this.#seen[0];
        if (event.saw === 'close') return event;
        this.#seen.shift();
        if (kinds.includes(event.saw)) return event;
      }
      await new Promise((wake) => { this.#wake = wake; });
    }
  }
}

const answers = { text: ['text'], binary: ['binary'], fragments: ['text'], ping: ['pong'], close: [], listen: [] };

// `can` holds what the client can do, by the name of the step.
export async function runSteps(steps, watch, can) {
  if ((await watch.next('open')).saw === 'close') return;
  for (const step of steps) {
    if (step.do !== 'listen') {
      if (!can[step.do]) {
        watch.saw({ saw: 'unsupported', do: step.do });
        continue;
      }
      can[step.do](step);
    }
    if ((await watch.next(...answers[step.do])).saw === 'close') return;
  }
}

// The WebSocket of browsers, as undici and Node have it too.
export function runStandard(WebSocket, { url, steps }, { ping, why } = {}) {
  const watch = new Watch();
  const socket = new WebSocket(url);
  socket.binaryType = 'arraybuffer';
  socket.onopen = () => watch.saw({ saw: 'open', extensions: socket.extensions });
  socket.onmessage = ({ data }) => watch.saw(typeof data === 'string'
    ? { saw: 'text', text: data }
    : { saw: 'binary', hex: Buffer.from(data).toString('hex') });
  socket.onerror = (event) => watch.saw({ saw: 'error', error: why?.(event) ?? '' });
  socket.onclose = ({ code, reason, wasClean }) => watch.saw({ saw: 'close', code, reason, clean: wasClean });
  return runSteps(steps, watch, {
    text: ({ text }) => socket.send(text),
    binary: ({ hex }) => socket.send(Buffer.from(hex, 'hex')),
    close: ({ code, reason }) => socket.close(code, reason),
    ...(ping && { ping: ({ hex }) => ping(socket, Buffer.from(hex, 'hex'), watch) }),
  });
}
