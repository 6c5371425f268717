use core::time::Duration;

use crate::examples::{Bad, Examples, Good};
use crate::{Limits, Setup};

pub(crate) const RequestNotHttp: Examples = Examples {
    bad: &[
        // A TLS handshake, and the header of the PROXY protocol.
        Bad::new("> 16 03 01 02 00 01 00 01 fc 03 03", 0),
        Bad::new(r#"> "PROXY TCP4 192.0.2.1 192.0.2.2 56324 80\r\n""#, 0),
        // A frame without a handshake.
        Bad::new("> 81 85 37 fa 21 3d 7f 9f 4d 51 58  # Hello", 0),
        Bad::new(r#"> "{\"type\":\"hello\"}\r\n\r\n""#, 0),
        // A request line has three parts.
        Bad::new(head!(">" "GET /ws" "Host: example.com"), 0),
    ],
    good: &[
        Good::new(request!()),
        Good::new(head!(">" "GET /ws?token=a%20b&room=1 HTTP/1.1" "Host: example.com" "Upgrade: websocket"
            "Connection: Upgrade" "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13")),
        // The absolute form, which clients send to proxies.
        Good::new(head!(">" "GET http://example.com/ws HTTP/1.1" "Host: example.com" "Upgrade: websocket"
            "Connection: Upgrade" "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13")),
    ],
};

pub(crate) const RequestMethod: Examples = Examples {
    bad: &[
        Bad::new(
            head!(">" "POST /ws HTTP/1.1" "Host: example.com" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13"),
            0,
        ),
        // Methods are case-sensitive.
        Bad::new(
            head!(">" "get /ws HTTP/1.1" "Host: example.com" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13"),
            0,
        ),
        Bad::new(
            head!(">" "HEAD /ws HTTP/1.1" "Host: example.com" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13"),
            0,
        ),
    ],
    good: &[Good::new(request!())],
};

pub(crate) const RequestHttpVersion: Examples = Examples {
    bad: &[
        Bad::new(
            head!(">" "GET /ws HTTP/1.0" "Host: example.com" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13"),
            0,
        ),
        // The version that nginx uses by default.
        Bad::new(
            head!(">" "GET /ws HTTP/1.0" "Host: backend" "Connection: upgrade, close" "Upgrade: websocket"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13"),
            0,
        ),
    ],
    good: &[Good::new(request!())],
};

pub(crate) const RequestUpgrade: Examples = Examples {
    bad: &[
        // A proxy removed the Upgrade header.
        Bad::new(
            head!(">" "GET /ws HTTP/1.1" "Host: example.com" "Connection: Upgrade"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13"),
            0,
        ),
        Bad::new(
            head!(">" "GET /ws HTTP/1.1" "Host: example.com" "Upgrade: h2c" "Connection: Upgrade"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13"),
            37,
        ),
        Bad::new(
            head!(">" "GET /ws HTTP/1.1" "Host: example.com" "Upgrade: websockets" "Connection: Upgrade"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13"),
            37,
        ),
        Bad::new(
            head!(">" "GET /ws HTTP/1.1" "Host: example.com" "Upgrade:" "Connection: Upgrade"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13"),
            37,
        ),
    ],
    good: &[
        Good::new(
            head!(">" "GET /ws HTTP/1.1" "Host: example.com" "upgrade: WebSocket" "Connection: Upgrade"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13"),
        ),
        // `websocket` among several tokens, in one line or two.
        Good::new(
            head!(">" "GET /ws HTTP/1.1" "Host: example.com" "Upgrade: h2c, websocket" "Connection: Upgrade"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13"),
        ),
        Good::new(request!("Upgrade: h2c")),
    ],
};

pub(crate) const RequestConnection: Examples = Examples {
    bad: &[
        Bad::new(
            head!(">" "GET /ws HTTP/1.1" "Host: example.com" "Upgrade: websocket"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13"),
            0,
        ),
        Bad::new(
            head!(">" "GET /ws HTTP/1.1" "Host: example.com" "Upgrade: websocket" "Connection: keep-alive"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13"),
            57,
        ),
        // A word that only contains the token.
        Bad::new(
            head!(">" "GET /ws HTTP/1.1" "Host: example.com" "Upgrade: websocket" "Connection: close, Upgrades"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13"),
            57,
        ),
    ],
    good: &[
        // The list that Firefox sends.
        Good::new(head!(">" "GET /ws HTTP/1.1" "Host: example.com" "Upgrade: websocket"
            "Connection: keep-alive, Upgrade" "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
            "Sec-WebSocket-Version: 13")),
        Good::new(
            head!(">" "GET /ws HTTP/1.1" "Host: example.com" "Upgrade: websocket" "connection: keep-alive"
            "connection: upgrade" "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13"),
        ),
    ],
};

pub(crate) const RequestKeyMissing: Examples = Examples {
    bad: &[
        Bad::new(
            head!(">" "GET /ws HTTP/1.1" "Host: example.com" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Version: 13"),
            0,
        ),
        // A header with a similar name.
        Bad::new(
            head!(">" "GET /ws HTTP/1.1" "Host: example.com" "Upgrade: websocket" "Connection: Upgrade"
                "WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13"),
            0,
        ),
    ],
    good: &[Good::new(
        head!(">" "GET /ws HTTP/1.1" "Host: example.com" "Upgrade: websocket" "Connection: Upgrade"
        "SEC-WEBSOCKET-KEY:dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13"),
    )],
};

pub(crate) const RequestKeyRepeated: Examples = Examples {
    bad: &[
        Bad::new(request!("Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw=="), 150),
        Bad::new(request!("sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ=="), 150),
        // Two lines that a proxy joined.
        Bad::new(
            head!(">" "GET /ws HTTP/1.1" "Host: example.com" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13"),
            78,
        ),
    ],
    good: &[Good::new(request!("Sec-WebSocket-Protocol: chat"))],
};

pub(crate) const RequestKeyInvalid: Examples = Examples {
    bad: &[
        // 15 bytes, 17 bytes, none.
        Bad::new(
            head!(">" "GET /ws HTTP/1.1" "Host: example.com" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j" "Sec-WebSocket-Version: 13"),
            78,
        ),
        Bad::new(
            head!(">" "GET /ws HTTP/1.1" "Host: example.com" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZSE=" "Sec-WebSocket-Version: 13"),
            78,
        ),
        Bad::new(
            head!(">" "GET /ws HTTP/1.1" "Host: example.com" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Key:" "Sec-WebSocket-Version: 13"),
            78,
        ),
        // Without padding; URL-safe base64; hexadecimal; not encoded at all.
        Bad::new(
            head!(">" "GET /ws HTTP/1.1" "Host: example.com" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ" "Sec-WebSocket-Version: 13"),
            78,
        ),
        Bad::new(
            head!(">" "GET /ws HTTP/1.1" "Host: example.com" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Key: 3q2-78r-yv66vt6tvu_K_g==" "Sec-WebSocket-Version: 13"),
            78,
        ),
        Bad::new(
            head!(">" "GET /ws HTTP/1.1" "Host: example.com" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Key: 7468652073616d706c65206e6f6e6365" "Sec-WebSocket-Version: 13"),
            78,
        ),
        Bad::new(
            head!(">" "GET /ws HTTP/1.1" "Host: example.com" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Key: the sample nonce" "Sec-WebSocket-Version: 13"),
            78,
        ),
    ],
    good: &[
        Good::new(
            head!(">" "GET /ws HTTP/1.1" "Host: example.com" "Upgrade: websocket" "Connection: Upgrade"
            "Sec-WebSocket-Key:   3q2+78r+yv66vt6tvu/K/g==  " "Sec-WebSocket-Version: 13"),
        ),
        // 16 zero bytes are a bad nonce, but 16 bytes.
        Good::new(
            head!(">" "GET /ws HTTP/1.1" "Host: example.com" "Upgrade: websocket" "Connection: Upgrade"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==" "Sec-WebSocket-Version: 13"),
        ),
    ],
};

pub(crate) const RequestVersion: Examples = Examples {
    bad: &[
        Bad::new(
            head!(">" "GET /ws HTTP/1.1" "Host: example.com" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
            0,
        ),
        Bad::new(
            head!(">" "GET /ws HTTP/1.1" "Host: example.com" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 14"),
            123,
        ),
        // A port instead of the version; a list, which only a server sends; a fraction; empty.
        Bad::new(
            head!(">" "GET /ws HTTP/1.1" "Host: example.com" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 3000"),
            123,
        ),
        Bad::new(
            head!(">" "GET /ws HTTP/1.1" "Host: example.com" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13, 14"),
            123,
        ),
        Bad::new(
            head!(">" "GET /ws HTTP/1.1" "Host: example.com" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13.0"),
            123,
        ),
        Bad::new(
            head!(">" "GET /ws HTTP/1.1" "Host: example.com" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version:"),
            123,
        ),
        // It "MUST NOT appear more than once" (RFC 6455 §11.3.5).
        Bad::new(request!("Sec-WebSocket-Version: 13"), 150),
    ],
    good: &[Good::new(
        head!(">" "GET /ws HTTP/1.1" "Host: example.com" "Upgrade: websocket" "Connection: Upgrade"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "sec-websocket-version:13"),
    )],
};

pub(crate) const RequestLegacyDraft: Examples = Examples {
    bad: &[
        // hixie-76 has neither Sec-WebSocket-Key nor a version.
        Bad::new(
            head!(">" "GET /demo HTTP/1.1" "Host: example.com" "Connection: Upgrade" "Upgrade: WebSocket"
                "Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5" "Sec-WebSocket-Key2: 12998 5 Y3 1  .P00"
                "Origin: http://example.com"),
            80,
        ),
        // hybi-08 to -12 send version 8, hybi-07 sends 7.
        Bad::new(
            head!(">" "GET /ws HTTP/1.1" "Host: example.com" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Origin: http://example.com"
                "Sec-WebSocket-Version: 8"),
            165,
        ),
        Bad::new(
            head!(">" "GET /ws HTTP/1.1" "Host: example.com" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 7"),
            123,
        ),
    ],
    good: &[
        // A header of the drafts has no meaning with version 13.
        Good::new(request!("Sec-WebSocket-Origin: http://example.com")),
    ],
};

pub(crate) const RequestSubprotocolSyntax: Examples = Examples {
    bad: &[
        Bad::new(request!("Sec-WebSocket-Protocol:"), 150),
        Bad::new(request!("Sec-WebSocket-Protocol: chat room"), 150),
        Bad::new(request!(r#"Sec-WebSocket-Protocol: \"chat\""#), 150),
        Bad::new(request!("Sec-WebSocket-Protocol: chat;v=2"), 150),
        Bad::new(request!("Sec-WebSocket-Protocol: chat, superchat, chat"), 150),
        Bad::new(request!("Sec-WebSocket-Protocol: chat" "Sec-WebSocket-Protocol: chat"), 180),
    ],
    good: &[
        Good::new(request!("Sec-WebSocket-Protocol: chat, superchat")),
        Good::new(
            request!("Sec-WebSocket-Protocol: graphql-transport-ws" "Sec-WebSocket-Protocol: v12.stomp,v11.stomp"),
        ),
        // Names are case-sensitive.
        Good::new(request!("Sec-WebSocket-Protocol: chat, Chat")),
    ],
};

pub(crate) const RequestExtensionSyntax: Examples = Examples {
    bad: &[
        Bad::new(request!("Sec-WebSocket-Extensions:"), 150),
        Bad::new(request!("Sec-WebSocket-Extensions: permessage-deflate;"), 150),
        Bad::new(request!("Sec-WebSocket-Extensions: ; client_max_window_bits"), 150),
        Bad::new(request!("Sec-WebSocket-Extensions: permessage-deflate client_max_window_bits"), 150),
        Bad::new(request!("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits="), 150),
        // A quoted value must be a token too (RFC 6455 §9.1).
        Bad::new(request!(r#"Sec-WebSocket-Extensions: x-other; mode=\"a b\""#), 150),
        Bad::new(request!(r#"Sec-WebSocket-Extensions: x-other; mode=\"a"#), 150),
        Bad::new(
            request!("Sec-WebSocket-Extensions: permessage-deflate" "Sec-WebSocket-Extensions: permessage/deflate"),
            196,
        ),
    ],
    good: &[
        Good::new(request!(
            r#"Sec-WebSocket-Extensions: x-other; mode=\"a\" , permessage-deflate;client_max_window_bits"#
        )),
        Good::new(
            request!("Sec-WebSocket-Extensions: x-other; a; b=c" "Sec-WebSocket-Extensions: permessage-deflate"),
        ),
    ],
};

pub(crate) const RequestTruncated: Examples = Examples {
    bad: &[
        Bad::new("> \"GET /ws HT\"\n> eof", 10),
        Bad::new(
            concat!(r#"> "GET /ws HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\n""#, "\n> eof"),
            57,
        ),
        // The empty line is missing.
        Bad::new(
            concat!(
                r#"> "GET /ws HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n""#,
                "\n",
                r#"> "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n""#,
                "\n> eof",
            ),
            150,
        ),
    ],
    good: &[Good::new("> \"GET /ws HT\"")],
};

pub(crate) const RequestContentLength: Examples = Examples {
    bad: &[
        // With two different lengths, a proxy and a server see different bodies.
        Bad::new(request!("Content-Length: 0" "Content-Length: 5"), 169),
        Bad::new(request!("Content-Length: 0, 5"), 150),
        Bad::new(request!("Content-Length: -1"), 150),
        Bad::new(request!("Content-Length: +0"), 150),
        Bad::new(request!("Content-Length:"), 150),
        Bad::new(request!("Content-Length: 0" "Content-Length: zero"), 169),
    ],
    good: &[
        // Equal values count as one (RFC 9112 §6.3).
        Good::new(request!("Content-Length: 0" "content-length: 0")),
        Good::new(request!("Content-Length: 0, 00")),
    ],
};

pub(crate) const RequestBody: Examples = Examples {
    bad: &[
        Bad::new(request!("Content-Length: 5"), 150),
        Bad::new(request!("Content-Length: 5" "Content-Length: 5"), 150),
        Bad::new(request!("Transfer-Encoding: chunked"), 150),
    ],
    good: &[Good::new(request!("Content-Length: 0")), Good::new(request!("TE: trailers"))],
};

/// A limit one byte below the size of the request.
const SHORT_HEAD: Setup = Setup::limited(Limits { head: 151, ..Limits::DEFAULT });
/// A limit of exactly the size of the request.
const WHOLE_HEAD: Setup = Setup::limited(Limits { head: 152, ..Limits::DEFAULT });

pub(crate) const RequestTooLarge: Examples = Examples {
    bad: &[
        Bad::with(request!(), 151, SHORT_HEAD),
        // More than 64 elements in a list.
        Bad::new(
            request!(
                "Sec-WebSocket-Protocol: v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12, v13, v14, v15, v16, v17, v18, v19, v20, v21, v22, v23, v24, v25, v26, v27, v28, v29, v30, v31, v32, v33, v34, v35, v36, v37, v38, v39, v40, v41, v42, v43, v44, v45, v46, v47, v48, v49, v50, v51, v52, v53, v54, v55, v56, v57, v58, v59, v60, v61, v62, v63, v64, v65"
            ),
            150,
        ),
        Bad::new(
            request!(
                "Sec-WebSocket-Extensions: x;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a"
            ),
            150,
        ),
        // The limit is reported before the head ends.
        Bad::with(
            concat!(
                r#"> "GET /ws HTTP/1.1\r\nHost: example.com\r\nCookie: ""#,
                "\n",
                r#"> "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa""#,
                "\n",
                r#"> "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa""#,
            ),
            152,
            WHOLE_HEAD,
        ),
    ],
    good: &[
        Good::with(request!(), WHOLE_HEAD),
        Good::new(request!("Cookie: session=0123456789abcdef")),
        Good::new(request!(
            "Sec-WebSocket-Protocol: v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12, v13, v14, v15, v16, v17, v18, v19, v20, v21, v22, v23, v24, v25, v26, v27, v28, v29, v30, v31, v32, v33, v34, v35, v36, v37, v38, v39, v40, v41, v42, v43, v44, v45, v46, v47, v48, v49, v50, v51, v52, v53, v54, v55, v56, v57, v58, v59, v60, v61, v62, v63, v64"
        )),
        // This list does not belong to the handshake.
        Good::new(request!(
            "Accept: x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x"
        )),
    ],
};

// Not exactly the default: an observer applies only limits that were set.
const IN_10_S: Setup = Setup::limited(Limits { handshake: Duration::from_millis(9_900), ..Limits::DEFAULT });

pub(crate) const RequestTimeout: Examples = Examples {
    // The limit is 10 s. The offset is the length of what had arrived by then.
    bad: &[
        Bad::with(
            concat!(r#"[0.0] > "GET /ws HTTP/1.1\r\n""#, "\n", r#"[10.5] > "Host: example.com\r\n""#,),
            18,
            IN_10_S,
        ),
        // One line at a time: each is in time, the head is not.
        Bad::with(
            concat!(
                r#"[0.0] > "GET /ws HTTP/1.1\r\n""#,
                "\n",
                r#"[4.0] > "Host: example.com\r\n""#,
                "\n",
                r#"[8.0] > "X-Drip: 1\r\n""#,
                "\n",
                r#"[12.0] > "X-Drip: 2\r\n""#,
            ),
            48,
            IN_10_S,
        ),
    ],
    good: &[
        Good::with(
            concat!(
                r#"[0.0] > "GET /ws HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n""#,
                "\n",
                r#"[9.0] > "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n""#,
            ),
            IN_10_S,
        ),
        Good::with(
            concat!("[0.0] ", request!(), "[0.1] ", response!(), "[60.0] > 81 82 37 fa 21 3d 5f 93  # hi"),
            IN_10_S,
        ),
    ],
};

const OWN_PAGES: Setup = Setup { origins: Some(&["https://example.com"]), ..Setup::DEFAULT };

pub(crate) const RequestOrigin: Examples = Examples {
    bad: &[
        Bad::with(request!("Origin: https://evil.example"), 150, OWN_PAGES),
        // Scheme, host and port must all match.
        Bad::with(request!("Origin: http://example.com"), 150, OWN_PAGES),
        Bad::with(request!("Origin: https://www.example.com"), 150, OWN_PAGES),
        Bad::with(request!("Origin: https://example.com:8443"), 150, OWN_PAGES),
        Bad::with(request!("Origin: https://example.com.evil.example"), 150, OWN_PAGES),
        // A page from a local file, or a sandboxed frame.
        Bad::with(request!("Origin: null"), 150, OWN_PAGES),
        // Each of several counts.
        Bad::with(request!("Origin: https://example.com" "Origin: https://evil.example"), 179, OWN_PAGES),
    ],
    good: &[
        Good::with(request!("Origin: https://example.com"), OWN_PAGES),
        Good::new(request!("Origin: https://evil.example")),
    ],
};

pub(crate) const RequestEarlyData: Examples = Examples {
    bad: &[
        Bad::new(concat!(request!(), "> 81 85 37 fa 21 3d 7f 9f 4d 51 58  # Hello"), 152),
        // In the same segment as the head.
        Bad::new(request!(; r"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), 152),
    ],
    good: &[
        Good::new(concat!(request!(), response!(), "> 81 85 37 fa 21 3d 7f 9f 4d 51 58  # Hello")),
        Good::new(concat!(request!(), response!(; r"\x81\x02hi"), "> 81 82 37 fa 21 3d 5f 93  # hi")),
    ],
};
