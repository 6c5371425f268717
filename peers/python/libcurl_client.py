"""libcurl, through Python's `pycurl`, as a client."""

import select

import pycurl

from jobs import message, say, serve_jobs


class Ended(Exception):
    """The server closed the connection, with this code and reason."""


class Socket:
    def __init__(self, url):
        self.curl = pycurl.Curl()
        self.curl.setopt(pycurl.URL, url)
        # "2: do the WebSocket upgrade, and leave the rest to us."
        self.curl.setopt(pycurl.CONNECT_ONLY, 2)
        # Left to itself it queues a Pong and writes it with the next frame that is sent, which may be never.
        self.curl.setopt(pycurl.WS_OPTIONS, pycurl.WS_NOAUTOPONG)
        self.curl.perform()
        self.descriptor = self.curl.getinfo(pycurl.ACTIVESOCKET)

        self.closing = False

    def close(self, *code_and_reason):
        self.closing = True
        self.retry(self.curl.ws_close, *code_and_reason, writing=True)

    def send(self, data, flags):
        # "Returns the number of bytes accepted": a full socket takes less than all of it. What is left goes in a call
        # of its own, with WS_OFFSET, and the first call names the size of the whole frame.
        sent = self.retry(self.curl.ws_send, data, flags | pycurl.WS_OFFSET, len(data), writing=True)
        while sent < len(data):
            sent += self.retry(self.curl.ws_send, data[sent:], flags | pycurl.WS_OFFSET, 0, writing=True)

    def receive(self):
        """The next message or Pong, reported. A Ping and a Close are for the program to answer."""
        whole = b""
        while True:
            data, meta = self.retry(self.curl.ws_recv, 65536)
            if meta.flags & pycurl.WS_CLOSE:
                code = int.from_bytes(data[:2], "big") if data else 1005
                if not self.closing:
                    self.close(*([code] if data else []))
                raise Ended(code, data[2:].decode())
            if meta.flags & pycurl.WS_PONG:
                return say(saw="pong", hex=data.hex())
            if meta.flags & pycurl.WS_PING:
                say(saw="ping", hex=data.hex())
                self.send(data, pycurl.WS_PONG)
                continue
            whole += data
            if meta.bytesleft == 0 and not meta.flags & pycurl.WS_CONT:
                return message(whole.decode() if meta.flags & pycurl.WS_TEXT else whole)

    def retry(self, call, *arguments, writing=False):
        while True:
            try:
                return call(*arguments)
            except BlockingIOError:
                want = [self.descriptor]
                select.select([] if writing else want, want if writing else [], [])


def run(url, steps):
    code, reason = 1006, ""
    try:
        socket = Socket(url)
        say(saw="open", extensions="")
        for step in steps:
            STEPS[step["do"]](socket, step)
        socket.close(1000)
        socket.receive()
    except Ended as ended:
        code, reason = ended.args
    except Exception as error:
        say(saw="error", error=f"{type(error).__name__}: {error}")
    say(saw="close", code=code, reason=reason, clean=code != 1006)


def text(socket, step):
    socket.send(step["text"].encode(), pycurl.WS_TEXT)
    socket.receive()


def binary(socket, step):
    socket.send(bytes.fromhex(step["hex"]), pycurl.WS_BINARY)
    socket.receive()


def fragments(socket, step):
    *first, last = [part.encode() for part in step["parts"]]
    for part in first:
        socket.send(part, pycurl.WS_TEXT | pycurl.WS_CONT)
    socket.send(last, pycurl.WS_TEXT)
    socket.receive()


def ping(socket, step):
    socket.send(bytes.fromhex(step["hex"]), pycurl.WS_PING)
    socket.receive()


def close(socket, step):
    socket.close(step["code"], step["reason"])
    socket.receive()


def listen(socket, _step):
    while True:
        socket.receive()


STEPS = {
    "text": text,
    "binary": binary,
    "fragments": fragments,
    "ping": ping,
    "close": close,
    "listen": listen,
}

serve_jobs("libcurl", pycurl.version_info()[1], run)
