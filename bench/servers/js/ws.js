// ws on Node. Its best form corks the socket until the messages of one read are answered.
const { WebSocketServer } = require("ws");
const [address, ...options] = process.argv.slice(2);
const [host, port] = address.split(":");
const best = options.includes("best");

const server = new WebSocketServer({
  host,
  port: Number(port),
  // The default leaves messages below 1 KiB as they are; the other peers compress all of them.
  perMessageDeflate: options.includes("--deflate") && { threshold: 0 },
});
server.on("listening", () => console.log(`listening ${address}`));
server.on("connection", (ws, request) => {
  const socket = request.socket;
  let corked = false;
  const uncork = () => {
    corked = false;
    socket.uncork();
  };
  ws.on("message", (data, binary) => {
    if (best && !corked) {
      corked = true;
      socket.cork();
      setImmediate(uncork);
    }
    ws.send(data, { binary });
  });
  // The load resets its connections when it is done.
  ws.on("error", () => {});
});
