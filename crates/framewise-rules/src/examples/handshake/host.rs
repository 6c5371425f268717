use crate::examples::{Bad, Examples, Good};

pub(crate) const RequestTarget: Examples = Examples {
    bad: &[
        // `*` stands for the whole server, and is only for OPTIONS.
        Bad::new(
            head!(">" "GET * HTTP/1.1" "Host: example.com" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13"),
            0,
        ),
        // Host and port are only for CONNECT.
        Bad::new(
            head!(">" "GET example.com:80 HTTP/1.1" "Host: example.com" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13"),
            0,
        ),
        // A path begins with a slash.
        Bad::new(
            head!(">" "GET ws HTTP/1.1" "Host: example.com" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13"),
            0,
        ),
        // On the wire the scheme of a WebSocket is http or https.
        Bad::new(
            head!(">" "GET ws://example.com/ws HTTP/1.1" "Host: example.com" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13"),
            0,
        ),
        // A client does not send the fragment of a URL.
        Bad::new(
            head!(">" "GET /ws#part HTTP/1.1" "Host: example.com" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13"),
            0,
        ),
        // A client does not send the user name of a URL in the target.
        Bad::new(
            head!(">" "GET http://user@example.com/ws HTTP/1.1" "Host: example.com" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13"),
            0,
        ),
    ],
    good: &[
        Good::new(request!()),
        Good::new(
            head!(">" "GET //a*b:80/?http://c@d HTTP/1.1" "Host: example.com" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13"),
        ),
        Good::new(
            head!(">" "GET HTTPS://example.com:443/ws HTTP/1.1" "Host: example.com" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13"),
        ),
    ],
};

pub(crate) const RequestHost: Examples = Examples {
    bad: &[
        Bad::new(
            head!(">" "GET /ws HTTP/1.1" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13"),
            0,
        ),
        Bad::new(request!("Host: example.org"), 150),
        // The same Host twice.
        Bad::new(request!("host: example.com"), 150),
        // X-Forwarded-Host does not replace Host.
        Bad::new(
            head!(">" "GET /ws HTTP/1.1" "X-Forwarded-Host: example.com" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13"),
            0,
        ),
    ],
    good: &[
        Good::new(request!("X-Forwarded-Host: example.org")),
        Good::new(head!(">" "GET /ws HTTP/1.1" "HOST:[::1]:9001" "Upgrade: websocket" "Connection: Upgrade"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13")),
    ],
};

pub(crate) const RequestHostInvalid: Examples = Examples {
    bad: &[
        // A WebSocket URL always has a host (RFC 6455 §3).
        Bad::new(
            head!(">" "GET /ws HTTP/1.1" "Host:" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13"),
            18,
        ),
        Bad::new(
            head!(">" "GET /ws HTTP/1.1" "Host: a b" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13"),
            18,
        ),
        // Two Host lines that a proxy joined.
        Bad::new(
            head!(">" "GET /ws HTTP/1.1" "Host: example.com, example.org" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13"),
            18,
        ),
        // A URL is not a host.
        Bad::new(
            head!(">" "GET /ws HTTP/1.1" "Host: http://example.com/" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13"),
            18,
        ),
        Bad::new(
            head!(">" "GET /ws HTTP/1.1" "Host: user@example.com" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13"),
            18,
        ),
        Bad::new(
            head!(">" "GET /ws HTTP/1.1" "Host: example.com:ws" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13"),
            18,
        ),
        Bad::new(
            head!(">" "GET /ws HTTP/1.1" "Host: example.com:65536" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13"),
            18,
        ),
        // An IPv6 address without brackets.
        Bad::new(
            head!(">" "GET /ws HTTP/1.1" "Host: ::1" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13"),
            18,
        ),
    ],
    good: &[
        Good::new(
            head!(">" "GET /ws HTTP/1.1" "Host: EXAMPLE.com:8080" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13"),
        ),
        Good::new(
            head!(">" "GET /ws HTTP/1.1" "Host: [2001:db8::1]:9001" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13"),
        ),
        // Names of containers may contain underscores.
        Good::new(
            head!(">" "GET /ws HTTP/1.1" "Host: chat_server:80" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13"),
        ),
        // RFC 3986 §3.2.3: a port may be empty.
        Good::new(
            head!(">" "GET /ws HTTP/1.1" "Host: example.com:" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13"),
        ),
    ],
};

pub(crate) const RequestHostMismatch: Examples = Examples {
    bad: &[
        Bad::new(
            head!(">" "GET http://example.org/ws HTTP/1.1" "Host: example.com" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13"),
            36,
        ),
        // A different port is a different server.
        Bad::new(
            head!(">" "GET http://example.com:8080/ws HTTP/1.1" "Host: example.com" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13"),
            41,
        ),
        Bad::new(
            head!(">" "GET https://example.com/ws HTTP/1.1" "Host: example.com:80" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13"),
            37,
        ),
    ],
    good: &[
        // Case does not matter in a name, and a scheme has a default port.
        Good::new(
            head!(">" "GET http://EXAMPLE.com:80/ws HTTP/1.1" "Host: example.com" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13"),
        ),
        Good::new(
            head!(">" "GET https://example.com/ws HTTP/1.1" "Host: example.com:443" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13"),
        ),
        // This is a path, although it looks like a URL.
        Good::new(
            head!(">" "GET /http://example.org/ws HTTP/1.1" "Host: example.com" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13"),
        ),
    ],
};
