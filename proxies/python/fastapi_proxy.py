"""fastapi-proxy-lib on uvicorn. Arguments: the port, the server's port, a mode."""

import sys

import uvicorn
from fastapi_proxy_lib.fastapi.app import reverse_ws_app

port, upstream, mode = sys.argv[1:4]
app = reverse_ws_app(base_url=f"ws://127.0.0.1:{upstream}/")
limits = {"ws_max_size": 65536} if mode == "max-size" else {}
uvicorn.run(app, host="127.0.0.1", port=int(port), log_level="error", **limits)
