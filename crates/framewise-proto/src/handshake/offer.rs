use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use framewise_rules::Answer;

use super::accept::key_value;
use super::reply::{check_lines, check_value, join};
use super::secret::{HiddenAll, hidden_query};
use super::{Field, Headers, HttpVersion, Request, RequestHead, check_request, verdict};
use crate::Misuse;
use crate::extension::{Extension, PERMESSAGE_DEFLATE};

/// Headers of a request that the caller must not set: those of the handshake, which RFC 6455 §11.3 and RFC 9112 §3.2
/// allow once each, and those of a body: the handshake has none (§4.1).
const OF_A_REQUEST: [&str; 9] = [
    "Host",
    "Connection",
    "Upgrade",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Version",
    "Sec-WebSocket-Protocol",
    "Sec-WebSocket-Extensions",
    "Content-Length",
    "Transfer-Encoding",
];

/// A client's request, which the response must answer.
#[derive(Clone, Default)]
pub struct ClientOffer {
    /// Host, with the port unless it is the scheme's default.
    pub host: String,
    /// The request's target: path and query.
    pub target: String,
    /// Sec-WebSocket-Key.
    pub key: String,
    /// The subprotocols offered, the preferred one first.
    pub protocols: Vec<String>,
    /// The extensions offered, in order.
    pub extensions: Vec<Extension>,
    /// Other header lines, whose values may be any bytes but control characters; those of the handshake itself are a
    /// [`Misuse`].
    pub headers: Headers,
}

/// A header line to be written: name and value.
type Line<'l> = (&'l str, Cow<'l, [u8]>);

impl ClientOffer {
    /// An offer without subprotocols and extensions. `nonce`: sixteen random bytes (RFC 6455 §4.1).
    pub fn new(host: impl Into<String>, target: impl Into<String>, nonce: [u8; 16]) -> Self {
        Self { host: host.into(), target: target.into(), key: key_value(nonce), ..Self::default() }
    }

    /// The offer in a request that was observed.
    pub fn of(request: &Request) -> Self {
        Self {
            host: request.host.clone(),
            target: request.target.clone(),
            key: request.key.clone(),
            protocols: request.protocols.clone(),
            extensions: request.extensions.clone(),
            headers: Headers::new(),
        }
    }

    /// The header lines of the request, checked against the rules.
    ///
    /// Errors: [`Misuse::Target`], [`Misuse::HeaderName`], [`Misuse::HeaderValue`], [`Misuse::HandshakeHeader`] and
    /// [`Misuse::Request`], before anything is sent.
    pub fn fields(&self) -> Result<Vec<Line<'_>>, Misuse> {
        // A space would end the target.
        if !self.target.starts_with('/') || self.target.bytes().any(|byte| byte <= 0x20 || byte == 0x7f) {
            return Err(Misuse::Target);
        }
        let mut fields: Vec<Line<'_>> = Vec::from([
            ("Host", Cow::Borrowed(self.host.as_bytes())),
            ("Upgrade", Cow::Borrowed(&b"websocket"[..])),
            ("Connection", Cow::Borrowed(&b"Upgrade"[..])),
            ("Sec-WebSocket-Key", Cow::Borrowed(self.key.as_bytes())),
            ("Sec-WebSocket-Version", Cow::Borrowed(&b"13"[..])),
        ]);
        if !self.protocols.is_empty() {
            fields.push(("Sec-WebSocket-Protocol", self.protocols.join(", ").into_bytes().into()));
        }
        if !self.extensions.is_empty() {
            fields.push(("Sec-WebSocket-Extensions", join(&self.extensions).into_bytes().into()));
        }
        for (name, value) in &fields {
            check_value(name, value)?;
        }
        check_lines(&self.headers, &OF_A_REQUEST)?;
        fields.extend(self.headers.iter().map(|(name, value)| (name, Cow::Borrowed(value))));
        self.check(&fields)?;
        Ok(fields)
    }

    /// Refuses a request that breaks a rule. Limits are not checked: each server has its own.
    fn check(&self, fields: &[Line<'_>]) -> Result<(), Misuse> {
        let head = RequestHead {
            method: "GET",
            target: &self.target,
            version: HttpVersion::Http11,
            fields: fields.iter().map(|(name, value)| Field::new(name, value)).collect(),
            place: None,
        };
        let found = check_request(&head);
        verdict(found, |violation| violation.answer() != Answer::Note)
            .map(drop)
            .map_err(|violation| Misuse::Request(violation.rule))
    }

    /// The offers of permessage-deflate.
    pub fn deflate(&self) -> impl Iterator<Item = &Extension> {
        self.extensions.iter().filter(|extension| extension.name == PERMESSAGE_DEFLATE)
    }
}

/// Without credentials: see [`is_secret`](super::is_secret). Printing a field directly shows its value.
impl fmt::Debug for ClientOffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientOffer")
            .field("host", &self.host)
            .field("target", &hidden_query(&self.target))
            .field("key", &self.key)
            .field("protocols", &HiddenAll(self.protocols.len()))
            .field("extensions", &self.extensions)
            .field("headers", &self.headers)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::borrow::ToOwned as _;
    use alloc::format;

    use framewise_rules::Rule;

    #[test]
    fn a_header_of_the_handshakes_own_is_a_misuse_by_its_name() {
        let mut offer = ClientOffer::new("example.com", "/chat", [7; 16]);
        for name in OF_A_REQUEST {
            for written in [name.to_owned(), name.to_ascii_lowercase(), name.to_ascii_uppercase()] {
                offer.headers = [("X-Other", "1"), (&written, "1")].into_iter().collect();
                assert_eq!(offer.encode(), Err(Misuse::HandshakeHeader(name)));
                assert!(format!("{}", Misuse::HandshakeHeader(name)).contains(name));
            }
        }
        for name in ["Hosts", "X-Host", "Origin", "Sec-WebSocket-Keys", "Cookie"] {
            offer.headers = [(name, "1")].into_iter().collect();
            let head = offer.encode().expect("a request");
            assert!(head.ends_with(format!("\r\n{name}: 1\r\n\r\n").as_bytes()));
        }
    }

    #[test]
    fn a_value_of_any_bytes_is_sent_as_it_is_or_refused_by_its_name() {
        let mut offer = ClientOffer::new("example.com", "/chat", [7; 16]);
        for byte in 0..=u8::MAX {
            let value = [b'a', byte, b'b'];
            offer.headers = [("X-Bytes", &value[..])].into_iter().collect();
            // RFC 9110 §5.5: a field value is of VCHAR, obs-text, SP and HTAB.
            if byte == b'\t' || byte >= 0x20 && byte != 0x7f {
                let head = offer.encode().expect("a request");
                assert!(head.ends_with(&[&b"X-Bytes: "[..], &value, b"\r\n\r\n"].concat()), "{byte}");
            } else {
                assert_eq!(offer.encode(), Err(Misuse::HeaderValue("X-Bytes".into())), "{byte}");
            }
        }
        // What follows the character may be the value, and a secret.
        for (name, told) in
            [("Authorization: s3cret", "Authorization"), ("", ""), ("\u{e9}", ""), ("X\r\nY", "X")]
        {
            offer.headers = [(name, "1")].into_iter().collect();
            assert_eq!(offer.encode(), Err(Misuse::HeaderName(told.into())), "{name}");
        }
    }

    #[test]
    fn what_a_server_would_reject_is_not_sent() {
        let good = ClientOffer::new("example.com", "/chat", [7; 16]);
        let refused = |change: &dyn Fn(&mut ClientOffer)| {
            let mut offer = good.clone();
            change(&mut offer);
            offer.encode().expect_err("a misuse")
        };
        for protocols in [&["chat", "chat"][..], &["a chat"], &[""], &["a,b", "b"]] {
            let misuse =
                refused(&|offer| offer.protocols = protocols.iter().map(|&name| name.into()).collect());
            assert_eq!(misuse, Misuse::Request(Rule::RequestSubprotocolSyntax), "{protocols:?}");
        }
        for host in ["", "a b", "a,b", "http://x/", "u@h", "h:x"] {
            let misuse = refused(&|offer| offer.host = host.into());
            assert_eq!(misuse, Misuse::Request(Rule::RequestHostInvalid), "{host}");
        }
        for target in ["", "*", "chat", "http://example.com/", "/a b", "/a\r\nX: y"] {
            assert_eq!(refused(&|offer| offer.target = target.into()), Misuse::Target, "{target}");
        }
        assert_eq!(refused(&|offer| offer.target = "/a#b".into()), Misuse::Request(Rule::RequestTarget));
        assert_eq!(refused(&|offer| offer.key = "short".into()), Misuse::Request(Rule::RequestKeyInvalid));
        let many = || (0..=super::super::MAX_ELEMENTS).map(|number| format!("p{number}"));
        let misuse = refused(&|offer| offer.protocols = many().collect());
        assert_eq!(misuse, Misuse::Request(Rule::RequestTooLarge));
        let most = ClientOffer { protocols: many().skip(1).collect(), ..good };
        assert!(most.encode().is_ok());
    }
}
