use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::secret::HiddenAll;
use super::{Headers, ResponseHead};
use crate::extension::Extension;

/// A server's answer to an opening handshake.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Response {
    /// The status; 101 accepts the request.
    pub status: u16,
    /// The subprotocol that was chosen.
    pub protocol: Option<String>,
    /// The extensions that were agreed.
    pub extensions: Vec<Extension>,
    /// Every header line.
    pub headers: Headers,
}

impl Response {
    /// The response in a head, valid or not.
    pub fn from_head(head: &ResponseHead<'_>) -> Self {
        Self {
            status: head.status,
            protocol: head.fields.first("sec-websocket-protocol").map(|field| field.text().to_owned()),
            extensions: head.fields.extensions(),
            headers: Headers::from(&head.fields),
        }
    }

    /// The value of the first header with this name.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.get(name)
    }
}

/// Without credentials: see [`is_secret`](super::is_secret). Printing a field directly shows its value.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("protocol", &HiddenAll(usize::from(self.protocol.is_some())))
            .field("extensions", &self.extensions)
            .field("headers", &self.headers)
            .finish()
    }
}
