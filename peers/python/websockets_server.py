"""Python's `websockets` as a server: echoes, does what a text message that begins with `please` asks for, and reports
what it sees."""

import asyncio

import websockets
from websockets.asyncio.server import serve
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory

from jobs import message, say, until_standard_input_ends


async def handle(socket):
    say(saw="open", extensions=socket.response.headers.get("Sec-WebSocket-Extensions", ""))
    try:
        while True:
            data = await socket.recv()
            message(data)
            if data == "please ping":
                await (await socket.ping("are you there?"))
                say(saw="pong", hex=b"are you there?".hex())
                await socket.send("pong: are you there?")
            elif data == "please fragment":
                await socket.send(["in thr", "ee ", "parts"])
            elif data == "please close":
                await socket.close(3001, "as you wish")
            else:
                await socket.send(data)
    except websockets.ConnectionClosedError as error:
        say(saw="error", error=f"{type(error).__name__}: {error}")
    except websockets.ConnectionClosed:
        pass
    await socket.wait_closed()
    say(saw="close", code=socket.close_code, reason=socket.close_reason, clean=socket.close_code != 1006)
    say(saw="end")


async def main():
    options = {
        "max_size": None,
        "ping_interval": None,
        "close_timeout": 5,
        # By default it answers every offer with smaller windows; here it agrees what was offered.
        "extensions": [ServerPerMessageDeflateFactory()],
    }
    async with serve(handle, "127.0.0.1", 0, **options) as server:
        port = server.sockets[0].getsockname()[1]
        say(peer="websockets", version=websockets.__version__, port=port)
        await until_standard_input_ends()


asyncio.run(main())
