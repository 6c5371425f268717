use core::time::Duration;

use super::Transport;

/// The state of a connection (RFC 6455 §4.1 and §7.1: OPEN, CLOSING, CLOSED).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Messages are sent and received.
    Open,
    /// Our Close is queued: nothing more is sent. The peer's Close is awaited until this time.
    Closing { until: Duration },
    /// The closing handshake is done, or the connection failed: further bytes are discarded.
    Over {
        transport: Transport,
        /// Until when the transport's end is awaited.
        until: Option<Duration>,
        rest: Rest,
    },
}

/// What happens to bytes after the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// They follow the peer's Close; the first of them are reported, once.
    Report,
    Discard,
}

impl State {
    pub(super) const fn is_open(self) -> bool {
        matches!(self, Self::Open)
    }

    pub(super) const fn is_over(self) -> bool {
        matches!(self, Self::Over { .. })
    }

    pub(super) const fn transport(self) -> Transport {
        match self {
            Self::Open | Self::Closing { .. } => Transport::Open,
            Self::Over { transport, .. } => transport,
        }
    }

    /// Until when the peer's Close or the transport's end is awaited.
    pub(super) const fn deadline(self) -> Option<Duration> {
        match self {
            Self::Open => None,
            Self::Closing { until } => Some(until),
            Self::Over { until, .. } => until,
        }
    }
}
