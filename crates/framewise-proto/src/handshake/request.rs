use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::secret::{HiddenAll, hidden_query};
use super::{Field, Headers, HttpVersion, MAX_ELEMENTS, RequestHead};
use crate::extension::Extension;

/// A client's opening handshake.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// The request's target: path and query.
    pub target: String,
    /// Host.
    pub host: String,
    /// Sec-WebSocket-Key, as it was sent.
    pub key: String,
    /// Origin, which browsers send.
    pub origin: Option<String>,
    /// The subprotocols offered, the preferred one first.
    pub protocols: Vec<String>,
    /// The extensions offered, in order.
    pub extensions: Vec<Extension>,
    /// Every header line.
    pub headers: Headers,
}

impl Request {
    /// The request in a head, valid or not.
    pub fn from_head(head: &RequestHead<'_>) -> Self {
        Self::with_extensions(head, head.fields.extensions())
    }

    pub(super) fn with_extensions(head: &RequestHead<'_>, extensions: Vec<Extension>) -> Self {
        let text = |name| head.fields.first(name).map(|field| field.text().to_owned());
        Self {
            target: head.target.into(),
            host: text("host").unwrap_or_default(),
            key: text("sec-websocket-key").unwrap_or_default(),
            origin: text("origin"),
            protocols: head
                .fields
                .elements("sec-websocket-protocol")
                .take(MAX_ELEMENTS)
                .map(Into::into)
                .collect(),
            extensions,
            headers: Headers::from(&head.fields),
        }
    }

    /// The path of the target: `/chat` of `/chat?room=1`.
    ///
    /// ```
    /// # use framewise_proto::handshake::Request;
    /// let request = Request { target: "/chat?room=1".into(), ..Request::default() };
    /// assert_eq!((request.path(), request.query()), ("/chat", Some("room=1")));
    /// ```
    pub fn path(&self) -> &str {
        let target = self.target.split_once('?').map_or(&*self.target, |(path, _)| path);
        // RFC 9112 §3.2.2: a server accepts a target that is an absolute URL, too.
        if target.starts_with('/') {
            return target;
        }
        let rest = target.split_once("://").map_or(target, |(_, rest)| rest);
        rest.find('/').map_or("/", |at| &rest[at..])
    }

    /// The query of the target, without its `?`: `room=1` of `/chat?room=1`. It is not decoded.
    pub fn query(&self) -> Option<&str> {
        self.target.split_once('?').map(|(_, query)| query)
    }

    /// A head for a later check, made from a valid request whose own head was not kept.
    pub fn head(&self) -> RequestHead<'_> {
        RequestHead {
            method: "GET",
            target: &self.target,
            version: HttpVersion::Http11,
            fields: self.headers.iter().map(|(name, value)| Field::new(name, value)).collect(),
            place: None,
        }
    }

    /// The value of the first header with this name.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.get(name)
    }
}

/// Without credentials: see [`is_secret`](super::is_secret). Printing a field directly shows its value.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("target", &hidden_query(&self.target))
            .field("host", &self.host)
            .field("key", &self.key)
            .field("origin", &self.origin)
            .field("protocols", &HiddenAll(self.protocols.len()))
            .field("extensions", &self.extensions)
            .field("headers", &self.headers)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_path_and_a_query() {
        for (target, path, query) in [
            ("/", "/", None),
            ("/chat", "/chat", None),
            ("/chat?", "/chat", Some("")),
            ("/a?b?c/d", "/a", Some("b?c/d")),
            ("//a?b", "//a", Some("b")),
            ("http://h:1/a/b?c", "/a/b", Some("c")),
            ("http://h", "/", None),
            ("http://h?c=/d", "/", Some("c=/d")),
            ("", "/", None),
        ] {
            let request = Request { target: target.into(), ..Request::default() };
            assert_eq!((request.path(), request.query()), (path, query), "{target}");
        }
    }
}
