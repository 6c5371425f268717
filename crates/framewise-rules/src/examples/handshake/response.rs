use core::time::Duration;

use crate::examples::{Bad, Examples, Good};
use crate::{Limits, Setup};

pub(crate) const ResponseNotHttp: Examples = Examples {
    bad: &[
        // A TLS alert; HTTP/2 SETTINGS.
        Bad::new(concat!(request!(), "< 15 03 03 00 02 02 46"), 0),
        Bad::new(concat!(request!(), "< 00 00 06 04 00 00 00 00 00 00 03 00 00 00 64"), 0),
        Bad::new(concat!(request!(), r#"< "SSH-2.0-OpenSSH_9.6\r\n""#), 0),
        Bad::new(concat!(request!(), r#"< "<html><body>Bad gateway</body></html>\r\n\r\n""#), 0),
        // A status line without a status.
        Bad::new(concat!(request!(), head!("<" "HTTP/1.1 Switching Protocols" "Upgrade: websocket")), 0),
    ],
    good: &[
        Good::new(concat!(request!(), response!())),
        // The reason phrase may be different, or empty.
        Good::new(concat!(
            request!(),
            head!("<" "HTTP/1.1 101 Web Socket Protocol Handshake" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        )),
        Good::new(concat!(
            request!(),
            head!("<" "HTTP/1.1 101 " "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        )),
    ],
};

pub(crate) const ResponseMissing: Examples = Examples {
    bad: &[
        Bad::new(concat!(request!(), "< eof"), 0),
        Bad::new(concat!(request!(), "< \"HTTP/1.1 10\"\n< eof"), 11),
        Bad::new(
            concat!(
                request!(),
                r#"< "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n""#,
                "\n< eof"
            ),
            54,
        ),
        // An interim response, and nothing after it.
        Bad::new(concat!(request!(), head!("<" "HTTP/1.1 100 Continue"), "< eof"), 25),
    ],
    good: &[
        Good::new(request!()),
        Good::new(concat!(request!(), head!("<" "HTTP/1.1 100 Continue"))),
        Good::new(concat!(request!(), r#"< "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n""#)),
    ],
};

pub(crate) const ResponseStatus: Examples = Examples {
    bad: &[
        Bad::new(
            concat!(
                request!(),
                head!("<" "HTTP/1.1 200 OK" "Content-Type: text/html" "Content-Length: 13"; "<html></html>"),
            ),
            0,
        ),
        Bad::new(
            concat!(
                request!(),
                head!("<" "HTTP/1.1 301 Moved Permanently" "Location: /ws/" "Content-Length: 0")
            ),
            0,
        ),
        Bad::new(
            concat!(
                request!(),
                head!("<" "HTTP/1.1 401 Unauthorized" "WWW-Authenticate: Basic" "Content-Length: 0")
            ),
            0,
        ),
        Bad::new(concat!(request!(), head!("<" "HTTP/1.1 403 Forbidden" "Content-Length: 0")), 0),
        Bad::new(concat!(request!(), head!("<" "HTTP/1.1 404 Not Found" "Content-Length: 0")), 0),
        Bad::new(
            concat!(
                request!(),
                head!("<" "HTTP/1.1 426 Upgrade Required" "Sec-WebSocket-Version: 13" "Content-Length: 0"),
            ),
            0,
        ),
        Bad::new(concat!(request!(), head!("<" "HTTP/1.1 502 Bad Gateway" "Content-Length: 0")), 0),
        // Everything except the status is valid.
        Bad::new(
            concat!(
                request!(),
                head!("<" "HTTP/1.1 200 OK" "Upgrade: websocket" "Connection: Upgrade"
                    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
            ),
            0,
        ),
        // A rejection after an interim response.
        Bad::new(
            concat!(
                request!(),
                head!("<" "HTTP/1.1 100 Continue"),
                head!("<" "HTTP/1.1 403 Forbidden" "Content-Length: 0"),
            ),
            25,
        ),
    ],
    good: &[
        Good::new(concat!(request!(), response!("Server: example" "Date: Sun, 22 Nov 2026 16:00:00 GMT"))),
        // Interim responses precede the final one (RFC 9110 §15.2).
        Good::new(concat!(
            request!(),
            head!("<" "HTTP/1.1 100 Continue"),
            head!("<" "HTTP/1.1 103 Early Hints" "Link: </style.css>; rel=preload"),
            response!(),
            "< 81 02 68 69",
        )),
    ],
};

pub(crate) const ResponseUpgrade: Examples = Examples {
    bad: &[
        Bad::new(
            concat!(
                request!(),
                head!("<" "HTTP/1.1 101 Switching Protocols" "Connection: Upgrade"
                    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
            ),
            0,
        ),
        Bad::new(
            concat!(
                request!(),
                head!("<" "HTTP/1.1 101 Switching Protocols" "Upgrade: h2c" "Connection: Upgrade"
                    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
            ),
            34,
        ),
        // A server switches to one protocol, not to one of two.
        Bad::new(
            concat!(
                request!(),
                head!("<" "HTTP/1.1 101 Switching Protocols" "Upgrade: websocket, h2c" "Connection: Upgrade"
                    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
            ),
            34,
        ),
    ],
    good: &[Good::new(concat!(
        request!(),
        head!("<" "HTTP/1.1 101 Switching Protocols" "upgrade: WebSocket" "Connection: Upgrade"
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    ))],
};

pub(crate) const ResponseConnection: Examples = Examples {
    bad: &[
        Bad::new(
            concat!(
                request!(),
                head!("<" "HTTP/1.1 101 Switching Protocols" "Upgrade: websocket"
                    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
            ),
            0,
        ),
        Bad::new(
            concat!(
                request!(),
                head!("<" "HTTP/1.1 101 Switching Protocols" "Upgrade: websocket" "Connection: keep-alive"
                    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
            ),
            54,
        ),
        Bad::new(
            concat!(
                request!(),
                head!("<" "HTTP/1.1 101 Switching Protocols" "Upgrade: websocket" "Connection: close"
                    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
            ),
            54,
        ),
    ],
    good: &[
        // A list, which some clients compare as a single word.
        Good::new(concat!(
            request!(),
            head!("<" "HTTP/1.1 101 Switching Protocols" "Upgrade: websocket" "Connection: keep-alive, Upgrade"
                "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        )),
        Good::new(concat!(
            request!(),
            head!("<" "HTTP/1.1 101 Switching Protocols" "Upgrade: websocket" "connection: upgrade"
                "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        )),
    ],
};

pub(crate) const ResponseAcceptMissing: Examples = Examples {
    bad: &[
        Bad::new(
            concat!(
                request!(),
                head!("<" "HTTP/1.1 101 Switching Protocols" "Upgrade: websocket" "Connection: Upgrade"),
            ),
            0,
        ),
        // The response of a hixie-76 server.
        Bad::new(
            concat!(
                request!(),
                head!("<" "HTTP/1.1 101 WebSocket Protocol Handshake" "Upgrade: WebSocket" "Connection: Upgrade"
                    "Sec-WebSocket-Location: ws://example.com/ws"),
            ),
            0,
        ),
    ],
    good: &[Good::new(concat!(
        request!(),
        head!("<" "HTTP/1.1 101 Switching Protocols" "Upgrade: websocket" "Connection: Upgrade"
            "sec-websocket-accept:s3pPLMBiTxaQ9kYGzzhZRbK+xOo=  "),
    ))],
};

pub(crate) const ResponseAcceptWrong: Examples = Examples {
    bad: &[
        // The value for a different key.
        Bad::new(
            concat!(
                request!(),
                head!("<" "HTTP/1.1 101 Switching Protocols" "Upgrade: websocket" "Connection: Upgrade"
                    "Sec-WebSocket-Accept: HSmrc0sMlYUkAGmm5OPpG2HaGWk="),
            ),
            75,
        ),
        // The sample value of the RFC, which ignores the key.
        Bad::new(
            concat!(
                head!(">" "GET /ws HTTP/1.1" "Host: example.com" "Upgrade: websocket" "Connection: Upgrade"
                    "Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==" "Sec-WebSocket-Version: 13"),
                response!(),
            ),
            75,
        ),
        // The key itself; the digest in hexadecimal; without padding; in lower case.
        Bad::new(
            concat!(
                request!(),
                head!("<" "HTTP/1.1 101 Switching Protocols" "Upgrade: websocket" "Connection: Upgrade"
                    "Sec-WebSocket-Accept: dGhlIHNhbXBsZSBub25jZQ=="),
            ),
            75,
        ),
        Bad::new(
            concat!(
                request!(),
                head!("<" "HTTP/1.1 101 Switching Protocols" "Upgrade: websocket" "Connection: Upgrade"
                    "Sec-WebSocket-Accept: b37a4f2cc0624f1690f64606cf385945b2bec4ea"),
            ),
            75,
        ),
        Bad::new(
            concat!(
                request!(),
                head!("<" "HTTP/1.1 101 Switching Protocols" "Upgrade: websocket" "Connection: Upgrade"
                    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo"),
            ),
            75,
        ),
        Bad::new(
            concat!(
                request!(),
                head!("<" "HTTP/1.1 101 Switching Protocols" "Upgrade: websocket" "Connection: Upgrade"
                    "Sec-WebSocket-Accept: s3pplmbitxaq9kygzzhzrbk+xoo="),
            ),
            75,
        ),
        Bad::new(
            concat!(
                request!(),
                head!("<" "HTTP/1.1 101 Switching Protocols" "Upgrade: websocket" "Connection: Upgrade"
                    "Sec-WebSocket-Accept:"),
            ),
            75,
        ),
        // A second header (RFC 6455 §11.3.3: it "MUST NOT appear more than once").
        Bad::new(concat!(request!(), response!("Sec-WebSocket-Accept: HSmrc0sMlYUkAGmm5OPpG2HaGWk=")), 127),
    ],
    good: &[
        Good::new(concat!(
            head!(">" "GET /ws HTTP/1.1" "Host: example.com" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==" "Sec-WebSocket-Version: 13"),
            head!("<" "HTTP/1.1 101 Switching Protocols" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Accept: HSmrc0sMlYUkAGmm5OPpG2HaGWk="),
        )),
        // The space around a value is not part of it.
        Good::new(concat!(
            request!(),
            head!("<" "HTTP/1.1 101 Switching Protocols" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Accept:  s3pPLMBiTxaQ9kYGzzhZRbK+xOo= "),
        )),
    ],
};

pub(crate) const ResponseSubprotocolUnoffered: Examples = Examples {
    bad: &[
        Bad::new(concat!(request!(), response!("Sec-WebSocket-Protocol: chat")), 127),
        Bad::new(
            concat!(request!("Sec-WebSocket-Protocol: chat"), response!("Sec-WebSocket-Protocol: superchat")),
            127,
        ),
        Bad::new(
            concat!(request!("Sec-WebSocket-Protocol: chat"), response!("Sec-WebSocket-Protocol: Chat")),
            127,
        ),
        // The server must choose one: not echo the offer, send two lines, or send an empty header.
        Bad::new(
            concat!(
                request!("Sec-WebSocket-Protocol: chat, superchat"),
                response!("Sec-WebSocket-Protocol: chat, superchat"),
            ),
            127,
        ),
        Bad::new(
            concat!(
                request!("Sec-WebSocket-Protocol: chat, superchat"),
                response!("Sec-WebSocket-Protocol: chat" "Sec-WebSocket-Protocol: superchat"),
            ),
            157,
        ),
        Bad::new(
            concat!(request!("Sec-WebSocket-Protocol: chat"), response!("Sec-WebSocket-Protocol:")),
            127,
        ),
        Bad::new(concat!(request!(), response!("Sec-WebSocket-Protocol:")), 127),
    ],
    good: &[
        Good::new(concat!(
            request!("Sec-WebSocket-Protocol: chat, superchat"),
            response!("Sec-WebSocket-Protocol: superchat"),
        )),
        Good::new(concat!(
            request!("Sec-WebSocket-Protocol: chat" "Sec-WebSocket-Protocol: superchat"),
            response!("sec-websocket-protocol: superchat"),
        )),
    ],
};

pub(crate) const ResponseSubprotocolMissing: Examples = Examples {
    bad: &[
        Bad::new(concat!(request!("Sec-WebSocket-Protocol: chat"), response!()), 0),
        Bad::new(
            concat!(request!("Sec-WebSocket-Protocol: chat, superchat"), response!("Server: example")),
            0,
        ),
    ],
    good: &[
        Good::new(concat!(
            request!("Sec-WebSocket-Protocol: chat"),
            response!("Sec-WebSocket-Protocol: chat")
        )),
        Good::new(concat!(request!(), response!())),
    ],
};

pub(crate) const ResponseExtensionUnoffered: Examples = Examples {
    bad: &[
        Bad::new(concat!(request!(), response!("Sec-WebSocket-Extensions: permessage-deflate")), 127),
        Bad::new(
            concat!(
                request!("Sec-WebSocket-Extensions: permessage-deflate"),
                response!("Sec-WebSocket-Extensions: x-other"),
            ),
            127,
        ),
        Bad::new(
            concat!(
                request!("Sec-WebSocket-Extensions: permessage-deflate"),
                response!("Sec-WebSocket-Extensions: permessage-deflate, x-other; a=b"),
            ),
            127,
        ),
        // Two offers of one extension are alternatives: the response accepts one.
        Bad::new(
            concat!(
                request!(
                    "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10, permessage-deflate"
                ),
                response!("Sec-WebSocket-Extensions: permessage-deflate, permessage-deflate"),
            ),
            127,
        ),
        Bad::new(
            concat!(
                request!("Sec-WebSocket-Extensions: permessage-deflate"),
                response!("Sec-WebSocket-Extensions: permessage-deflate" "Sec-WebSocket-Extensions: permessage-deflate"),
            ),
            173,
        ),
    ],
    good: &[
        Good::new(concat!(
            request!("Sec-WebSocket-Extensions: permessage-deflate"),
            response!("Sec-WebSocket-Extensions: permessage-deflate"),
        )),
        // The server need not accept an offer.
        Good::new(concat!(request!("Sec-WebSocket-Extensions: permessage-deflate, x-other"), response!())),
    ],
};

pub(crate) const ResponseExtensionSyntax: Examples = Examples {
    bad: &[
        Bad::new(
            concat!(
                request!("Sec-WebSocket-Extensions: permessage-deflate"),
                response!("Sec-WebSocket-Extensions:"),
            ),
            127,
        ),
        Bad::new(
            concat!(
                request!("Sec-WebSocket-Extensions: permessage-deflate"),
                response!("Sec-WebSocket-Extensions: permessage-deflate;"),
            ),
            127,
        ),
        Bad::new(
            concat!(
                request!("Sec-WebSocket-Extensions: permessage-deflate"),
                response!("Sec-WebSocket-Extensions: permessage-deflate server_no_context_takeover"),
            ),
            127,
        ),
        Bad::new(
            concat!(
                request!("Sec-WebSocket-Extensions: permessage-deflate"),
                response!(r#"Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=\"10"#),
            ),
            127,
        ),
    ],
    good: &[Good::new(concat!(
        request!("Sec-WebSocket-Extensions: permessage-deflate"),
        response!("Sec-WebSocket-Extensions: permessage-deflate ;server_max_window_bits=10"),
    ))],
};

pub(crate) const ResponseBodyFraming: Examples = Examples {
    bad: &[
        Bad::new(concat!(request!(), response!("Content-Length: 0")), 127),
        Bad::new(concat!(request!(), response!("Content-Length: 129")), 127),
        Bad::new(concat!(request!(), response!("Transfer-Encoding: chunked")), 127),
    ],
    good: &[Good::new(concat!(request!(), response!("Server: example" "Cache-Control: no-cache")))],
};

pub(crate) const ResponseContentEncoding: Examples = Examples {
    bad: &[
        Bad::new(concat!(request!("Accept-Encoding: gzip, br"), response!("Content-Encoding: gzip")), 127),
        Bad::new(concat!(request!(), response!("content-encoding: br")), 127),
    ],
    good: &[Good::new(concat!(request!("Accept-Encoding: gzip, br"), response!("Vary: Accept-Encoding")))],
};

/// Frames followed by a response, in one segment.
macro_rules! early {
    ($frames:literal) => {
        concat!(
            "< \"",
            $frames,
            r"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n",
            r"Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
            "\"\n"
        )
    };
}

pub(crate) const ResponseEarlyData: Examples = Examples {
    bad: &[
        Bad::new(concat!(request!(), early!(r"\x81\x02hi")), 0),
        Bad::new(concat!(request!(), early!(r"\x89\x00\x82\x01\x00")), 0),
    ],
    good: &[Good::new(concat!(request!(), response!(; r"\x81\x02hi")))],
};

pub(crate) const ResponseExtraBytes: Examples = Examples {
    bad: &[
        // The empty line is sent twice.
        Bad::new(concat!(request!(), response!(), "< 0d 0a 81 05 48 65 6c 6c 6f"), 129),
        Bad::new(concat!(request!(), response!(; r"\r\n\x81\x05Hello\x81\x02hi")), 129),
        Bad::new(concat!(request!(), response!(), "< 0a 81 02 68 69"), 129),
    ],
    good: &[
        Good::new(concat!(request!(), response!(), "< 81 05 48 65 6c 6c 6f")),
        Good::new(concat!(request!(), response!(; r"\x81\x02\r\n"))),
    ],
};

/// A limit one byte below the size of the response.
const SHORT_HEAD: Setup = Setup::limited(Limits { head: 170, ..Limits::DEFAULT });
/// A limit of exactly the size of the response, which is larger than the request that it also limits.
const WHOLE_HEAD: Setup = Setup::limited(Limits { head: 171, ..Limits::DEFAULT });

pub(crate) const ResponseTooLarge: Examples = Examples {
    bad: &[
        Bad::with(
            concat!(request!(), response!("Server: example, with all of its modules")),
            170,
            SHORT_HEAD,
        ),
        // More than 64 elements in a list.
        Bad::new(
            concat!(
                request!(),
                head!("<" "HTTP/1.1 101 Switching Protocols" "Upgrade: websocket"
                    "Connection: x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,upgrade"
                    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
            ),
            54,
        ),
        Bad::new(
            concat!(
                request!(),
                response!(
                    "Sec-WebSocket-Extensions: x;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a"
                ),
            ),
            127,
        ),
        // The limit is reported before the head ends.
        Bad::with(
            concat!(
                request!(),
                r#"< "HTTP/1.1 101 Switching Protocols\r\nSet-Cookie: ""#,
                "\n",
                r#"< "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa""#,
                "\n",
                r#"< "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa""#,
            ),
            171,
            WHOLE_HEAD,
        ),
    ],
    good: &[
        Good::with(concat!(request!(), response!("Server: example, with all of its modules")), WHOLE_HEAD),
        Good::new(concat!(request!(), response!("Set-Cookie: session=0123456789abcdef"))),
        Good::new(concat!(
            request!(),
            head!("<" "HTTP/1.1 101 Switching Protocols" "Upgrade: websocket"
                "Connection: x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,upgrade"
                "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        )),
        // This list does not belong to the handshake.
        Good::new(concat!(
            request!(),
            response!(
                "Cache-Control: x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x"
            ),
        )),
    ],
};

// Not exactly the default: an observer applies only limits that were set.
const IN_10_S: Setup = Setup::limited(Limits { handshake: Duration::from_millis(9_900), ..Limits::DEFAULT });

pub(crate) const ResponseTimeout: Examples = Examples {
    // The limit is 10 s. The offset is the length of what had arrived by then.
    bad: &[
        Bad::with(concat!("[0.0] ", request!(), "[10.5] ", response!()), 0, IN_10_S),
        Bad::with(
            concat!(
                "[0.0] ",
                request!(),
                r#"[1.0] < "HTTP/1.1 101 Switching Protocols\r\n""#,
                "\n",
                r#"[11.0] < "Upgrade: websocket\r\n""#,
            ),
            34,
            IN_10_S,
        ),
    ],
    good: &[
        Good::with(concat!("[0.0] ", request!(), "[9.5] ", response!()), IN_10_S),
        Good::with(concat!("[0.0] ", request!(), "[0.1] ", response!(), "[60.0] < 81 02 68 69"), IN_10_S),
    ],
};
