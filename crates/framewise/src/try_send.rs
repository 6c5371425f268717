use std::fmt;

use crate::{Error, Message};

/// Why a message was not queued at once.
#[non_exhaustive]
pub enum TrySendError {
    /// The queue is full, or other senders wait for it already: the peer reads more slowly than this end sends. The message
    /// is returned.
    Full(Message),
    /// The message cannot be queued later either: the connection is closing or lost.
    Failed(Error),
}

impl fmt::Display for TrySendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(_) => f.write_str("the queue is full: the peer reads more slowly than this end sends"),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

/// The sentence, without the message.
impl fmt::Debug for TrySendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(_) => fmt::Display::fmt(self, f),
            Self::Failed(error) => fmt::Debug::fmt(error, f),
        }
    }
}

impl std::error::Error for TrySendError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Full(_) => None,
            Self::Failed(error) => error.source(),
        }
    }
}

impl From<Error> for TrySendError {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}
