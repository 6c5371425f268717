"""Python's `aiohttp` as a server: echoes, does what a text message that begins with `please` asks for, and reports
what it sees."""

import asyncio

import aiohttp
from aiohttp import WSMsgType, web

from jobs import message, say, until_standard_input_ends


async def handle(request):
    socket = web.WebSocketResponse(max_msg_size=0, autoping=False)
    await socket.prepare(request)
    say(saw="open", extensions="permessage-deflate" if socket.compress else "")
    reason = ""
    while True:
        event = await socket.receive()
        if event.type in (WSMsgType.TEXT, WSMsgType.BINARY):
            message(event.data)
            if event.data == "please ping":
                await socket.ping(b"are you there?")
            elif event.data == "please fragment":
                # No way to send a frame without FIN.
                await socket.send_str("in three parts")
            elif event.data == "please close":
                await socket.close(code=3001, message=b"as you wish")
                break
            elif event.type is WSMsgType.TEXT:
                await socket.send_str(event.data)
            else:
                await socket.send_bytes(event.data)
        elif event.type is WSMsgType.PING:
            await socket.pong(event.data)
        elif event.type is WSMsgType.PONG:
            say(saw="pong", hex=bytes(event.data).hex())
            await socket.send_str(f"pong: {event.data.decode()}")
        else:
            if event.type is WSMsgType.ERROR:
                say(saw="error", error=f"{type(event.data).__name__}: {event.data}")
            reason = event.extra or ""
            break
    code = socket.close_code or 1006
    say(saw="close", code=code, reason=reason, clean=code != 1006)
    say(saw="end")
    return socket


async def main():
    application = web.Application()
    application.router.add_get("/{path:.*}", handle)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    say(peer="aiohttp", version=aiohttp.__version__, port=runner.addresses[0][1])
    await until_standard_input_ends()


asyncio.run(main())
