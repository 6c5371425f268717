//! Relays, forward proxies and caches.

use super::{Proxy, Source, documented, mistake};

pub(super) const SOCAT: Proxy = Proxy {
    id: "socat",
    name: "socat",
    package: "Debian socat",
    source: Source::Debian { packages: &["socat"], program: "socat" },
    version: &["-V"],
    files: &[],
    arguments: &["{lines}"],
    environment: &[],
    via: "ws://127.0.0.1:{port}/",
    tls: false,
    settles: false,
    reload: "",
    configurations: &[
        documented(
            "documented",
            "TCP to TCP",
            &[2, 65],
            "TCP4-LISTEN:{port},bind=127.0.0.1,reuseaddr,fork
TCP4:127.0.0.1:{upstream}",
            "Every byte arrives as it was sent.",
        ),
        mistake(
            "timeout",
            "-T 3, the time-out for silence",
            &[1, 5],
            "-T
3
TCP4-LISTEN:{port},bind=127.0.0.1,reuseaddr,fork
TCP4:127.0.0.1:{upstream}",
            "The silence ends after 3 s. Pings of either side keep the connection.",
        ),
        mistake(
            "crlf",
            "crlf, as for line protocols",
            &[2],
            "TCP4-LISTEN:{port},bind=127.0.0.1,reuseaddr,fork,crlf
TCP4:127.0.0.1:{upstream}",
            "Each line feed gets a carriage return before it: the empty line after the head is no empty line any more, and the server waits for the rest of the request.",
        ),
        mistake(
            "no-half-close",
            "-t 0: no time for the other direction after an end",
            &[2],
            "-t
0
TCP4-LISTEN:{port},bind=127.0.0.1,reuseaddr,fork
TCP4:127.0.0.1:{upstream}",
            "Does no harm to a connection that both sides close.",
        ),
    ],
};

pub(super) const INSPECT: Proxy = Proxy {
    id: "inspect",
    name: "framewise inspect",
    package: "This repository",
    source: Source::Ours,
    version: &["--version"],
    files: &[],
    arguments: &["inspect", "ws://127.0.0.1:{upstream}", "--listen", "127.0.0.1:{port}"],
    environment: &[],
    via: "ws://127.0.0.1:{port}/",
    tls: false,
    settles: false,
    reload: "",
    configurations: &[documented(
        "documented",
        "as it starts",
        &[2, 65],
        "",
        "Every byte arrives as it was sent.",
    )],
};

pub(super) const MITMPROXY: Proxy = Proxy {
    id: "mitmproxy",
    name: "mitmproxy",
    package: "PyPI mitmproxy",
    source: Source::Python("bin/mitmdump"),
    version: &["--version"],
    files: &[],
    arguments: &[
        "--quiet",
        "--set",
        "confdir={folder}",
        "--listen-host",
        "127.0.0.1",
        "--listen-port",
        "{port}",
        "{lines}",
    ],
    environment: &[],
    via: "ws://127.0.0.1:{port}/",
    tls: false,
    settles: false,
    reload: "",
    configurations: &[
        documented(
            "documented",
            "a reverse proxy",
            &[2, 65],
            "--mode
reverse:http://127.0.0.1:{upstream}",
            "It takes the connection apart. Every frame of the client has another mask, messages are compressed anew, with the same content. Real damage: the close code 1014 becomes 1002. An end without a Close becomes a Close with 1000.",
        ),
        mistake(
            "tcp",
            "a reverse proxy for TCP",
            &[2],
            "--mode
reverse:tcp://127.0.0.1:{upstream}",
            "Every byte arrives as it was sent.",
        ),
        mistake(
            "no-websocket",
            "without the option websocket",
            &[2],
            "--set
websocket=false
--mode
reverse:http://127.0.0.1:{upstream}",
            "After the 101 the bytes pass unchanged.",
        ),
    ],
};

pub(super) const SQUID: Proxy = Proxy {
    id: "squid",
    name: "Squid",
    package: "Debian squid",
    source: Source::Debian { packages: &["squid"], program: "squid" },
    version: &["-v"],
    files: &[("squid.conf", include_str!("../../../../proxies/configurations/squid.conf"))],
    arguments: &["-N", "-n", "fw{port}", "-f", "{folder}/squid.conf"],
    environment: &[],
    via: "http://127.0.0.1:{port}",
    tls: false,
    settles: false,
    reload: "HUP",
    configurations: &[
        documented(
            "documented",
            "CONNECT, as clients use it for wss",
            &[2, 65],
            "http_port 127.0.0.1:{port}",
            "A tunnel: every byte arrives as it was sent.",
        ),
        mistake(
            "idle",
            "read_timeout and request_timeout of 3 s",
            &[1, 5],
            "http_port 127.0.0.1:{port}
read_timeout 3 seconds
request_timeout 3 seconds
client_lifetime 1 day",
            "The silence ends after the 3 s of read_timeout.",
        ),
        mistake(
            "port",
            "SSL_ports without the port of the server",
            &[2],
            "http_port 127.0.0.1:{port}
acl SSL_ports port 443
http_access deny connect !SSL_ports",
            "403 for CONNECT, with Squid’s page: ERR_ACCESS_DENIED. No connection is opened.",
        ),
        mistake(
            "lifetime",
            "client_lifetime of 3 s",
            &[1, 5],
            "http_port 127.0.0.1:{port}
client_lifetime 3 seconds",
            "Does no harm: client_lifetime does not apply to a tunnel.",
        ),
    ],
};

/// As a reverse proxy it is another program to its users, and the client connects in another way.
pub(super) const SQUID_REVERSE: Proxy = Proxy {
    id: "squid-reverse",
    name: "Squid as a reverse proxy",
    via: "ws://127.0.0.1:{port}/",
    settles: true,
    reload: "",
    configurations: &[
        documented(
            "documented",
            "accel, with http_upgrade_request_protocols",
            &[2, 65],
            "http_port 127.0.0.1:{port} accel defaultsite=127.0.0.1
cache_peer 127.0.0.1 parent {upstream} 0 no-query originserver
http_upgrade_request_protocols websocket allow all",
            "A tunnel after the 101. Host and the order of the headers are Squid’s, and Via and Surrogate-Capability are added.",
        ),
        mistake(
            "case",
            "WebSocket in place of websocket",
            &[2],
            "http_port 127.0.0.1:{port} accel defaultsite=127.0.0.1
cache_peer 127.0.0.1 parent {upstream} 0 no-query originserver
http_upgrade_request_protocols WebSocket allow all",
            "Names of protocols are case-sensitive, and clients write websocket: Upgrade is removed, and the 101 that our server sends all the same becomes 502.",
        ),
        mistake(
            "no-upgrade",
            "without http_upgrade_request_protocols",
            &[2],
            "http_port 127.0.0.1:{port} accel defaultsite=127.0.0.1
cache_peer 127.0.0.1 parent {upstream} 0 no-query originserver",
            "The request arrives without Upgrade; the 101 that our server sends all the same becomes 502.",
        ),
    ],
    ..SQUID
};

pub(super) const TINYPROXY: Proxy = Proxy {
    id: "tinyproxy",
    name: "tinyproxy",
    package: "Debian tinyproxy-bin",
    source: Source::Debian { packages: &["tinyproxy-bin"], program: "tinyproxy" },
    version: &["-v"],
    files: &[("tinyproxy.conf", include_str!("../../../../proxies/configurations/tinyproxy.conf"))],
    arguments: &["-d", "-c", "{folder}/tinyproxy.conf"],
    environment: &[],
    via: "http://127.0.0.1:{port}",
    tls: false,
    settles: false,
    // SIGHUP is for a daemon: in the foreground (-d), it ends tinyproxy.
    reload: "USR1",
    configurations: &[
        documented(
            "documented",
            "CONNECT, with the time-out of the package",
            &[2, 65],
            "Timeout 600",
            "A tunnel: every byte arrives as it was sent.",
        ),
        mistake("timeout", "Timeout 3", &[1, 5], "Timeout 3", "The silence ends after the 3 s of Timeout."),
        mistake(
            "port",
            "ConnectPort 443 alone",
            &[2],
            "Timeout 600\nConnectPort 443",
            "403 “Access violation” for CONNECT, with the page of tinyproxy. No connection is opened.",
        ),
        mistake(
            "max-clients",
            "MaxClients 20",
            &[2],
            "Timeout 600\nMaxClients 20",
            "The connections above MaxClients wait for one of the others to end, and all of them work in the end.",
        ),
    ],
};

pub(super) const STUNNEL: Proxy = Proxy {
    id: "stunnel",
    name: "stunnel",
    package: "Debian stunnel4",
    source: Source::Debian { packages: &["stunnel4"], program: "stunnel4" },
    version: &["-version"],
    files: &[("stunnel.conf", include_str!("../../../../proxies/configurations/stunnel.conf"))],
    arguments: &["{folder}/stunnel.conf"],
    environment: &[],
    via: "wss://localhost:{port}/",
    tls: true,
    settles: false,
    reload: "HUP",
    configurations: &[
        documented(
            "documented",
            "TLS for a server without it",
            &[2, 65],
            "",
            "Every byte arrives as it was sent.",
        ),
        mistake(
            "idle",
            "TIMEOUTidle of 3 s",
            &[1, 5],
            "TIMEOUTidle = 3",
            "The silence ends after the 3 s of TIMEOUTidle.",
        ),
        mistake(
            "close",
            "TIMEOUTclose of 0",
            &[2],
            "TIMEOUTclose = 0",
            "TIMEOUTclose of 0 does no harm to a connection that both sides close.",
        ),
    ],
};

pub(super) const VARNISH: Proxy = Proxy {
    id: "varnish",
    name: "Varnish",
    package: "Debian varnish",
    source: Source::Debian { packages: &["varnish"], program: "varnishd" },
    version: &["-V"],
    files: &[("default.vcl", include_str!("../../../../proxies/configurations/default.vcl"))],
    arguments: &[
        "-F",
        "-n",
        "{folder}/work",
        "-a",
        "127.0.0.1:{port}",
        "-f",
        "{folder}/default.vcl",
        "-s",
        "malloc,32m",
        "{more}",
    ],
    environment: &[],
    via: "ws://127.0.0.1:{port}/",
    tls: false,
    settles: false,
    reload: "",
    configurations: &[
        documented(
            "documented",
            "pipe with Upgrade and Connection",
            &[2, 65],
            "sub vcl_recv {
    if (req.http.upgrade ~ \"(?i)websocket\") {
        return (pipe);
    }
}
sub vcl_pipe {
    if (req.http.upgrade) {
        set bereq.http.upgrade = req.http.upgrade;
        set bereq.http.connection = req.http.connection;
    }
}",
            "pipe_timeout ends the silence after 60 s.",
        ),
        mistake(
            "no-pipe",
            "no VCL at all",
            &[2],
            "",
            "The request arrives without Upgrade and Connection; Varnish answers with 503 where the server sends a 101 all the same.",
        ),
        mistake(
            "no-headers",
            "pipe without the headers in vcl_pipe",
            &[2],
            "sub vcl_recv {
    if (req.http.upgrade ~ \"(?i)websocket\") {
        return (pipe);
    }
}",
            "“Connection: close” arrives in place of the two headers. Our server answers with 101 all the same, and Varnish tunnels; a server that checks the handshake rejects it.",
        ),
        mistake(
            "pipe-timeout",
            "pipe_timeout of 3 s",
            &[1, 5],
            "sub vcl_recv {
    if (req.http.upgrade ~ \"(?i)websocket\") {
        return (pipe);
    }
}
sub vcl_pipe {
    if (req.http.upgrade) {
        set bereq.http.upgrade = req.http.upgrade;
        set bereq.http.connection = req.http.connection;
    }
}
---
-p
pipe_timeout=3",
            "The silence ends after 3 s. Pings of either side keep the connection.",
        ),
    ],
};

pub(super) const LIGHTTPD: Proxy = Proxy {
    id: "lighttpd",
    name: "lighttpd",
    package: "Debian lighttpd",
    source: Source::Debian { packages: &["lighttpd"], program: "lighttpd" },
    version: &["-v"],
    files: &[("lighttpd.conf", include_str!("../../../../proxies/configurations/lighttpd.conf"))],
    arguments: &["-D", "-f", "{folder}/lighttpd.conf", "-m", "{debian}/usr/lib/lighttpd"],
    environment: &[],
    via: "ws://127.0.0.1:{port}/",
    tls: false,
    settles: false,
    reload: "USR1",
    configurations: &[
        documented(
            "documented",
            "proxy.header with upgrade",
            &[2, 65],
            "proxy.header = ( \"upgrade\" => \"enable\" )",
            "max-read-idle ends the connection when the client is silent for 60 s: Pings of the client prevent it, those of the server alone do not.",
        ),
        mistake(
            "no-upgrade",
            "proxy.server alone",
            &[2],
            "",
            "The request arrives without Upgrade and with “Connection: close”; the 101 of the server is not passed on, and the client waits.",
        ),
        mistake(
            "idle",
            "server.max-read-idle and max-write-idle of 3 s",
            &[1, 5],
            "proxy.header = ( \"upgrade\" => \"enable\" )
server.max-read-idle = 3
server.max-write-idle = 3",
            "With both at 3 s, the silence of one direction is enough to end the connection.",
        ),
    ],
};

pub(super) const NGHTTPX: Proxy = Proxy {
    id: "nghttpx",
    name: "nghttpx",
    package: "Debian nghttp2-proxy",
    source: Source::Debian { packages: &["nghttp2-proxy"], program: "nghttpx" },
    version: &["--version"],
    files: &[],
    arguments: &[
        "--conf=/dev/null",
        "--frontend=127.0.0.1,{port};no-tls",
        "--workers=1",
        "--errorlog-file=/dev/stderr",
        "{lines}",
    ],
    environment: &[],
    via: "ws://127.0.0.1:{port}/",
    tls: false,
    settles: false,
    reload: "",
    configurations: &[
        documented(
            "documented",
            "towards HTTP/1.1",
            &[2, 65],
            "--backend=127.0.0.1,{upstream};;proto=http/1.1",
            "--frontend-read-timeout and --backend-read-timeout end the silence after 60 s.",
        ),
        mistake(
            "h2",
            "towards HTTP/2",
            &[2],
            "--backend=127.0.0.1,{upstream};;proto=h2",
            "It translates to RFC 8441, which our server understands. A server that speaks HTTP/1.1 alone gets the preface of HTTP/2, and the client 502.",
        ),
        mistake(
            "idle",
            "backend and frontend time-outs of 3 s",
            &[1, 5],
            "--backend=127.0.0.1,{upstream};;proto=http/1.1
--frontend-read-timeout=3s
--backend-read-timeout=3s",
            "The silence ends after 3 s. Pings of either side keep the connection.",
        ),
    ],
};
