use core::fmt;

/// One of the two ends of a connection (RFC 6455 §1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The end that sends the request of the opening handshake.
    Client,
    /// The end that answers the request.
    Server,
}

impl Role {
    /// The other end.
    #[must_use]
    pub const fn peer(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }

    /// `client` or `server`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which end can break a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Offender {
    /// Only a client.
    Client,
    /// Only a server.
    Server,
    /// Either end.
    Either,
}

impl Offender {
    /// Whether an end in this role can break the rule.
    pub const fn includes(self, role: Role) -> bool {
        match (self, role) {
            (Self::Either, _) | (Self::Client, Role::Client) | (Self::Server, Role::Server) => true,
            (Self::Client, Role::Server) | (Self::Server, Role::Client) => false,
        }
    }
}
