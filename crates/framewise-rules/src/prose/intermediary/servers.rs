use super::Evidence::{Page, Run};
use super::{Facts, figure};
use crate::Cause;

pub(super) const NGINX: Facts = Facts {
    documentation: "https://nginx.org/en/docs/http/websocket.html",
    figures: &[
        figure(
            "proxy_http_version",
            "1.1",
            "the version towards the server; before 1.29.7 the default was 1.0, with which there is no upgrade",
            "la version vers le serveur ; avant 1.29.7, c'était 1.0, avec laquelle il n'y a pas d'upgrade",
            "https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_http_version",
        ),
        figure(
            "proxy_read_timeout",
            "60 s",
            "the longest silence; traffic in either direction starts it anew",
            "le plus long silence ; tout échange, dans un sens ou dans l'autre, le fait repartir",
            "https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_read_timeout",
        ),
        figure(
            "proxy_send_timeout",
            "60 s",
            "the longest time between two writes to the server",
            "le plus long délai entre deux écritures vers le serveur",
            "https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_send_timeout",
        ),
        figure(
            "proxy_buffer_size",
            "4k|8k",
            "the size of the 101's head; more is a 502",
            "la taille de l'en-tête du 101 ; au-delà, c'est un 502",
            "https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_buffer_size",
        ),
        figure(
            "large_client_header_buffers",
            "4 × 8k",
            "a header line of the request, such as a cookie, fits into 8k",
            "une ligne d'en-tête de la requête, un cookie par exemple, tient dans 8k",
            "https://nginx.org/en/docs/http/ngx_http_core_module.html#large_client_header_buffers",
        ),
        figure(
            "worker_connections",
            "512",
            "connections of one worker; each WebSocket takes two",
            "connexions d'un worker ; chaque WebSocket en occupe deux",
            "https://nginx.org/en/docs/ngx_core_module.html#worker_connections",
        ),
        figure(
            "worker_shutdown_timeout",
            "—",
            "how long old workers keep open connections after a reload; without it, until the connections end",
            "combien de temps les anciens workers gardent les connexions après un rechargement ; sans valeur, jusqu'à leur fin",
            "https://nginx.org/en/docs/ngx_core_module.html#worker_shutdown_timeout",
        ),
    ],
    shows: &[
        Run("nginx", "no-upgrade"),
        Run("nginx-debian", "no-version"),
        Run("nginx", "documented"),
        Page("https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_set_header"),
        Page("https://nginx.org/en/docs/http/ngx_http_core_module.html#large_client_header_buffers"),
    ],
    fixes: &[
        (
            Cause::UpgradeHeadersDropped,
            "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection \"upgrade\";",
        ),
        (Cause::Http10ToUpstream, "proxy_http_version 1.1;"),
        (
            Cause::IdleTimeoutIntermediary,
            "proxy_read_timeout 1h; proxy_send_timeout 1h; (the default is 60 s)",
        ),
        (Cause::HeadersChangedOnPath, "proxy_set_header Host $http_host;"),
    ],
};

pub(super) const HAPROXY: Facts = Facts {
    documentation: "https://docs.haproxy.org/3.2/configuration.html#4.2-timeout%20tunnel",
    figures: &[
        figure(
            "timeout tunnel",
            "—",
            "the longest silence in both directions after the 101; where it is not set, timeout client and timeout server apply",
            "le plus long silence dans les deux sens après le 101 ; sans valeur, timeout client et timeout server s'appliquent",
            "https://docs.haproxy.org/3.2/configuration.html#4.2-timeout%20tunnel",
        ),
        figure(
            "timeout client",
            "—",
            "the longest silence of the client; infinite where it is not set, with a warning at the start",
            "le plus long silence du client ; infini sans valeur, avec un avertissement au démarrage",
            "https://docs.haproxy.org/3.2/configuration.html#4.2-timeout%20client",
        ),
        figure(
            "tune.bufsize",
            "16384",
            "the size of a head: a larger request gets 400, a larger answer 502 (less tune.maxrewrite)",
            "la taille d'un en-tête : une requête plus grande reçoit 400, une réponse plus grande 502 (moins tune.maxrewrite)",
            "https://docs.haproxy.org/3.2/configuration.html#3.2-tune.bufsize",
        ),
        figure(
            "hard-stop-after",
            "—",
            "how long an old process keeps its connections after a reload; without it, until they end",
            "combien de temps un ancien processus garde ses connexions après un rechargement ; sans valeur, jusqu'à leur fin",
            "https://docs.haproxy.org/3.2/configuration.html#3.1-hard-stop-after",
        ),
    ],
    shows: &[
        Run("haproxy", "no-tunnel"),
        Page("https://docs.haproxy.org/3.2/configuration.html#8.5"),
        Page(
            "https://docs.haproxy.org/3.2/configuration.html#4.2-option%20accept-unsafe-violations-in-http-request",
        ),
        Page("https://docs.haproxy.org/3.2/configuration.html#3.2-tune.bufsize"),
        Run("haproxy", "documented"),
    ],
    fixes: &[(Cause::IdleTimeoutIntermediary, "timeout tunnel 1h")],
};

pub(super) const CADDY: Facts = Facts {
    documentation: "https://caddyserver.com/docs/caddyfile/directives/reverse_proxy#streaming",
    figures: &[
        figure(
            "stream_timeout",
            "—",
            "the maximum life of a WebSocket connection, not of a silence",
            "la durée de vie maximale d'une connexion WebSocket, et non d'un silence",
            "https://caddyserver.com/docs/caddyfile/directives/reverse_proxy#stream_timeout",
        ),
        figure(
            "stream_close_delay",
            "0",
            "how long connections stay open after a reload of the configuration; without it they are closed at once",
            "combien de temps les connexions restent ouvertes après un rechargement ; sans valeur, elles sont fermées aussitôt",
            "https://caddyserver.com/docs/caddyfile/directives/reverse_proxy#stream_close_delay",
        ),
        figure(
            "dial_timeout",
            "3 s",
            "for the connection to the server",
            "pour la connexion au serveur",
            "https://caddyserver.com/docs/caddyfile/directives/reverse_proxy#dial_timeout",
        ),
        figure(
            "max_header_size",
            "1 MB",
            "all headers of the request; more is a 431",
            "tous les en-têtes de la requête ; au-delà, c'est un 431",
            "https://caddyserver.com/docs/caddyfile/options#max_header_size",
        ),
    ],
    shows: &[
        Page("https://caddyserver.com/docs/caddyfile/directives/reverse_proxy#streaming"),
        Run("caddy", "stream-timeout"),
        Run("caddy", "h2c"),
        Run("caddy", "read-timeout"),
        Run("caddy", "header-up"),
    ],
    fixes: &[],
};

pub(super) const ENVOY: Facts = Facts {
    documentation: "https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/http/upgrades",
    figures: &[
        figure(
            "upgrade_configs",
            "—",
            "the upgrades that pass; without websocket in it, the handshake is rejected with 403",
            "les upgrades qui passent ; sans websocket, le handshake est rejeté avec 403",
            "https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/http/upgrades",
        ),
        figure(
            "stream_idle_timeout",
            "5 min",
            "the longest silence in both directions; idle_timeout of the route overrides it",
            "le plus long silence dans les deux sens ; idle_timeout de la route le remplace",
            "https://www.envoyproxy.io/docs/envoy/latest/faq/configuration/timeouts",
        ),
        figure(
            "route timeout",
            "15 s",
            "the time of a complete answer; it starts when the request is complete",
            "la durée d'une réponse complète ; elle part quand la requête est complète",
            "https://www.envoyproxy.io/docs/envoy/latest/faq/configuration/timeouts",
        ),
        figure(
            "max_stream_duration",
            "—",
            "the maximum life of a connection, not of a silence",
            "la durée de vie maximale d'une connexion, et non d'un silence",
            "https://www.envoyproxy.io/docs/envoy/latest/faq/configuration/timeouts",
        ),
        figure(
            "connect_timeout",
            "5 s",
            "for the connection to the server",
            "pour la connexion au serveur",
            "https://www.envoyproxy.io/docs/envoy/latest/faq/configuration/timeouts",
        ),
        figure(
            "allow_connect",
            "off",
            "whether WebSockets cross an HTTP/2 hop (RFC 8441)",
            "si les WebSockets passent un tronçon HTTP/2 (RFC 8441)",
            "https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/http/upgrades",
        ),
    ],
    shows: &[
        Run("envoy", "no-upgrade"),
        Page("https://www.envoyproxy.io/docs/envoy/latest/faq/configuration/timeouts"),
        Run("envoy", "idle-timeout"),
        Run("envoy", "max-stream-duration"),
        Run("envoy", "buffer"),
        Run("envoy", "documented"),
    ],
    fixes: &[
        (
            Cause::NotAWebsocketEndpoint,
            "upgrade_configs: [{upgrade_type: websocket}] in the HttpConnectionManager (without it: 403)",
        ),
        (
            Cause::IdleTimeoutIntermediary,
            "idle_timeout: 3600s in the route, or stream_idle_timeout in the HttpConnectionManager (the default is 5 min)",
        ),
    ],
};

pub(super) const TRAEFIK: Facts = Facts {
    documentation: "https://doc.traefik.io/traefik/expose/overview/#exposing-websocket-services",
    figures: &[
        figure(
            "respondingTimeouts.readTimeout",
            "60 s",
            "the time to read a request with its body; not for what follows the 101",
            "la durée de lecture d'une requête et de son corps ; pas de ce qui suit le 101",
            "https://doc.traefik.io/traefik/reference/install-configuration/entrypoints/",
        ),
        figure(
            "respondingTimeouts.writeTimeout",
            "0",
            "the time of an answer; 0 is none",
            "la durée d'une réponse ; 0 signifie aucune",
            "https://doc.traefik.io/traefik/reference/install-configuration/entrypoints/",
        ),
        figure(
            "respondingTimeouts.idleTimeout",
            "180 s",
            "the silence of a keep-alive connection between requests; not of a WebSocket",
            "le silence d'une connexion keep-alive entre deux requêtes ; pas d'un WebSocket",
            "https://doc.traefik.io/traefik/reference/install-configuration/entrypoints/",
        ),
        figure(
            "lifeCycle.graceTimeOut",
            "10 s",
            "how long open connections live on when Traefik stops",
            "combien de temps les connexions survivent à l'arrêt de Traefik",
            "https://doc.traefik.io/traefik/reference/install-configuration/entrypoints/",
        ),
        figure(
            "http.maxHeaderBytes",
            "1048576",
            "all headers of the request",
            "tous les en-têtes de la requête",
            "https://doc.traefik.io/traefik/reference/install-configuration/entrypoints/",
        ),
        figure(
            "forwardingTimeouts.dialTimeout",
            "30 s",
            "for the connection to the server",
            "pour la connexion au serveur",
            "https://doc.traefik.io/traefik/reference/routing-configuration/http/load-balancing/serverstransport/",
        ),
    ],
    shows: &[
        Run("traefik", "upgrade-removed"),
        Run("traefik", "documented"),
        Page("https://doc.traefik.io/traefik/reference/install-configuration/entrypoints/"),
        Page("https://doc.traefik.io/traefik/getting-started/faq/#404-not-found"),
        Page("https://doc.traefik.io/traefik/getting-started/faq/#502-bad-gateway"),
    ],
    fixes: &[],
};

pub(super) const APACHE: Facts = Facts {
    documentation: "https://httpd.apache.org/docs/2.4/mod/mod_proxy.html#protoupgrade",
    figures: &[
        figure(
            "upgrade=websocket",
            "—",
            "mod_proxy_http passes the upgrade on, from 2.4.47 on",
            "mod_proxy_http transmet l'upgrade, depuis 2.4.47",
            "https://httpd.apache.org/docs/2.4/mod/mod_proxy.html#protoupgrade",
        ),
        figure(
            "TimeOut",
            "60 s",
            "the longest wait for input or output",
            "la plus longue attente en lecture ou en écriture",
            "https://httpd.apache.org/docs/2.4/mod/core.html#timeout",
        ),
        figure(
            "ProxyTimeout",
            "TimeOut",
            "the same towards the server",
            "de même, vers le serveur",
            "https://httpd.apache.org/docs/2.4/mod/mod_proxy.html#proxytimeout",
        ),
        figure(
            "ProxyWebsocketFallbackToProxyHttp",
            "On",
            "mod_proxy_http does the work for ws:// as well, from 2.4.48 on",
            "mod_proxy_http fait le travail pour ws:// aussi, depuis 2.4.48",
            "https://httpd.apache.org/docs/2.4/mod/mod_proxy_wstunnel.html#proxywebsocketfallbacktoproxyhttp",
        ),
        figure(
            "ProxyPreserveHost",
            "off",
            "whether the server sees the Host that the client sent",
            "si le serveur voit le Host envoyé par le client",
            "https://httpd.apache.org/docs/2.4/mod/mod_proxy.html#proxypreservehost",
        ),
        figure(
            "LimitRequestFieldSize",
            "8190",
            "the size of one header line; more is a 400",
            "la taille d'une ligne d'en-tête ; au-delà, c'est un 400",
            "https://httpd.apache.org/docs/2.4/mod/core.html#limitrequestfieldsize",
        ),
    ],
    shows: &[
        Run("apache", "no-upgrade"),
        Run("apache", "rewrite"),
        Run("apache", "documented"),
        Run("apache", "proxy-timeout"),
        Page("https://httpd.apache.org/docs/2.4/mod/mod_proxy.html#proxypreservehost"),
        Page("https://github.com/apache/httpd/blob/2.4.x/modules/proxy/mod_proxy.c"),
    ],
    fixes: &[
        (
            Cause::UpgradeHeadersDropped,
            "ProxyPass \"/\" \"http://backend/\" upgrade=websocket (2.4.47 and later), or mod_proxy_wstunnel with ws://",
        ),
        (Cause::IdleTimeoutIntermediary, "ProxyTimeout 3600"),
        (Cause::HeadersChangedOnPath, "ProxyPreserveHost On"),
    ],
};

pub(super) const SQUID: Facts = Facts {
    documentation: "https://www.squid-cache.org/Doc/config/http_upgrade_request_protocols/",
    figures: &[
        figure(
            "http_upgrade_request_protocols",
            "—",
            "the upgrades that pass, from Squid 5 on; none where nothing is set. Names are case-sensitive",
            "les upgrades qui passent, depuis Squid 5 ; aucun sans réglage. La casse des noms compte",
            "https://www.squid-cache.org/Doc/config/http_upgrade_request_protocols/",
        ),
        figure(
            "read_timeout",
            "15 min",
            "the longest silence of the server",
            "le plus long silence du serveur",
            "https://www.squid-cache.org/Doc/config/read_timeout/",
        ),
        figure(
            "request_timeout",
            "5 min",
            "the time for the head of a request",
            "la durée de l'en-tête d'une requête",
            "https://www.squid-cache.org/Doc/config/request_timeout/",
        ),
        figure(
            "client_lifetime",
            "1 day",
            "the maximum life of a client's connection; tunnels of CONNECT outlive it (tried with 5.7)",
            "la durée de vie maximale d'une connexion de client ; les tunnels de CONNECT y survivent (essayé avec 5.7)",
            "https://www.squid-cache.org/Doc/config/client_lifetime/",
        ),
        figure(
            "request_header_max_size",
            "64 KB",
            "all headers of the request",
            "tous les en-têtes de la requête",
            "https://www.squid-cache.org/Doc/config/request_header_max_size/",
        ),
    ],
    shows: &[
        Run("squid-reverse", "no-upgrade"),
        Run("squid-reverse", "case"),
        Run("squid", "port"),
        Run("squid", "idle"),
    ],
    fixes: &[
        (
            Cause::UpgradeHeadersDropped,
            "http_upgrade_request_protocols websocket allow all (Squid 5 and later; the case counts)",
        ),
        (Cause::IdleTimeoutIntermediary, "read_timeout 1 day (the default is 15 min)"),
    ],
};

pub(super) const TINYPROXY: Facts = Facts {
    documentation: "https://github.com/tinyproxy/tinyproxy/blob/master/etc/tinyproxy.conf.in",
    figures: &[
        figure(
            "Timeout",
            "600 s",
            "the longest silence of a connection",
            "le plus long silence d'une connexion",
            "https://github.com/tinyproxy/tinyproxy/blob/master/etc/tinyproxy.conf.in",
        ),
        figure(
            "MaxClients",
            "100",
            "connections at the same time",
            "connexions simultanées",
            "https://github.com/tinyproxy/tinyproxy/blob/master/etc/tinyproxy.conf.in",
        ),
        figure(
            "ConnectPort",
            "—",
            "the ports that CONNECT may reach; all where no line exists",
            "les ports que CONNECT peut atteindre ; tous sans aucune ligne",
            "https://github.com/tinyproxy/tinyproxy/blob/master/etc/tinyproxy.conf.in",
        ),
    ],
    shows: &[
        Run("tinyproxy", "port"),
        Run("tinyproxy", "timeout"),
        Run("tinyproxy", "max-clients"),
        Page("https://github.com/tinyproxy/tinyproxy/blob/master/src/main.c"),
    ],
    fixes: &[(Cause::IdleTimeoutIntermediary, "Timeout 3600")],
};

pub(super) const STUNNEL: Facts = Facts {
    documentation: "https://www.stunnel.org/static/stunnel.html",
    figures: &[
        figure(
            "TIMEOUTidle",
            "43200 s",
            "the longest silence of a connection",
            "le plus long silence d'une connexion",
            "https://github.com/mtrojnar/stunnel/blob/master/src/options.c",
        ),
        figure(
            "TIMEOUTclose",
            "60 s",
            "the wait for the end of TLS (close_notify); with 0, no Close frame is lost either (tried with 5.68)",
            "l'attente de la fin de TLS (close_notify) ; avec 0, aucune trame Close ne se perd non plus (essayé avec 5.68)",
            "https://github.com/mtrojnar/stunnel/blob/master/src/options.c",
        ),
    ],
    shows: &[Page("https://www.stunnel.org/static/stunnel.html"), Run("stunnel", "idle")],
    fixes: &[(Cause::IdleTimeoutIntermediary, "TIMEOUTidle = 43200")],
};

pub(super) const VARNISH: Facts = Facts {
    documentation: "https://varnish-cache.org/docs/trunk/users-guide/vcl-example-websockets.html",
    figures: &[
        figure(
            "pipe",
            "—",
            "WebSockets need return (pipe), and Upgrade and Connection in vcl_pipe",
            "les WebSockets exigent return (pipe), et Upgrade et Connection dans vcl_pipe",
            "https://varnish-cache.org/docs/trunk/users-guide/vcl-example-websockets.html",
        ),
        figure(
            "pipe_timeout",
            "60 s",
            "the longest silence of a pipe in both directions",
            "le plus long silence d'un pipe dans les deux sens",
            "https://varnish-cache.org/docs/trunk/reference/varnishd.html#pipe-timeout",
        ),
    ],
    shows: &[Run("varnish", "no-pipe"), Run("varnish", "no-headers"), Run("varnish", "pipe-timeout")],
    fixes: &[
        (
            Cause::UpgradeHeadersDropped,
            "return (pipe) in vcl_recv; set bereq.http.upgrade and bereq.http.connection in vcl_pipe",
        ),
        (Cause::IdleTimeoutIntermediary, "varnishd -p pipe_timeout=3600"),
    ],
};

pub(super) const LIGHTTPD: Facts = Facts {
    documentation: "https://redmine.lighttpd.net/projects/lighttpd/wiki/Docs_ModProxy",
    figures: &[
        figure(
            "server.max-read-idle",
            "60 s",
            "the longest silence in reading",
            "le plus long silence en lecture",
            "https://github.com/lighttpd/lighttpd1.4/blob/master/doc/config/lighttpd.annotated.conf",
        ),
        figure(
            "server.max-write-idle",
            "360 s",
            "the longest wait in writing",
            "la plus longue attente en écriture",
            "https://github.com/lighttpd/lighttpd1.4/blob/master/doc/config/lighttpd.annotated.conf",
        ),
        figure(
            "server.max-request-field-size",
            "8192",
            "the head of the request",
            "l'en-tête de la requête",
            "https://github.com/lighttpd/lighttpd1.4/blob/master/src/configfile.c",
        ),
    ],
    shows: &[
        Run("lighttpd", "no-upgrade"),
        Run("lighttpd", "documented"),
        Page("https://github.com/lighttpd/lighttpd1.4/blob/master/src/h1.c"),
    ],
    fixes: &[
        (Cause::UpgradeHeadersDropped, "proxy.header = ( \"upgrade\" => \"enable\" )"),
        (Cause::IdleTimeoutIntermediary, "server.max-read-idle = 3600 and server.max-write-idle = 3600"),
    ],
};

pub(super) const NGHTTPX: Facts = Facts {
    documentation: "https://nghttp2.org/documentation/nghttpx.1.html",
    figures: &[
        figure(
            "--frontend-read-timeout",
            "1 min",
            "the longest silence of an HTTP/1.1 client; from 1.61 on there is none, and the option changes nothing",
            "le plus long silence d'un client HTTP/1.1 ; depuis 1.61 il n'y en a plus, et l'option ne change rien",
            "https://github.com/nghttp2/nghttp2/blob/master/src/shrpx_config.cc",
        ),
        figure(
            "--frontend-write-timeout",
            "30 s",
            "the longest wait in writing to clients",
            "la plus longue attente en écriture vers les clients",
            "https://nghttp2.org/documentation/nghttpx.1.html",
        ),
        figure(
            "--frontend-http2-idle-timeout",
            "3 min",
            "the longest time of an HTTP/2 connection without streams; before 1.61, --frontend-http2-read-timeout",
            "la plus longue durée d'une connexion HTTP/2 sans flux ; avant 1.61, --frontend-http2-read-timeout",
            "https://nghttp2.org/documentation/nghttpx.1.html",
        ),
        figure(
            "--backend-read-timeout",
            "1 min",
            "the longest silence of the server",
            "le plus long silence du serveur",
            "https://nghttp2.org/documentation/nghttpx.1.html",
        ),
        figure(
            "--request-header-field-buffer",
            "64K",
            "all headers of the request; more is a 431",
            "tous les en-têtes de la requête ; au-delà, c'est un 431",
            "https://nghttp2.org/documentation/nghttpx.1.html",
        ),
    ],
    shows: &[
        Run("nghttpx", "h2"),
        Run("nghttpx", "idle"),
        Page("https://github.com/nghttp2/nghttp2/blob/master/src/shrpx_https_upstream.cc"),
    ],
    fixes: &[(Cause::IdleTimeoutIntermediary, "--frontend-read-timeout=1h --backend-read-timeout=1h")],
};

pub(super) const SOCAT: Facts = Facts {
    documentation: "https://www.dest-unreach.org/socat/doc/socat.html",
    figures: &[
        figure(
            "-T",
            "—",
            "the longest silence in both directions",
            "le plus long silence dans les deux sens",
            "https://www.dest-unreach.org/socat/doc/socat.html",
        ),
        figure(
            "-t",
            "0.5 s",
            "how long the other direction lives on after the end of one",
            "combien de temps l'autre sens survit à la fin de l'un",
            "https://www.dest-unreach.org/socat/doc/socat.html",
        ),
    ],
    shows: &[
        Run("socat", "crlf"),
        Run("socat", "timeout"),
        Page("https://www.dest-unreach.org/socat/doc/socat.html#OPTION_FORK"),
    ],
    fixes: &[(Cause::IdleTimeoutIntermediary, "leave out -T")],
};
