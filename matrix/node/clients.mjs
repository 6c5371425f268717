// Clients of Autobahn's protocol, with the interface that browsers have: `clients.mjs NAME URL`. `builtin` is the WebSocket
// of the program that runs this: Node, Bun or Deno.
const deno = typeof Deno !== "undefined";
const [name, address] = deno ? Deno.args : process.argv.slice(2);
const url = address.replace(/\/$/, "");
// Cases at a time.
const CONCURRENT = 8;
// A connection that a case left open must not hold up the others.
const LIMIT = 60_000;

const WebSocket = {
  builtin: async () => globalThis.WebSocket,
  ws: async () => (await import("ws")).WebSocket,
  undici: async () => (await import("undici")).WebSocket,
  "faye-websocket": async () => (await import("faye-websocket")).default.Client,
}[name];
const Client = await WebSocket();

// Ends with the first message, if `once`, or with the connection.
function run(url, once) {
  return new Promise((resolve) => {
    let socket;
    try {
      socket = new Client(url);
    } catch {
      return resolve();
    }
    const limit = setTimeout(resolve, LIMIT);
    const end = (value) => {
      clearTimeout(limit);
      resolve(value);
    };
    try {
      socket.binaryType = "arraybuffer";
    } catch {}
    socket.onmessage = (event) => {
      if (once) {
        end(event.data);
        return socket.close();
      }
      try {
        socket.send(event.data);
      } catch {}
    };
    socket.onerror = () => {};
    socket.onclose = () => end();
  });
}

const count = Number(await run(`${url}/getCaseCount`, true));
let next = 1;
async function work() {
  while (next <= count) await run(`${url}/runCase?case=${next++}&agent=${name}`, false);
}
await Promise.all(Array.from({ length: CONCURRENT }, work));
await run(`${url}/updateReports?agent=${name}`, false);
if (deno) Deno.exit(0);
process.exit(0);
