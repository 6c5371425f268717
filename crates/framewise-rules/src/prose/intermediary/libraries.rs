//! Libraries, and tools for development.

use super::Evidence::{Page, Run};
use super::{Facts, figure};
use crate::Cause;

pub(super) const MITMPROXY: Facts = Facts {
    documentation: "https://docs.mitmproxy.org/stable/concepts/options/",
    figures: &[
        figure(
            "websocket",
            "true",
            "whether WebSockets are taken apart and shown",
            "si les WebSockets sont démontés et montrés",
            "https://docs.mitmproxy.org/stable/concepts/options/",
        ),
        figure(
            "tcp_timeout",
            "600 s",
            "the longest silence of a connection; before 12.2.1 it could not be changed",
            "le plus long silence d'une connexion ; avant 12.2.1, il ne se changeait pas",
            "https://github.com/mitmproxy/mitmproxy/blob/main/CHANGELOG.md",
        ),
    ],
    shows: &[
        Run("mitmproxy", "documented"),
        Run("mitmproxy", "documented"),
        Run("mitmproxy", "documented"),
        Run("mitmproxy", "no-websocket"),
        Page("https://docs.mitmproxy.org/stable/concepts/certificates/"),
    ],
    fixes: &[],
};

pub(super) const HTTP_PROXY: Facts = Facts {
    documentation: "https://github.com/http-party/node-http-proxy#proxying-websockets",
    figures: &[
        figure(
            "ws",
            "—",
            "whether the server that the library starts passes upgrades on",
            "si le serveur que la bibliothèque démarre transmet les upgrades",
            "https://github.com/http-party/node-http-proxy#options",
        ),
        figure(
            "changeOrigin",
            "false",
            "whether Host is that of the target",
            "si Host est celui de la cible",
            "https://github.com/http-party/node-http-proxy#options",
        ),
        figure(
            "proxyTimeout",
            "—",
            "for requests to the target, in milliseconds",
            "pour les requêtes vers la cible, en millisecondes",
            "https://github.com/http-party/node-http-proxy#options",
        ),
        figure(
            "timeout",
            "—",
            "for requests of clients, in milliseconds",
            "pour les requêtes des clients, en millisecondes",
            "https://github.com/http-party/node-http-proxy#options",
        ),
    ],
    shows: &[
        Run("http-proxy", "no-upgrade"),
        Run("http-proxy", "change-origin"),
        Page("https://github.com/http-party/node-http-proxy/blob/master/lib/http-proxy/index.js"),
    ],
    fixes: &[
        (
            Cause::UpgradeHeadersDropped,
            "server.on('upgrade', (req, socket, head) => proxy.ws(req, socket, head))",
        ),
        (Cause::HeadersChangedOnPath, "changeOrigin: false"),
    ],
};

pub(super) const HTTP_PROXY_MIDDLEWARE: Facts = Facts {
    documentation: "https://github.com/chimurai/http-proxy-middleware#external-websocket-upgrade",
    figures: &[figure(
        "ws",
        "—",
        "with true, it subscribes to upgrades at the first ordinary request",
        "avec true, il souscrit aux upgrades à la première requête ordinaire",
        "https://github.com/chimurai/http-proxy-middleware#external-websocket-upgrade",
    )],
    shows: &[
        Run("http-proxy-middleware", "late"),
        Page("https://github.com/chimurai/http-proxy-middleware/blob/master/recipes/websocket.md"),
        Run("http-proxy-middleware", "change-origin"),
    ],
    fixes: &[(Cause::UpgradeHeadersDropped, "server.on('upgrade', proxy.upgrade)")],
};

pub(super) const VITE: Facts = Facts {
    documentation: "https://vite.dev/config/server-options.html#server-proxy",
    figures: &[figure(
        "ws",
        "—",
        "whether a rule of server.proxy passes WebSockets on",
        "si une règle de server.proxy transmet les WebSockets",
        "https://vite.dev/config/server-options.html#server-proxy",
    )],
    shows: &[
        Run("vite", "no-ws"),
        Run("vite", "change-origin"),
        Page("https://vite.dev/config/server-options.html#server-proxy"),
    ],
    fixes: &[(Cause::UpgradeHeadersDropped, "ws: true in the rule of server.proxy")],
};

pub(super) const FASTAPI_PROXY_LIB: Facts = Facts {
    documentation: "https://github.com/WSH032/fastapi-proxy-lib",
    figures: &[
        figure(
            "max_message_size_bytes",
            "65536",
            "a message of the server is read in such pieces (httpx-ws)",
            "un message du serveur est lu par morceaux de cette taille (httpx-ws)",
            "https://github.com/frankie567/httpx-ws/blob/main/httpx_ws/_api.py",
        ),
        figure(
            "keepalive_ping_interval_seconds",
            "20 s",
            "Pings of the proxy to the server (httpx-ws)",
            "Pings du proxy vers le serveur (httpx-ws)",
            "https://github.com/frankie567/httpx-ws/blob/main/httpx_ws/_api.py",
        ),
        figure(
            "ws_max_size",
            "16777216",
            "the largest message of the client (uvicorn)",
            "le plus grand message du client (uvicorn)",
            "https://github.com/encode/uvicorn/blob/master/uvicorn/config.py",
        ),
        figure(
            "ws_ping_interval",
            "20 s",
            "Pings of the proxy to the client (uvicorn)",
            "Pings du proxy vers le client (uvicorn)",
            "https://github.com/encode/uvicorn/blob/master/uvicorn/config.py",
        ),
    ],
    shows: &[
        Run("fastapi-proxy-lib", "max-size"),
        Run("fastapi-proxy-lib", "documented"),
        Run("fastapi-proxy-lib", "documented"),
        Run("fastapi-proxy-lib", "documented"),
        Run("fastapi-proxy-lib", "documented"),
    ],
    fixes: &[(Cause::LimitOfIntermediary, "uvicorn.run(app, ws_max_size=…)")],
};

pub(super) const AIOHTTP: Facts = Facts {
    documentation: "https://docs.aiohttp.org/en/stable/web_reference.html#aiohttp.web.WebSocketResponse",
    figures: &[
        figure(
            "max_msg_size",
            "4 MiB",
            "the largest message; 0 is no limit",
            "le plus grand message ; 0 supprime la limite",
            "https://docs.aiohttp.org/en/stable/web_reference.html#aiohttp.web.WebSocketResponse",
        ),
        figure(
            "autoping",
            "true",
            "whether Pings are answered by aiohttp",
            "si aiohttp répond aux Pings",
            "https://docs.aiohttp.org/en/stable/web_reference.html#aiohttp.web.WebSocketResponse",
        ),
        figure(
            "autoclose",
            "true",
            "whether a Close is answered by aiohttp",
            "si aiohttp répond à un Close",
            "https://docs.aiohttp.org/en/stable/web_reference.html#aiohttp.web.WebSocketResponse",
        ),
        figure(
            "heartbeat",
            "—",
            "Pings of aiohttp, in seconds",
            "Pings d'aiohttp, en secondes",
            "https://docs.aiohttp.org/en/stable/web_reference.html#aiohttp.web.WebSocketResponse",
        ),
    ],
    shows: &[
        Run("aiohttp", "defaults"),
        Run("aiohttp", "defaults"),
        Run("aiohttp", "documented"),
        Page("https://websockets.spec.whatwg.org/"),
    ],
    fixes: &[
        (Cause::PingAnsweredOnPath, "autoping=False, and pass Ping and Pong on"),
        (Cause::LimitOfIntermediary, "max_msg_size=0"),
    ],
};

pub(super) const WEBSOCKIFY: Facts = Facts {
    documentation: "https://github.com/novnc/websockify",
    figures: &[
        figure(
            "--heartbeat",
            "0",
            "Pings to the client, in seconds; 0 sends none",
            "Pings vers le client, en secondes ; 0 n'en envoie pas",
            "https://github.com/novnc/websockify/blob/master/websockify/websocketproxy.py",
        ),
        figure(
            "--idle-timeout",
            "0",
            "the program ends after so long without connections; 0 never",
            "le programme s'arrête après ce délai sans connexion ; 0 jamais",
            "https://github.com/novnc/websockify/blob/master/websockify/websocketproxy.py",
        ),
    ],
    shows: &[
        Run("websockify", "documented"),
        Page("https://github.com/novnc/websockify/blob/master/websockify/websocket.py"),
    ],
    fixes: &[(Cause::IdleTimeoutIntermediary, "--heartbeat=30")],
};

pub(super) const JUPYTER_SERVER_PROXY: Facts = Facts {
    documentation: "https://jupyter-server-proxy.readthedocs.io/en/latest/arbitrary-ports-hosts.html",
    figures: &[figure(
        "max_message_size",
        "10 MiB",
        "the largest message, in each direction (tried with 4.6)",
        "le plus grand message, dans chaque sens (essayé avec 4.6)",
        "https://github.com/jupyterhub/jupyter-server-proxy/blob/main/jupyter_server_proxy/websocket.py",
    )],
    shows: &[
        Run("jupyter-server-proxy", "documented"),
        Run("jupyter-server-proxy", "login"),
        Run("jupyter-server-proxy", "documented"),
        Run("jupyter-server-proxy", "documented"),
        Run("jupyter-server-proxy", "documented"),
    ],
    fixes: &[],
};

pub(super) const INSPECT: Facts = Facts {
    documentation: "https://github.com/framewise/framewise/blob/main/crates/framewise-cli/src/inspect.rs",
    figures: &[figure(
        "time-outs",
        "—",
        "it has none of its own",
        "il n'en a pas",
        "https://github.com/framewise/framewise/blob/main/docs/proxies.md",
    )],
    shows: &[Page("https://github.com/framewise/framewise/blob/main/crates/framewise-cli/src/inspect.rs")],
    fixes: &[],
};
