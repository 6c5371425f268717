use std::fmt;

use framewise_proto::handshake::hidden_values;

/// A server's own answer to a request that breaks no rule.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    /// `None` accepts.
    pub(crate) rejection: Option<(u16, String)>,
    pub(crate) protocol: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
}

impl Reply {
    /// Switches to WebSocket.
    pub const fn accept() -> Self {
        Self { rejection: None, protocol: None, headers: Vec::new() }
    }

    /// Rejects the request with this status, 400 to 599 or a redirect, and this body: plain text, unless a header
    /// `Content-Type` says something else.
    pub fn reject(status: u16, body: impl Into<String>) -> Self {
        Self { rejection: Some((status, body.into())), protocol: None, headers: Vec::new() }
    }

    /// Chooses a subprotocol; it has to be one of those that the request offers.
    #[must_use]
    pub fn protocol(mut self, protocol: impl Into<String>) -> Self {
        self.protocol = Some(protocol.into());
        self
    }

    /// Another header line of the answer. Those that the handshake writes itself are refused
    /// ([`Misuse::HandshakeHeader`](crate::Misuse::HandshakeHeader)).
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
