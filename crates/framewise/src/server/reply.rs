use std::fmt;

use framewise_proto::handshake::Headers;

/// The answer of the application to a valid request.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    /// `None` if it accepts.
    pub(crate) rejection: Option<(u16, String)>,
    pub(crate) protocol: Option<String>,
    pub(crate) headers: Headers,
}

impl Reply {
    /// Switches to WebSocket.
    pub const fn accept() -> Self {
        Self { rejection: None, protocol: None, headers: Headers::new() }
    }

    /// Rejects the request with this status (400 to 599, or a redirect) and this body, which is plain text unless a header
    /// `Content-Type` says otherwise.
    pub fn reject(status: u16, body: impl Into<String>) -> Self {
        Self { rejection: Some((status, body.into())), protocol: None, headers: Headers::new() }
    }

    /// Chooses a subprotocol. The request must offer it.
    #[must_use]
    pub fn protocol(mut self, protocol: impl Into<String>) -> Self {
        self.protocol = Some(protocol.into());
        self
    }

    /// Adds a header line. The value may be any bytes but control characters. For headers that the handshake writes itself, the
    /// answer fails with [`Misuse::HandshakeHeader`](crate::Misuse::HandshakeHeader).
    #[must_use]
    pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<[u8]>) -> Self {
        self.headers.push(name.as_ref(), value.as_ref());
        self
    }
}

/// Without credentials, which a subprotocol may be as well.
impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("rejection", &self.rejection)
            .field("protocol", &self.protocol.is_some())
            .field("headers", &self.headers)
            .finish()
    }
}
