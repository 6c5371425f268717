//! What a server answers.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use framewise_rules::Answer;

use super::accept::push_accept_value;
use super::request::{Request, push_line, push_lines};
use crate::extension::Extension;
use crate::{Misuse, Violation};

/// The 101 up to the value that answers the key.
const SWITCHING: &str =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ";

/// Headers of a 101 that are not the caller's: those of the handshake, and those of a body, which it has not
/// (RFC 9110 §8.6, RFC 9112 §6.1).
const OF_THE_101: [&str; 7] = [
    "Connection",
    "Upgrade",
    "Sec-WebSocket-Accept",
    "Sec-WebSocket-Protocol",
    "Sec-WebSocket-Extensions",
    "Content-Length",
    "Transfer-Encoding",
];
/// Headers of a rejection that are not the caller's: they say where it ends.
const OF_A_REJECTION: [&str; 3] = ["Connection", "Content-Length", "Transfer-Encoding"];

impl Request {
    /// The 101 that accepts it, with a subprotocol out of those offered, what was agreed of the extensions, and header
    /// lines of the caller's.
    pub fn accept(
        &self,
        protocol: Option<&str>,
        extensions: &[Extension],
        headers: &[(String, String)],
    ) -> Result<Vec<u8>, Misuse> {
        let mut head = String::with_capacity(256);
        head.push_str(SWITCHING);
        push_accept_value(&mut head, &self.key);
        head.push_str("\r\n");
        if let Some(protocol) = protocol {
            // RFC 6455 §4.2.2: the value has to be one "derived from the client's handshake".
            if !self.protocols.iter().any(|offered| offered == protocol) {
                return Err(Misuse::SubprotocolUnoffered);
            }
            push_line(&mut head, "Sec-WebSocket-Protocol", protocol)?;
        }
        if !extensions.is_empty() {
            let agreed: Vec<_> = extensions.iter().map(ToString::to_string).collect();
            push_line(&mut head, "Sec-WebSocket-Extensions", &agreed.join(", "))?;
        }
        push_lines(&mut head, headers, &OF_THE_101)?;
        head.push_str("\r\n");
        Ok(head.into_bytes())
    }
}

/// The response that rejects a request for what it broke; `None` where the answer is no HTTP status.
pub fn rejection(violation: &Violation) -> Option<Vec<u8>> {
    let Answer::Http(status) = violation.answer() else { return None };
    let line = match status {
        405 => "Allow: GET\r\n",
        // RFC 6455 §4.4: the version that the server speaks is named. RFC 9110 §15.5.22: "The server MUST send an
        // Upgrade header field in a 426 response".
        426 => "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
        _ => "",
    };
    // RFC 9110 §7.8: Upgrade goes with its connection option.
    let connection = if status == 426 { "Upgrade, close" } else { "close" };
    let body = violation.to_string() + "\n";
    let head = format!(
        "HTTP/1.1 {status} {}\r\nConnection: {connection}\r\n{line}Content-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n\r\n{body}",
        reason(status),
        body.len()
    );
    Some(head.into_bytes())
}

/// The response with which an application rejects a request that breaks no rule: a status of 400 to 599, or a
/// redirect; the body is text, unless a Content-Type says something else.
pub fn reject(status: u16, headers: &[(String, String)], body: &str) -> Result<Vec<u8>, Misuse> {
    // RFC 9110 §15.4.5: a 304 has no body, and is no rejection.
    if !(300..=599).contains(&status) || status == 304 {
        return Err(Misuse::RejectionStatus(status));
    }
    let mut head = format!("HTTP/1.1 {status} {}\r\nConnection: close\r\n", reason(status));
    push_lines(&mut head, headers, &OF_A_REJECTION)?;
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
        push_line(&mut head, "Content-Type", "text/plain; charset=utf-8")?;
    }
    push_line(&mut head, "Content-Length", &body.len().to_string())?;
    head.push_str("\r\n");
    head.push_str(body);
    Ok(head.into_bytes())
}

/// The reason phrase of a status; it tells people what the number means, and may be empty (RFC 9112 §4).
const fn reason(status: u16) -> &'static str {
    match status {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(lines: &[(&str, &str)]) -> Vec<(String, String)> {
        lines.iter().map(|&(name, value)| (name.into(), value.into())).collect()
    }

    fn text(bytes: Result<Vec<u8>, Misuse>) -> String {
        String::from_utf8(bytes.expect("an answer")).expect("an answer in UTF-8")
    }

    #[test]
    fn an_application_rejects_with_its_own_status_headers_and_body() {
        assert_eq!(
            text(reject(401, &lines(&[("WWW-Authenticate", "Bearer")]), "who are you?\n")),
            "HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nWWW-Authenticate: Bearer\r\n\
             Content-Type: text/plain; charset=utf-8\r\nContent-Length: 13\r\n\r\nwho are you?\n"
        );
        assert_eq!(
            text(reject(418, &lines(&[("content-type", "application/json")]), "{}")),
            "HTTP/1.1 418 \r\nConnection: close\r\ncontent-type: application/json\r\nContent-Length: 2\r\n\r\n{}"
        );
    }

    #[test]
    fn what_would_break_an_answer_is_a_misuse() {
        for status in [0, 101, 200, 204, 304, 600] {
            assert_eq!(reject(status, &[], ""), Err(Misuse::RejectionStatus(status)));
        }
        for name in OF_A_REJECTION {
            assert_eq!(reject(400, &lines(&[(name, "1")]), ""), Err(Misuse::HandshakeHeader(name)));
        }
        let request = Request { protocols: Vec::from(["a".into()]), ..Request::default() };
        for name in OF_THE_101 {
            let lines = lines(&[(&name.to_ascii_lowercase(), "1")]);
            assert_eq!(request.accept(None, &[], &lines), Err(Misuse::HandshakeHeader(name)));
        }
        for line in [("X", "a\r\nY: b"), ("X Y", "a"), ("", "a"), ("X:", "a")] {
            assert_eq!(request.accept(None, &[], &lines(&[line])), Err(Misuse::Head), "{line:?}");
            assert_eq!(reject(400, &lines(&[line]), ""), Err(Misuse::Head), "{line:?}");
        }
        assert_eq!(request.accept(Some("b"), &[], &[]), Err(Misuse::SubprotocolUnoffered));
        assert!(text(request.accept(Some("a"), &[], &[])).contains("\r\nSec-WebSocket-Protocol: a\r\n"));
    }
}
