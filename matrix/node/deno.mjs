// Deno.serve: `deno.mjs HOST PORT`.
const [hostname, port] = Deno.args;

Deno.serve({ hostname, port: Number(port) }, (request) => {
  if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") return new Response("", { status: 426 });
  const { socket, response } = Deno.upgradeWebSocket(request);
  socket.binaryType = "arraybuffer";
  socket.onmessage = (event) => socket.send(event.data);
  socket.onerror = () => {};
  return response;
});
