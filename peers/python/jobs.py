"""What every peer that runs in Python shares.

Jobs come in on standard input, one JSON object a line, and what the peer sees goes out on standard output, one JSON
object a line. The end of standard input ends the peer.
"""

import asyncio
import json
import sys


def say(**line):
    print(json.dumps(line), flush=True)


def serve_jobs(peer, version, run):
    say(peer=peer, version=version)
    for line in sys.stdin:
        job = json.loads(line)
        result = run(job["url"], job["steps"])
        if asyncio.iscoroutine(result):
            asyncio.run(result)
        say(saw="end")


async def until_standard_input_ends():
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()


def message(data):
    """Reports a message, as text or binary."""
    if isinstance(data, str):
        say(saw="text", text=data)
    else:
        say(saw="binary", hex=bytes(data).hex())
