"""Python's `aiohttp` as a client."""

import aiohttp
from aiohttp import WSMsgType

from jobs import message, say, serve_jobs


class Ended(Exception):
    """The connection ended while a step waited for something else."""


async def run(url, steps):
    async with aiohttp.ClientSession() as session:
        try:
            # Without autoping a Pong is handed out like any message, and a Ping is ours to answer.
            socket = await session.ws_connect(url, compress=15, max_msg_size=0, autoping=False)
        except Exception as error:
            say(saw="error", error=f"{type(error).__name__}: {error}")
            say(saw="close", code=1006, reason="", clean=False)
            return
        say(saw="open", extensions="permessage-deflate" if socket.compress else "")
        reason = ""
        try:
            for step in steps:
                if step["do"] == "fragments":
                    say(saw="unsupported", do="fragments")  # No way to send a frame without FIN.
                else:
                    await STEPS[step["do"]](socket, step)
            await socket.close()
        except Ended as ended:
            reason = ended.args[0]
        clean = socket.close_code not in (None, 1006) and socket.exception() is None
        say(saw="close", code=socket.close_code or 1006, reason=reason, clean=clean)


async def receive(socket):
    """The next message or Pong, reported."""
    while True:
        event = await socket.receive()
        if event.type in (WSMsgType.TEXT, WSMsgType.BINARY):
            return message(event.data)
        if event.type is WSMsgType.PONG:
            return say(saw="pong", hex=bytes(event.data).hex())
        if event.type is WSMsgType.PING:
            say(saw="ping", hex=bytes(event.data).hex())
            await socket.pong(event.data)
        elif event.type is WSMsgType.ERROR:
            say(saw="error", error=f"{type(event.data).__name__}: {event.data}")
            raise Ended("")
        else:
            raise Ended(event.extra or "")


async def text(socket, step):
    await socket.send_str(step["text"])
    await receive(socket)


async def binary(socket, step):
    await socket.send_bytes(bytes.fromhex(step["hex"]))
    await receive(socket)


async def ping(socket, step):
    await socket.ping(bytes.fromhex(step["hex"]))
    await receive(socket)


async def close(socket, step):
    await socket.close(code=step["code"], message=step["reason"].encode())


async def listen(socket, _step):
    while True:
        await receive(socket)


STEPS = {"text": text, "binary": binary, "ping": ping, "close": close, "listen": listen}

serve_jobs("aiohttp", aiohttp.__version__, run)
