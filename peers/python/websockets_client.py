"""Python's `websockets` as a client."""

import websockets
from websockets.asyncio.client import connect

from jobs import message, say, serve_jobs


async def run(url, steps):
    try:
        socket = await connect(url, max_size=None, ping_interval=None, close_timeout=5)
    except Exception as error:
        say(saw="error", error=f"{type(error).__name__}: {error}")
        say(saw="close", code=1006, reason="", clean=False)
        return
    agreed = socket.response.headers.get("Sec-WebSocket-Extensions", "")
    say(saw="open", extensions=agreed)
    try:
        for step in steps:
            await STEPS[step["do"]](socket, step)
        # No step is left, and the connection is: it is for this side to close it.
        await socket.close()
    except websockets.ConnectionClosedError as error:
        say(saw="error", error=f"{type(error).__name__}: {error}")
    except websockets.ConnectionClosed:
        pass
    await socket.wait_closed()
    say(saw="close", code=socket.close_code, reason=socket.close_reason, clean=socket.close_code != 1006)


async def text(socket, step):
    await socket.send(step["text"])
    message(await socket.recv())


async def binary(socket, step):
    await socket.send(bytes.fromhex(step["hex"]))
    message(await socket.recv())


async def fragments(socket, step):
    await socket.send(iter(step["parts"]))
    message(await socket.recv())


async def ping(socket, step):
    await (await socket.ping(bytes.fromhex(step["hex"])))
    say(saw="pong", hex=step["hex"])


async def close(socket, step):
    await socket.close(step["code"], step["reason"])


async def listen(socket, _step):
    while True:
        message(await socket.recv())


STEPS = {"text": text, "binary": binary, "fragments": fragments, "ping": ping, "close": close, "listen": listen}

serve_jobs("websockets", websockets.__version__, run)
