use core::time::Duration;

use super::Transport;

/// How far a connection has come (RFC 6455 §4.1 and §7.1: OPEN, CLOSING, CLOSED).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Messages are sent and received.
    Open,
    /// Our Close is queued: nothing more is sent. The peer's is waited for until this moment.
    Closing { until: Duration },
    /// The closing handshake is done, or the connection failed: what comes is discarded.
    Over {
        transport: Transport,
        /// Until when the transport's end is waited for.
        until: Option<Duration>,
        rest: Rest,
    },
}

/// What is done with bytes that come after the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// They follow the peer's Close, which is reported once.
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

    /// Until when what is waited for has to come.
    pub(super) const fn deadline(self) -> Option<Duration> {
        match self {
            Self::Open => None,
            Self::Closing { until } => Some(until),
            Self::Over { until, .. } => until,
        }
    }
}
