/// A server's own answer to a request that breaks no rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// `None` accepts.
    pub(crate) refusal: Option<(u16, String)>,
    pub(crate) protocol: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
}

impl Reply {
    /// Switches to WebSocket.
    pub const fn accept() -> Self {
        Self { refusal: None, protocol: None, headers: Vec::new() }
    }

    /// Turns the request down with this status, 400 to 599 or a redirect, and this body, in plain text.
    pub fn refuse(status: u16, body: impl Into<String>) -> Self {
        Self { refusal: Some((status, body.into())), protocol: None, headers: Vec::new() }
    }

    /// Chooses a subprotocol; it has to be one of those that the request offers.
    #[must_use]
    pub fn protocol(mut self, protocol: impl Into<String>) -> Self {
        self.protocol = Some(protocol.into());
        self
    }

    /// Another header line of the answer.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// The reason phrase of a status; it tells people what the number means, and may be empty (RFC 9112 §4).
pub(super) const fn reason(status: u16) -> &'static str {
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
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "",
    }
}
