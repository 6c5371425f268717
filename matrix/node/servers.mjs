// Echo servers on Node: `servers.mjs NAME HOST PORT`.
import { createServer } from "node:http";
import { createRequire } from "node:module";

const [name, host, port] = process.argv.slice(2);
const require = createRequire(import.meta.url);

const servers = {
  ws() {
    const { WebSocketServer } = require("ws");
    const server = new WebSocketServer({ host, port: Number(port), perMessageDeflate: true });
    server.on("connection", (socket) => {
      socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
      socket.on("error", () => {});
    });
  },
  websocket() {
    const { server: WebSocketServer } = require("websocket");
    const http = createServer((_, response) => response.writeHead(426).end());
    const server = new WebSocketServer({
      httpServer: http,
      maxReceivedFrameSize: 64 << 20,
      maxReceivedMessageSize: 64 << 20,
    });
    server.on("request", (request) => {
      let socket;
      try {
        socket = request.accept(null, request.origin);
      } catch {
        // It rejects a subprotocol that is no token, and throws: with `autoAcceptConnections` nobody catches that, and the
        // process ends.
        return;
      }
      socket.on("message", (message) => {
        if (message.type === "utf8") socket.sendUTF(message.utf8Data);
        else socket.sendBytes(message.binaryData);
      });
      socket.on("error", () => {});
    });
    http.listen(Number(port), host);
  },
  "faye-websocket"() {
    const Faye = require("faye-websocket");
    const http = createServer((_, response) => response.writeHead(426).end());
    http.on("upgrade", (request, socket, body) => {
      if (!Faye.isWebSocket(request)) return socket.destroy();
      const ws = new Faye(request, socket, body);
      ws.on("message", (event) => ws.send(event.data));
      ws.on("error", () => {});
    });
    http.listen(Number(port), host);
  },
};
servers[name]();
