"""Python's `websocket-client` as a client."""

import websocket
from websocket import ABNF

from jobs import message, say, serve_jobs


class Ended(Exception):
    """The server closed the connection, with this code and reason."""


def run(url, steps):
    socket = websocket.WebSocket()
    code, reason = 1006, ""
    try:
        socket.connect(url)
        say(saw="open", extensions=socket.getheaders().get("sec-websocket-extensions", ""))
        for step in steps:
            STEPS[step["do"]](socket, step)
        socket.send_close()
        receive(socket)
    except Ended as ended:
        code, reason = ended.args
    except Exception as error:
        say(saw="error", error=f"{type(error).__name__}: {error}")
    finally:
        # shutdown() only closes the socket; close() would send another Close frame.
        socket.shutdown()
    say(saw="close", code=code, reason=reason, clean=code != 1006)


def receive(socket):
    """The next message or Pong, reported; a Ping and a Close are answered by the library."""
    while True:
        opcode, data = socket.recv_data(control_frame=True)
        if opcode == ABNF.OPCODE_TEXT:
            return message(data.decode())
        if opcode == ABNF.OPCODE_BINARY:
            return message(data)
        if opcode == ABNF.OPCODE_PONG:
            return say(saw="pong", hex=data.hex())
        if opcode == ABNF.OPCODE_PING:
            say(saw="ping", hex=data.hex())
        if opcode == ABNF.OPCODE_CLOSE:
            raise Ended(int.from_bytes(data[:2], "big") if data else 1005, data[2:].decode())


def text(socket, step):
    socket.send(step["text"])
    receive(socket)


def binary(socket, step):
    socket.send_binary(bytes.fromhex(step["hex"]))
    receive(socket)


def fragments(socket, step):
    *first, last = [part.encode() for part in step["parts"]]
    opcode = ABNF.OPCODE_TEXT
    for part in first:
        socket.send_frame(ABNF.create_frame(part, opcode, fin=0))
        opcode = ABNF.OPCODE_CONT
    socket.send_frame(ABNF.create_frame(last, opcode, fin=1))
    receive(socket)


def ping(socket, step):
    socket.ping(bytes.fromhex(step["hex"]))
    receive(socket)


def close(socket, step):
    socket.send_close(step["code"], step["reason"].encode())
    receive(socket)


def listen(socket, _step):
    while True:
        receive(socket)


STEPS = {
    "text": text,
    "binary": binary,
    "fragments": fragments,
    "ping": ping,
    "close": close,
    "listen": listen,
}

serve_jobs("websocket-client", websocket.__version__, run)
