"""Echo servers: `servers.py NAME HOST PORT`."""

import asyncio
import sys


async def websockets(host, port):
    from websockets.asyncio.server import serve

    async def echo(socket):
        async for message in socket:
            await socket.send(message)

    async with serve(echo, host, port, max_size=64 << 20):
        await asyncio.Future()


async def aiohttp(host, port):
    from aiohttp import WSMsgType, web

    async def echo(request):
        socket = web.WebSocketResponse(max_msg_size=64 << 20)
        await socket.prepare(request)
        async for message in socket:
            if message.type == WSMsgType.TEXT:
                await socket.send_str(message.data)
            elif message.type == WSMsgType.BINARY:
                await socket.send_bytes(message.data)
        return socket

    app = web.Application()
    app.router.add_get("/", echo)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    await asyncio.Future()


async def tornado(host, port):
    from tornado.web import Application
    from tornado.websocket import WebSocketHandler

    class Echo(WebSocketHandler):
        def get_compression_options(self):
            return {}

        def check_origin(self, origin):
            return True

        async def on_message(self, message):
            await self.write_message(message, binary=isinstance(message, bytes))

    Application([("/", Echo)], websocket_max_message_size=64 << 20).listen(port, host)
    await asyncio.Future()


async def picows(host, port):
    from picows import WSCloseCode, WSListener, WSMsgType, ws_create_server

    class Echo(WSListener):
        """Its documentation's echo: a listener gets frames, and answers the control frames itself."""

        def on_ws_connected(self, transport):
            self.parts, self.kind = [], None

        def on_ws_frame(self, transport, frame):
            if frame.msg_type == WSMsgType.PING:
                transport.send_pong(frame.get_payload_as_bytes())
            elif frame.msg_type == WSMsgType.CLOSE:
                transport.send_close(frame.get_close_code(), frame.get_close_message())
                transport.disconnect()
            elif frame.msg_type != WSMsgType.PONG:
                self.kind = self.kind or frame.msg_type
                self.parts.append(frame.get_payload_as_bytes())
                if frame.fin:
                    transport.send(self.kind, b"".join(self.parts))
                    self.parts, self.kind = [], None

    server = await ws_create_server(lambda request: Echo(), host, port, enable_auto_ping=False)
    await server.serve_forever()


def socketify(host, port):
    """It has a loop of its own."""
    from socketify import App, AppListenOptions, CompressOptions

    app = App()
    app.ws(
        "/*",
        {
            "compression": CompressOptions.DEDICATED_COMPRESSOR | CompressOptions.DEDICATED_DECOMPRESSOR,
            "max_payload_length": 64 << 20,
            "max_backpressure": 64 << 20,
            "idle_timeout": 600,
            "message": lambda socket, message, opcode: socket.send(message, opcode, True),
        },
    )
    app.listen(AppListenOptions(port=port, host=host), lambda config: None)
    app.run()


if __name__ == "__main__":
    name, host, port = sys.argv[1:]
    serving = globals()[name](host, int(port))
    if serving is not None:
        asyncio.run(serving)
