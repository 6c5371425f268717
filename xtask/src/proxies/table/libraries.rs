//! Proxies that are libraries, or parts of tools for development.

use super::{Proxy, Source, documented, mistake};

/// The defaults of the proxies in Node.
const NODE: Proxy = Proxy {
    id: "",
    name: "",
    package: "",
    source: Source::Node(""),
    version: &["--version"],
    files: &[],
    arguments: &["{port}", "{upstream}", "{lines}"],
    environment: &[],
    via: "ws://127.0.0.1:{port}/",
    tls: false,
    settles: false,
    reload: "",
    configurations: &[],
};

/// The defaults of the scripts in Python.
const PYTHON: Proxy = Proxy { source: Source::Python("bin/python"), ..NODE };

pub(super) const HTTP_PROXY: Proxy = Proxy {
    id: "http-proxy",
    name: "http-proxy",
    package: "npm http-proxy",
    source: Source::Node("http-proxy.mjs"),
    configurations: &[
        documented(
            "documented",
            "ws: true and proxy.ws on upgrade",
            &[2, 65],
            "documented",
            "The names of headers keep their case; Host arrives as host.",
        ),
        mistake(
            "no-upgrade",
            "no listener for upgrade",
            &[2],
            "no-upgrade",
            "Node takes the handshake for an ordinary GET; the 101 of the server is never passed on, and the client waits.",
        ),
        mistake(
            "timeout",
            "timeout and proxyTimeout of 3 s",
            &[1, 5],
            "timeout",
            "Does no harm: the time-outs do not apply to an upgraded connection.",
        ),
        mistake(
            "change-origin",
            "changeOrigin",
            &[2],
            "change-origin",
            "The server sees its own address as Host.",
        ),
    ],
    ..NODE
};

pub(super) const HTTP_PROXY_MIDDLEWARE: Proxy = Proxy {
    id: "http-proxy-middleware",
    name: "http-proxy-middleware",
    package: "npm http-proxy-middleware, with express",
    source: Source::Node("http-proxy-middleware.mjs"),
    configurations: &[
        documented(
            "documented",
            "server.on('upgrade', proxy.upgrade)",
            &[2, 65],
            "documented",
            "Host arrives as host, and nothing else changes.",
        ),
        mistake(
            "late",
            "ws: true without the listener",
            &[2],
            "late",
            "The middleware subscribes to upgrades only at the first ordinary request, and there was none: the first WebSocket is taken for an ordinary GET, and its 101 is never passed on.",
        ),
        mistake(
            "no-ws",
            "without ws",
            &[2],
            "no-ws",
            "Node takes the handshake for an ordinary GET; the 101 of the server is never passed on, and the client waits.",
        ),
        mistake(
            "change-origin",
            "changeOrigin",
            &[2],
            "change-origin",
            "The server sees its own address as Host.",
        ),
    ],
    ..NODE
};

pub(super) const VITE: Proxy = Proxy {
    id: "vite",
    name: "vite",
    package: "npm vite",
    source: Source::Node("vite.mjs"),
    configurations: &[
        documented(
            "documented",
            "ws: true",
            &[2, 65],
            "documented",
            "Host arrives as host, and nothing else changes.",
        ),
        mistake(
            "no-ws",
            "without ws",
            &[2],
            "no-ws",
            "Vite takes the upgrade for one of its own, and does not answer; the client waits.",
        ),
        mistake(
            "change-origin",
            "changeOrigin",
            &[2],
            "change-origin",
            "The server sees its own address as Host.",
        ),
    ],
    ..NODE
};

pub(super) const FASTAPI: Proxy = Proxy {
    id: "fastapi-proxy-lib",
    name: "fastapi-proxy-lib",
    package: "PyPI fastapi-proxy-lib, on uvicorn",
    version: &["-c", "import fastapi_proxy_lib; print(fastapi_proxy_lib.__version__)"],
    arguments: &["{proxies}/python/fastapi_proxy.py", "{port}", "{upstream}", "{lines}"],
    configurations: &[
        documented(
            "documented",
            "reverse_ws_app",
            &[2, 65],
            "documented",
            "It ends both connections itself: another key, Pings answered on the way, messages put together and compressed anew. Real damage: the close codes of the client’s answer become 1011, 1014 becomes 1002, messages above the limit end with 1009, an unsolicited Pong ends the connection with 1011, and a frame before the 101 is lost.",
        ),
        mistake(
            "max-size",
            "ws_max_size of 64 KiB in uvicorn",
            &[2],
            "max-size",
            "As before, and messages of the client above 64 KiB end the connection with 1009.",
        ),
    ],
    ..PYTHON
};

pub(super) const AIOHTTP: Proxy = Proxy {
    id: "aiohttp",
    name: "a proxy on aiohttp",
    package: "PyPI aiohttp, with the proxy in proxies/python/aiohttp_proxy.py",
    version: &["-c", "import aiohttp; print(aiohttp.__version__)"],
    arguments: &["{proxies}/python/aiohttp_proxy.py", "{port}", "{upstream}", "{lines}"],
    configurations: &[
        documented(
            "documented",
            "autoping and autoclose off, no limit",
            &[2, 65],
            "documented",
            "It takes the connection apart: another key and other masks, messages in other frames and compressed, with the same content. Real damage: each side of aiohttp answers a Close before the proxy can pass it on, so that codes and reasons become those of the proxy, and an end without a Close becomes one with 1006, which may not be sent.",
        ),
        mistake(
            "defaults",
            "with aiohttp's defaults",
            &[2],
            "defaults",
            "As before; and aiohttp answers Pings by itself, drops Pongs, and ends the connection at messages above 4 MiB.",
        ),
    ],
    ..PYTHON
};

pub(super) const JUPYTER: Proxy = Proxy {
    id: "jupyter-server-proxy",
    name: "jupyter-server-proxy",
    package: "PyPI jupyter-server-proxy, on jupyter-server",
    version: &["-c", "import importlib.metadata as m; print(m.version('jupyter_server_proxy'))"],
    arguments: &[
        "-m",
        "jupyter_server",
        "--ip=127.0.0.1",
        "--port={port}",
        "--allow-root",
        "--ServerApp.root_dir={folder}",
        "{lines}",
    ],
    environment: &[
        ("JUPYTER_CONFIG_DIR", "{folder}/config"),
        ("JUPYTER_DATA_DIR", "{folder}/data"),
        ("JUPYTER_RUNTIME_DIR", "{folder}/runtime"),
    ],
    via: "ws://127.0.0.1:{port}/proxy/absolute/{upstream}/",
    configurations: &[
        documented(
            "documented",
            "/proxy/absolute/PORT/, after a login",
            &[2, 65],
            "--IdentityProvider.token=
--ServerApp.password=",
            "It ends both connections itself, and answers the client before it connects to the server. Real damage: Pings are answered on the way, codes and reasons of a Close are lost, messages above 10 MiB end with 1009. Tornado’s client compresses with the history of earlier messages though the server’s answer has client_no_context_takeover. An Origin that is not Jupyter’s gets 403; a client that offers no extension is offered to the server with one.",
        ),
        mistake(
            "login",
            "without a login",
            &[2],
            "--IdentityProvider.token=framewise",
            "403 of Jupyter: the handshake carries neither its token nor its cookie.",
        ),
    ],
    ..PYTHON
};

pub(super) const WEBSOCKIFY: Proxy = Proxy {
    id: "websockify",
    name: "websockify",
    package: "PyPI websockify",
    version: &["-c", "import importlib.metadata as m; print(m.version('websockify'))"],
    arguments: &["-m", "websockify", "127.0.0.1:{port}", "127.0.0.1:{upstream}"],
    configurations: &[documented(
        "documented",
        "WebSocket to TCP",
        &[2, 65],
        "",
        "It answers the handshake by itself and passes payloads on as TCP: behind it belongs a server that does not speak WebSocket.",
    )],
    ..PYTHON
};
