"""A proxy on aiohttp, as its users write it. Arguments: the port, the server's port, a mode."""

import asyncio
import sys

from aiohttp import ClientSession, WSMsgType, web

port, upstream, mode = sys.argv[1:4]
# aiohttp answers Pings by itself unless it is told not to, and limits messages to 4 MiB.
OPTIONS = {} if mode == "defaults" else {"autoping": False, "autoclose": False, "max_msg_size": 0}
NAMES = ("Cookie", "Authorization", "Origin", "User-Agent")


async def pump(source, target):
    async for message in source:
        if message.type is WSMsgType.TEXT:
            await target.send_str(message.data)
        elif message.type is WSMsgType.BINARY:
            await target.send_bytes(message.data)
        elif message.type is WSMsgType.PING:
            await target.ping(message.data)
        elif message.type is WSMsgType.PONG:
            await target.pong(message.data)
    await target.close(code=source.close_code or 1000)


async def relay(request):
    protocols = [one.strip() for one in request.headers.get("Sec-WebSocket-Protocol", "").split(",") if one.strip()]
    headers = {name: value for name, value in request.headers.items() if name in NAMES or name.startswith("X-")}
    async with ClientSession() as session:
        url = f"ws://127.0.0.1:{upstream}{request.rel_url}"
        async with session.ws_connect(url, protocols=protocols, headers=headers, **OPTIONS) as server:
            client = web.WebSocketResponse(protocols=[server.protocol] if server.protocol else [], **OPTIONS)
            await client.prepare(request)
            await asyncio.gather(pump(client, server), pump(server, client))
            return client


app = web.Application()
app.router.add_get("/{path:.*}", relay)
web.run_app(app, host="127.0.0.1", port=int(port), print=None)
