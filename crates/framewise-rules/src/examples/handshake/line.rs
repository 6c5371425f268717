use crate::examples::{Bad, Examples, Good};

pub(crate) const RequestHeaderMalformed: Examples = Examples {
    bad: &[
        // A blank in the name; a blank before the colon; no colon; no name; a name that is not ASCII.
        Bad::new(request!("X Bad: 1"), 150),
        Bad::new(request!("X-Forwarded-Proto : https"), 150),
        Bad::new(request!("X-Request-Id"), 150),
        Bad::new(request!(": 1"), 150),
        Bad::new(request!(r"Gr\xc3\xb6\xc3\x9fe: 1"), 150),
        // A value that continues in the next line, as HTTP/1.1 allowed before 2014.
        Bad::new(request!("X-Long: one" "  two"), 163),
        // A line end in a value that was not checked, and a NUL.
        Bad::new(request!(r"X-Name: a\rb"), 150),
        Bad::new(request!(r"X-Name: a\x00b"), 150),
        // The connection is judged on: the version is missing as well.
        Bad::new(
            head!(">" "GET /ws HTTP/1.1" "Host: example.com" "Upgrade: websocket" "Connection: Upgrade"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version 13"),
            123,
        ),
    ],
    good: &[
        Good::new(request!()),
        // No blank after the colon, several, a tab; an empty value; every character that a name may have.
        Good::new(request!("X-A:1" "X-B:   2  " r"X-C:\t3" "X-D:")),
        Good::new(request!("!#$%&'*+-.^_`|~09azAZ: 1")),
        // A colon in a value, and bytes that are not ASCII.
        Good::new(request!("X-Time: 12:30:01" r"X-Name: J\xfcrgen")),
    ],
};

pub(crate) const ResponseHeaderMalformed: Examples = Examples {
    bad: &[
        Bad::new(concat!(request!(), response!("X Bad: 1")), 127),
        Bad::new(concat!(request!(), response!("Server : example")), 127),
        // A warning that a script printed between its headers.
        Bad::new(concat!(request!(), response!("Warning in chat.php on line 12")), 127),
        // White space before the first header line is no fold.
        Bad::new(
            concat!(
                request!(),
                head!("<" "HTTP/1.1 101 Switching Protocols" " X-Long: one" "Upgrade: websocket" "Connection: Upgrade"
                    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
            ),
            34,
        ),
        // The connection is judged on: Upgrade is missing as well.
        Bad::new(
            concat!(
                request!(),
                head!("<" "HTTP/1.1 101 Switching Protocols" "Upgrade websocket" "Connection: Upgrade"
                    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
            ),
            34,
        ),
        // An interim response.
        Bad::new(concat!(request!(), head!("<" "HTTP/1.1 103 Early Hints" "Link </a.css>")), 26),
    ],
    good: &[
        Good::new(concat!(request!(), response!())),
        Good::new(concat!(
            request!(),
            response!("X-A:1" r"X-B:\t2" "X-C:" "Date: Sat, 28 Nov 2026 05:00:00 GMT")
        )),
        // A value that continues in the next line: RFC 9112 §5.2 has a server never send it, and a client read it.
        Good::new(concat!(request!(), response!("X-Long: one" "  two" r"\tthree"))),
        Good::new(concat!(
            request!(),
            head!("<" "HTTP/1.1 101 Switching Protocols" "Upgrade: websocket" "Connection: keep-alive," " Upgrade"
                "Sec-WebSocket-Accept:" " s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        )),
    ],
};
