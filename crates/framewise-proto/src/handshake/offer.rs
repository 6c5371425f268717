use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use framewise_rules::Answer;

use super::accept::key_value;
use super::reply::{check_lines, check_value, join};
use super::secret::{HiddenAll, hidden_query, hidden_values};
use super::{Field, HttpVersion, Request, RequestHead, check_request, verdict};
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
    /// Other header lines; those of the handshake itself are a [`Misuse`].
    pub headers: Vec<(String, String)>,
}

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
            headers: Vec::new(),
        }
    }

    /// The header lines of the request, checked against the rules.
    ///
    /// Errors: [`Misuse::Head`], [`Misuse::HandshakeHeader`] and [`Misuse::Request`], before anything is sent.
    pub fn fields(&self) -> Result<Vec<(&str, Cow<'_, str>)>, Misuse> {
        // A space would end the target.
        if !self.target.starts_with('/') || self.target.bytes().any(|byte| byte <= 0x20 || byte == 0x7f) {
            return Err(Misuse::Head);
        }
        let mut fields: Vec<(&str, Cow<'_, str>)> = Vec::from([
            ("Host", Cow::Borrowed(&*self.host)),
            ("Upgrade", "websocket".into()),
            ("Connection", "Upgrade".into()),
            ("Sec-WebSocket-Key", Cow::Borrowed(&*self.key)),
            ("Sec-WebSocket-Version", "13".into()),
        ]);
        if !self.protocols.is_empty() {
            fields.push(("Sec-WebSocket-Protocol", self.protocols.join(", ").into()));
        }
        if !self.extensions.is_empty() {
            fields.push(("Sec-WebSocket-Extensions", join(&self.extensions).into()));
        }
        for (_, value) in &fields {
            check_value(value)?;
        }
        check_lines(&self.headers, &OF_A_REQUEST)?;
        fields.extend(self.headers.iter().map(|(name, value)| (&**name, Cow::Borrowed(&**value))));
        self.check(&fields)?;
        Ok(fields)
    }

    /// Refuses a request that breaks a rule. Limits are not checked: each server has its own.
    fn check(&self, fields: &[(&str, Cow<'_, str>)]) -> Result<(), Misuse> {
        let head = RequestHead {
            method: "GET",
            target: &self.target,
            version: HttpVersion::Http11,
            fields: fields.iter().map(|(name, value)| Field::new(name, value.as_bytes())).collect(),
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
            .field("headers", &hidden_values(&self.headers))
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
                offer.headers = Vec::from([("X-Other".into(), "1".into()), (written, "1".into())]);
                assert_eq!(offer.encode(), Err(Misuse::HandshakeHeader(name)));
                assert!(format!("{}", Misuse::HandshakeHeader(name)).contains(name));
            }
        }
        for name in ["Hosts", "X-Host", "Origin", "Sec-WebSocket-Keys", "Cookie"] {
            offer.headers = Vec::from([(name.into(), "1".into())]);
            let head = offer.encode().expect("a request");
            assert!(head.ends_with(format!("\r\n{name}: 1\r\n\r\n").as_bytes()));
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
            assert_eq!(refused(&|offer| offer.target = target.into()), Misuse::Head, "{target}");
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
