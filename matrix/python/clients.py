"""Clients of Autobahn's protocol: `clients.py NAME URL`."""

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor

# Cases at a time.
CONCURRENT = 8


async def run(url, agent, count, case):
    """`count()` gives the number of cases, and `case(url)` runs one: it returns when the connection is closed."""
    slots = asyncio.Semaphore(CONCURRENT)

    async def one(number):
        async with slots:
            try:
                await asyncio.wait_for(case(f"{url}/runCase?case={number}&agent={agent}"), 60)
            except Exception:
                # Whether the client was right to give up is what the case is about.
                pass

    total = int(await count(f"{url}/getCaseCount"))
    await asyncio.gather(*(one(number) for number in range(1, total + 1)))
    await case(f"{url}/updateReports?agent={agent}")


async def websockets(url):
    from websockets.asyncio.client import connect

    async def count(url):
        async with connect(url) as socket:
            return await socket.recv()

    async def case(url):
        async with connect(url, max_size=64 << 20, proxy=None) as socket:
            async for message in socket:
                await socket.send(message)

    await run(url, "websockets", count, case)


async def aiohttp(url):
    from aiohttp import ClientSession, TCPConnector, WSMsgType

    # A connection that came to nothing is not used for the next case.
    async with ClientSession(connector=TCPConnector(limit=0, force_close=True)) as session:

        async def count(url):
            async with session.ws_connect(url) as socket:
                return await socket.receive_str()

        async def case(url):
            async with session.ws_connect(url, compress=15, max_msg_size=64 << 20) as socket:
                async for message in socket:
                    if message.type == WSMsgType.TEXT:
                        await socket.send_str(message.data)
                    elif message.type == WSMsgType.BINARY:
                        await socket.send_bytes(message.data)

        await run(url, "aiohttp", count, case)


async def wsproto(url):
    from urllib.parse import urlsplit

    from wsproto import ConnectionType, WSConnection
    from wsproto.events import (
        AcceptConnection,
        CloseConnection,
        Message,
        Ping,
        RejectConnection,
        Request,
        TextMessage,
    )
    from wsproto.extensions import PerMessageDeflate
    from wsproto.utilities import LocalProtocolError, RemoteProtocolError

    async def connection(url, first):
        """The loop of its documentation: the application moves the bytes, and answers what asks for an answer."""
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        socket = WSConnection(ConnectionType.CLIENT)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        offer = Request(host=parts.netloc, target=target, extensions=[PerMessageDeflate()])
        writer.write(socket.send(offer))
        try:
            while True:
                data = await reader.read(65536)
                try:
                    socket.receive_data(data or None)
                except RemoteProtocolError as error:
                    if error.event_hint is not None:
                        writer.write(socket.send(error.event_hint))
                    return
                for event in socket.events():
                    if isinstance(event, Message):
                        if first:
                            writer.write(socket.send(CloseConnection(code=1000)))
                            return event.data
                        kind = TextMessage if isinstance(event, TextMessage) else type(event)
                        part = kind(data=event.data, message_finished=event.message_finished)
                        writer.write(socket.send(part))
                    elif isinstance(event, Ping):
                        writer.write(socket.send(event.response()))
                    elif isinstance(event, CloseConnection):
                        try:
                            writer.write(socket.send(event.response()))
                        except LocalProtocolError:
                            pass
                        return
                    elif isinstance(event, RejectConnection):
                        return
                    elif isinstance(event, AcceptConnection):
                        pass
                if not data:
                    return
        finally:
            try:
                # The server ends TCP first.
                writer.write_eof()
                while await reader.read(65536):
                    pass
                writer.close()
                await writer.wait_closed()
            except OSError:
                pass

    await run(
        url,
        "wsproto",
        lambda url: connection(url, True),
        lambda url: connection(url, False),
    )


async def tornado(url):
    from tornado.websocket import websocket_connect

    async def count(url):
        return await (await websocket_connect(url)).read_message()

    async def case(url):
        socket = await websocket_connect(url, compression_options={}, max_message_size=64 << 20)
        while (message := await socket.read_message()) is not None:
            await socket.write_message(message, binary=isinstance(message, bytes))

    await run(url, "tornado", count, case)


async def websocket_client(url):
    from websocket import ABNF, create_connection

    loop = asyncio.get_running_loop()
    pool = ThreadPoolExecutor(CONCURRENT)

    def first(url):
        socket = create_connection(url, timeout=30)
        message = socket.recv()
        socket.close()
        return message

    def echo(url):
        socket = create_connection(url, timeout=30)
        try:
            while True:
                opcode, data = socket.recv_data()
                if opcode == ABNF.OPCODE_CLOSE:
                    break
                socket.send(data, opcode)
        finally:
            socket.shutdown()

    await run(
        url,
        "websocket-client",
        lambda url: loop.run_in_executor(pool, first, url),
        lambda url: loop.run_in_executor(pool, echo, url),
    )


if __name__ == "__main__":
    name, url = sys.argv[1:]
    asyncio.run(globals()[name](url.rstrip("/")))
