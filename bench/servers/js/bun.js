// Bun.serve, which is uWebSockets with a JavaScript handler.
const [address, ...options] = process.argv.slice(2);
const [hostname, port] = address.split(":");
const deflate = options.includes("--deflate");
const context = options.includes("no-takeover") ? "shared" : "dedicated";

Bun.serve({
  hostname,
  port: Number(port),
  fetch: (request, server) => (server.upgrade(request) ? undefined : new Response("", { status: 400 })),
  websocket: {
    message: (socket, message) => void socket.send(message, deflate),
    perMessageDeflate: deflate && { compress: context, decompress: context },
    maxPayloadLength: 64 << 20,
    // The default drops echoes that the load has not read yet.
    backpressureLimit: 64 << 20,
    idleTimeout: 600,
  },
});
console.log(`listening ${address}`);
