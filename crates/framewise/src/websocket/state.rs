/// The state of the underlying stream of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    /// Both directions are open.
    #[default]
    Open,
    /// Our direction is shut down; the peer may still send.
    ShutDown,
    /// The peer's direction has ended; ours is open.
    PeerEnded,
    /// Both directions have ended.
    BothEnded,
    /// Nothing can be written any more; what the peer sent before may still be read.
    Failed,
    /// The connection is closed.
    Finished,
    /// The connection is closed, and the stream failed.
    FinishedFailed,
}

impl State {
    pub(super) const fn is_failed(self) -> bool {
        matches!(self, Self::Failed | Self::FinishedFailed)
    }

    pub(super) const fn is_finished(self) -> bool {
        matches!(self, Self::Finished | Self::FinishedFailed)
    }

    /// Whether our direction is not shut down yet.
    pub(super) const fn is_writable(self) -> bool {
        matches!(self, Self::Open | Self::PeerEnded)
    }

    /// Whether the peer has ended its direction, but the stream has not failed: what is queued may still be written.
    pub(super) const fn peer_ended(self) -> bool {
        matches!(self, Self::PeerEnded | Self::BothEnded)
    }

    pub(super) const fn shut_down(&mut self) {
        *self = match self {
            Self::Open | Self::ShutDown => Self::ShutDown,
            Self::PeerEnded | Self::BothEnded => Self::BothEnded,
            Self::Failed | Self::Finished | Self::FinishedFailed => return,
        }
    }

    pub(super) const fn end_of_peer(&mut self) {
        *self = match self {
            Self::Open | Self::PeerEnded => Self::PeerEnded,
            Self::ShutDown | Self::BothEnded => Self::BothEnded,
            Self::Failed | Self::Finished | Self::FinishedFailed => return,
        }
    }

    pub(super) const fn fail(&mut self) {
        *self = if self.is_finished() { Self::FinishedFailed } else { Self::Failed };
    }

    pub(super) const fn finish(&mut self) {
        *self = if self.is_failed() { Self::FinishedFailed } else { Self::Finished };
    }
}
