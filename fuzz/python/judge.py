"""What wsproto makes of frames: reads `client HEX` or `server HEX` lines, writes a verdict a line.

The verdict is `text HEX;binary HEX;closed CODE` or `…;failed CODE`; nothing at its end means that wsproto waits for more.
"""

import sys

from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, TextMessage
from wsproto.utilities import RemoteProtocolError


def judge(role: str, stream: bytes) -> str:
    kind = ConnectionType.CLIENT if role == "client" else ConnectionType.SERVER
    connection = Connection(kind)
    parts, kinds, message = [], None, b""
    try:
        connection.receive_data(stream)
        for event in connection.events():
            if isinstance(event, (TextMessage, BytesMessage)):
                kinds = "text" if isinstance(event, TextMessage) else "binary"
                message += event.data.encode() if kinds == "text" else bytes(event.data)
                if event.message_finished:
                    parts.append(f"{kinds} {message.hex()}")
                    message = b""
            elif isinstance(event, CloseConnection):
                # What it refuses is an event of the same kind, but no Close was received.
                how = "failed" if connection.state is ConnectionState.OPEN else "closed"
                parts.append(f"{how} {int(event.code)}")
                break
    except RemoteProtocolError as error:
        code = getattr(error.event_hint, "code", None)
        parts.append(f"failed {'' if code is None else int(code)}")
    return ";".join(parts)


for line in sys.stdin:
    role, _, stream = line.strip().partition(" ")
    print(judge(role, bytes.fromhex(stream)), flush=True)
