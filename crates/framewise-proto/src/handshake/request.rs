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
