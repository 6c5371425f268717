"""A server that checks nothing: `careless_server.py PORT`. It ignores reserved bits, opcodes, masks, UTF-8 and the order of
frames, sends the payload of every data frame back, answers each Ping, and each Close with an empty one."""

import asyncio
import base64
import hashlib
import sys

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def frame(first, payload):
    length = len(payload)
    if length < 126:
        return bytes([first, length]) + payload
    if length < 1 << 16:
        return bytes([first, 126]) + length.to_bytes(2, "big") + payload
    return bytes([first, 127]) + length.to_bytes(8, "big") + payload


async def take_frame(reader):
    first, second = await reader.readexactly(2)
    length = second & 0x7F
    if length > 125:
        length = int.from_bytes(await reader.readexactly(2 if length == 126 else 8), "big")
    key = await reader.readexactly(4) if second & 0x80 else bytes(4)
    payload = await reader.readexactly(length)
    mask = int.from_bytes((key * (length // 4 + 1))[:length], "big")
    return first, (int.from_bytes(payload, "big") ^ mask).to_bytes(length, "big")


async def handle(reader, writer):
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        lines = [line.partition(b":") for line in head.split(b"\r\n")]
        key = b"".join(value.strip() for name, _, value in lines if name.lower() == b"sec-websocket-key")
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        while True:
            first, payload = await take_frame(reader)
            opcode = first & 0x0F
            if opcode == 8:
                writer.write(frame(0x88, b""))
                await writer.drain()
                break
            if opcode == 9:
                writer.write(frame(0x8A, payload[:125]))
            elif opcode != 10:
                writer.write(frame(first & 0x8F, payload))
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main(port):
    async with await asyncio.start_server(handle, "127.0.0.1", port, limit=1 << 20) as server:
        await server.serve_forever()


asyncio.run(main(int(sys.argv[1])))
