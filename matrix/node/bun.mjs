// Bun.serve: `bun.mjs HOST PORT`.
const [hostname, port] = process.argv.slice(2);

Bun.serve({
  hostname,
  port: Number(port),
  fetch: (request, server) => (server.upgrade(request) ? undefined : new Response("", { status: 426 })),
  websocket: {
    message: (socket, message) => void socket.send(message),
    perMessageDeflate: true,
    maxPayloadLength: 64 << 20,
    backpressureLimit: 64 << 20,
  },
});
