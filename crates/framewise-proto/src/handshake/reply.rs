use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::{self, Write as _};

use framewise_rules::Answer;

use super::Headers;
use super::accept::accept_value;
use super::request::Request;
use super::secret::HiddenValue;
use crate::extension::{Extension, is_token};
use crate::{Misuse, Violation};

/// Headers of a 101 that the caller must not set: those of the handshake, and those of a body: a 101 has none (RFC 9110
/// §8.6, RFC 9112 §6.1).
const OF_THE_101: [&str; 7] = [
    "Connection",
    "Upgrade",
    "Sec-WebSocket-Accept",
    "Sec-WebSocket-Protocol",
    "Sec-WebSocket-Extensions",
    "Content-Length",
    "Transfer-Encoding",
];
/// Headers of a rejection that the caller must not set: they determine where it ends.
const OF_A_REJECTION: [&str; 3] = ["Connection", "Content-Length", "Transfer-Encoding"];

/// A server's answer to a request.
///
/// Its fields do not include Connection and Content-Length: [`Reply::encode`] adds them, or the HTTP server that writes it. A
/// field Upgrade, as every 101 and 426 has it, needs a line `Connection: Upgrade` (RFC 9110 §7.8), which warp and poem do not
/// add.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply<'r> {
    /// The status; 101 accepts the request.
    pub status: u16,
    /// The header lines.
    pub fields: Vec<(Cow<'r, str>, Cow<'r, [u8]>)>,
    /// The body; empty for a 101.
    pub body: Cow<'r, str>,
}

impl Request {
    /// The 101 that accepts the request, with one of the subprotocols offered, the extensions agreed, and more header
    /// lines.
    pub fn accept<'r>(
        &self,
        protocol: Option<&'r str>,
        extensions: &[Extension],
        headers: &'r Headers,
    ) -> Result<Reply<'r>, Misuse> {
        let mut fields = Vec::with_capacity(4 + headers.len());
        fields.push(("Upgrade".into(), Cow::Borrowed(&b"websocket"[..])));
        fields.push(("Sec-WebSocket-Accept".into(), accept_value(&self.key).into_bytes().into()));
        if let Some(protocol) = protocol {
            // RFC 6455 §4.2.2: the value has to be one "derived from the client's handshake".
            if !self.protocols.iter().any(|offered| offered == protocol) {
                return Err(Misuse::SubprotocolUnoffered);
            }
            check_value("Sec-WebSocket-Protocol", protocol.as_bytes())?;
            fields.push(("Sec-WebSocket-Protocol".into(), protocol.as_bytes().into()));
        }
        if !extensions.is_empty() {
            let agreed = join(extensions);
            check_value("Sec-WebSocket-Extensions", agreed.as_bytes())?;
            fields.push(("Sec-WebSocket-Extensions".into(), agreed.into_bytes().into()));
        }
        check_lines(headers, &OF_THE_101)?;
        fields.extend(borrowed(headers));
        Ok(Reply { status: 101, fields, body: "".into() })
    }
}

/// The reply that rejects a request because of a violation; `None` if the answer is not an HTTP status.
pub fn rejection(violation: &Violation) -> Option<Reply<'static>> {
    let Answer::Http(status) = violation.answer() else { return None };
    let mut fields: Vec<(Cow<'_, str>, Cow<'_, [u8]>)> = match status {
        405 => Vec::from([line("Allow", "GET")]),
        // RFC 6455 §4.4: the server names the version that it supports. RFC 9110 §15.5.22: "The server MUST send an
        // Upgrade header field in a 426 response".
        426 => Vec::from([line("Upgrade", "websocket"), line("Sec-WebSocket-Version", "13")]),
        _ => Vec::new(),
    };
    fields.push(PLAIN_TEXT);
    Some(Reply { status, fields, body: (violation.to_string() + "\n").into() })
}

/// The reply with which an application rejects a request: a status of 400 to 599, or a redirect. The body is plain text
/// unless `headers` has a Content-Type.
pub fn reject<'r>(status: u16, headers: &'r Headers, body: &'r str) -> Result<Reply<'r>, Misuse> {
    // RFC 9110 §15.4.5: a 304 has no body, and does not reject a request.
    if !(300..=599).contains(&status) || status == 304 {
        return Err(Misuse::RejectionStatus(status));
    }
    check_lines(headers, &OF_A_REJECTION)?;
    let mut fields: Vec<_> = borrowed(headers).collect();
    if headers.get("content-type").is_none() {
        fields.push(PLAIN_TEXT);
    }
    Ok(Reply { status, fields, body: body.into() })
}

/// The body is text.
const PLAIN_TEXT: (Cow<'static, str>, Cow<'static, [u8]>) = line("Content-Type", "text/plain; charset=utf-8");

const fn line(name: &'static str, value: &'static str) -> (Cow<'static, str>, Cow<'static, [u8]>) {
    (Cow::Borrowed(name), Cow::Borrowed(value.as_bytes()))
}

fn borrowed(headers: &Headers) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, [u8]>)> {
    headers.iter().map(|(name, value)| (Cow::from(name), Cow::from(value)))
}

/// Extensions as a list.
pub(super) fn join(extensions: &[Extension]) -> String {
    let mut list = String::with_capacity(64 * extensions.len());
    for (number, extension) in extensions.iter().enumerate() {
        // Writing to a String cannot fail.
        let _ = write!(list, "{}{extension}", if number == 0 { "" } else { ", " });
    }
    list
}

/// Refuses a value that would split the head. All other bytes are sent as they are (RFC 9110 §5.5: `obs-text`).
pub(super) fn check_value(name: &str, value: &[u8]) -> Result<(), Misuse> {
    let breaks = value.iter().any(|&byte| byte < 0x20 && byte != b'\t' || byte == 0x7f);
    if breaks { Err(Misuse::HeaderValue(name.into())) } else { Ok(()) }
}

/// Refuses header lines that are among `kept`, or that would split the head.
pub(super) fn check_lines(lines: &Headers, kept: &[&'static str]) -> Result<(), Misuse> {
    for (name, value) in lines {
        if let Some(kept) = kept.iter().find(|kept| name.eq_ignore_ascii_case(kept)) {
            return Err(Misuse::HandshakeHeader(kept));
        }
        if !is_token(name.as_bytes()) {
            let is_good = |byte: &char| byte.is_ascii() && is_token(&[*byte as u8]);
            return Err(Misuse::HeaderName(name.chars().take_while(is_good).collect::<String>().into()));
        }
        check_value(name, value)?;
    }
    Ok(())
}

/// Without credentials: see [`is_secret`](super::is_secret).
impl fmt::Debug for Reply<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields: Vec<_> =
            self.fields.iter().map(|(name, value)| (name, HiddenValue(name, value))).collect();
        f.debug_struct("Reply")
            .field("status", &self.status)
            .field("fields", &fields)
            .field("body", &self.body)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    fn lines(lines: &[(&str, &str)]) -> Headers {
        lines.iter().copied().collect()
    }

    fn text(reply: Result<Reply<'_>, Misuse>) -> String {
        String::from_utf8(reply.expect("an answer").encode()).expect("an answer in UTF-8")
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
        // Wherever the application puts it, Upgrade has its connection option.
        for upgrade in ["Upgrade", "upgrade"] {
            let headers = lines(&[("Content-Type", "text/plain"), (upgrade, "websocket")]);
            assert_eq!(
                text(reject(426, &headers, "")),
                format!(
                    "HTTP/1.1 426 Upgrade Required\r\nConnection: Upgrade, close\r\nContent-Type: text/plain\r\n\
                     {upgrade}: websocket\r\nContent-Length: 0\r\n\r\n"
                )
            );
        }
    }

    #[test]
    fn what_would_break_an_answer_is_a_misuse() {
        for status in [0, 101, 200, 204, 304, 600] {
            assert_eq!(reject(status, &Headers::new(), ""), Err(Misuse::RejectionStatus(status)));
        }
        for name in OF_A_REJECTION {
            assert_eq!(reject(400, &lines(&[(name, "1")]), ""), Err(Misuse::HandshakeHeader(name)));
        }
        let request = Request { protocols: Vec::from(["a".into()]), ..Request::default() };
        for name in OF_THE_101 {
            let lines = lines(&[(&name.to_ascii_lowercase(), "1")]);
            assert_eq!(request.accept(None, &[], &lines), Err(Misuse::HandshakeHeader(name)));
        }
        let value = Misuse::HeaderValue("X".into());
        let name = |start: &str| Misuse::HeaderName(start.into());
        for (line, misuse) in [
            (("X", "a\r\nY: b"), value),
            (("X Y", "a"), name("X")),
            (("", "a"), name("")),
            (("X:", "a"), name("X")),
        ] {
            assert_eq!(request.accept(None, &[], &lines(&[line])), Err(misuse.clone()), "{line:?}");
            assert_eq!(reject(400, &lines(&[line]), ""), Err(misuse), "{line:?}");
        }
        let none = Headers::new();
        assert_eq!(request.accept(Some("b"), &[], &none), Err(Misuse::SubprotocolUnoffered));
        assert!(text(request.accept(Some("a"), &[], &none)).contains("\r\nSec-WebSocket-Protocol: a\r\n"));
    }
}
