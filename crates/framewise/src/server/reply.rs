use std::fmt;

use framewise_proto::handshake::hidden_values;

/// The answer of the application to a valid request.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    /// `None` if it accepts.
    pub(crate) rejection: Option<(u16, String)>,
    pub(crate) protocol: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
}

impl Reply {
    /// Switches to WebSocket.
    pub const fn accept() -> Self {
        Self { rejection: None, protocol: None, headers: Vec::new() }
    }

    /// Rejects the request with this status (400 to 599, or a redirect) and this body, which is plain text unless a header
    /// `Content-Type` says otherwise.
    pub fn reject(status: u16, body: impl Into<String>) -> Self {
        Self { rejection: Some((status, body.into())), protocol: None, headers: Vec::new() }
    }

    /// Chooses a subprotocol. The request must offer it.
    #[must_use]
    pub fn protocol(mut self, protocol: impl Into<String>) -> Self {
        self.protocol = Some(protocol.into());
        self
    }

    /// Adds a header line. For headers that the handshake writes itself, the answer fails with
    /// [`Misuse::HandshakeHeader`](crate::Misuse::HandshakeHeader).
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// Without credentials, which a subprotocol may be as well.
impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("rejection", &self.rejection)
            .field("protocol", &self.protocol.is_some())
            .field("headers", &hidden_values(&self.headers))
            .finish()
    }
}
