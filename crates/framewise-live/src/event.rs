use std::io;
use std::path::PathBuf;
use std::time::Duration;

use framewise::AcceptDelay;
use framewise_inspect::Connection;
use framewise_inspect::report::Finding;
use framewise_proto::Header;
use framewise_rules::Role;

use crate::{Rewritten, TlsFault};

/// The connection that an event is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// Names it among the others: its number, from 1.
    pub id: String,
    /// The client's address, where it is known.
    pub client: Option<String>,
    /// The server's name or address and its port, where it is known.
    pub server: Option<String>,
}

/// Something that happened on a connection.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// A client connected to the proxy.
    Accepted,
    /// The server cannot be reached; the client's connection was closed.
    Unreachable(framewise::Error),
    /// The client is the proxy itself: its upstream leads back to it. The connection was closed.
    Loop,
    /// TLS with the client was not established; its connection was closed.
    NotEncrypted(TlsFault),
    /// The maximum number of connections is open; further clients wait.
    Full {
        /// How many.
        open: usize,
    },
    /// The system has no descriptor or memory for another connection; the open ones go on.
    NotAccepted(io::Error),
    /// A field of the request was rewritten to name the upstream.
    Rewritten(Rewritten),
    /// Behind an intermediary, a connection that was not seen before it: it is judged alone.
    NotPaired,
    /// A fault was made, as asked for.
    Injected {
        /// The sender of what was changed.
        from: Role,
        /// The rule.
        fault: String,
    },
    /// The server announces other ways to reach it (Alt-Svc, RFC 7838): a browser may use them later, around the proxy.
    AlternativeService {
        /// The value of the header field.
        value: String,
    },
    /// A head of the handshake, complete.
    Head {
        /// Who sent it.
        from: Role,
        /// When, since the start.
        time: Option<Duration>,
        /// The head.
        text: String,
    },
    /// A frame: complete, or its header and the start of a long payload.
    Frame {
        /// Who sent it.
        from: Role,
        /// When it began, since the start.
        time: Option<Duration>,
        /// Its header.
        header: Header,
        /// The first bytes of its payload, unmasked; compressed where its message is.
        payload: Vec<u8>,
    },
    /// Something was found. [`Event::Over`] has every finding again, with the causes that only the end tells.
    Finding(Box<Finding>),
    /// A recording cannot be written, or not continued; the connections go on without it. Reported once.
    NotRecorded {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// One side had closed its direction, and the other did nothing for this long: the connection was closed.
    GivenUp {
        /// The side that did nothing.
        silent: Role,
        /// How long.
        after: Duration,
    },
    /// The connection ended: what was found in it.
    Over(Box<Connection>),
}

impl Event {
    /// What an accept loop reports; `None` for what this crate does not know yet.
    pub(crate) fn delayed(delay: AcceptDelay) -> Option<Self> {
        match delay {
            AcceptDelay::Full { open } => Some(Self::Full { open }),
            AcceptDelay::Exhausted(error) => Some(Self::NotAccepted(error)),
            _ => None,
        }
    }
}

/// Where events go. They come from several threads; those of one connection come in order.
pub trait Sink: Send + Sync {
    /// Handles one event. A slow sink slows the observation, and with it the connection.
    fn event(&self, connection: &About, event: Event);

    /// Whether it handles [`Event::Frame`]; without them, the observation is faster.
    fn handles_frames(&self) -> bool {
        true
    }
}

impl<F: Fn(&About, Event) + Send + Sync> Sink for F {
    fn event(&self, connection: &About, event: Event) {
        self(connection, event);
    }
}
