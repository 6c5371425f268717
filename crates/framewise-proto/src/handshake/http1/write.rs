use alloc::string::ToString as _;
use alloc::vec::Vec;

use crate::Misuse;
use crate::handshake::{ClientOffer, Reply};

impl ClientOffer {
    /// Encodes the request.
    ///
    /// Errors: those of [`ClientOffer::fields`], before anything is sent.
    pub fn encode(&self) -> Result<Vec<u8>, Misuse> {
        let fields = self.fields()?;
        let mut head = Vec::with_capacity(256);
        for part in ["GET ", &self.target, " HTTP/1.1\r\n"] {
            head.extend_from_slice(part.as_bytes());
        }
        for (name, value) in &fields {
            push_line(&mut head, name, value);
        }
        head.extend_from_slice(b"\r\n");
        Ok(head)
    }
}

impl Reply<'_> {
    /// Encodes the response. After a 101 the connection is a WebSocket; after another status it is closed.
    pub fn encode(&self) -> Vec<u8> {
        let mut head = Vec::with_capacity(256 + self.body.len());
        head.extend_from_slice(b"HTTP/1.1 ");
        // Three digits (RFC 9112 §4).
        head.extend([100, 10, 1].map(|unit| b'0' + (self.status / unit % 10) as u8));
        head.push(b' ');
        head.extend_from_slice(reason(self.status).as_bytes());
        head.extend_from_slice(b"\r\n");
        let accepts = self.status == 101;
        let is_upgrade = |name: &str| name.eq_ignore_ascii_case("upgrade");
        // RFC 9110 §7.8: "A sender of Upgrade MUST also send an "Upgrade" connection option in the Connection header field".
        let connection = match (self.fields.iter().any(|(name, _)| is_upgrade(name)), accepts) {
            (true, true) => "Upgrade",
            (true, false) => "Upgrade, close",
            (false, _) => "close",
        };
        let first = usize::from(self.fields.first().is_some_and(|(name, _)| is_upgrade(name)));
        let (first, rest) = self.fields.split_at(first);
        for (name, value) in first {
            push_line(&mut head, name, value);
        }
        push_line(&mut head, "Connection", connection.as_bytes());
        for (name, value) in rest {
            push_line(&mut head, name, value);
        }
        if !accepts {
            push_line(&mut head, "Content-Length", self.body.len().to_string().as_bytes());
        }
        head.extend_from_slice(b"\r\n");
        head.extend_from_slice(self.body.as_bytes());
        head
    }
}

fn push_line(head: &mut Vec<u8>, name: &str, value: &[u8]) {
    for part in [name.as_bytes(), b": ", value, b"\r\n"] {
        head.extend_from_slice(part);
    }
}

/// The reason phrase of a status, for people; it may be empty (RFC 9112 §4).
const fn reason(status: u16) -> &'static str {
    match status {
        101 => "Switching Protocols",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "",
    }
}
