//! One guide a rule, a file a topic: the constant has the name of the rule's row.
#![allow(non_upper_case_globals, reason = "a guide is found by the name of its row")]

/// A step of a transcript: these lines as an HTTP head, and what comes with it in one piece.
macro_rules! head {
    ($from:literal $($line:literal)+ $(; $rest:literal)?) => {
        concat!($from, " \"", $($line, r"\r\n",)+ r"\r\n", $($rest,)? "\"\n")
    };
}

/// The request of RFC 6455 §1.3 in its shortest form, and further lines.
macro_rules! request {
    ($($line:literal)* $(; $rest:literal)?) => {
        head!(">" "GET /ws HTTP/1.1" "Host: example.com" "Upgrade: websocket" "Connection: Upgrade"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13" $($line)* $(; $rest)?)
    };
}

/// The answer to it, and further lines.
macro_rules! response {
    ($($line:literal)* $(; $rest:literal)?) => {
        head!("<" "HTTP/1.1 101 Switching Protocols" "Upgrade: websocket" "Connection: Upgrade"
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" $($line)* $(; $rest)?)
    };
}

pub(crate) mod closing;
pub(crate) mod control;
pub(crate) mod extension;
pub(crate) mod fragmentation;
pub(crate) mod framing;
pub(crate) mod handshake;
pub(crate) mod limit;
pub(crate) mod masking;
pub(crate) mod text;
