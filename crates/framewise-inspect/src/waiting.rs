//! What a side waits for.

use std::collections::VecDeque;

use framewise_rules::Role;

use crate::frames::Moment;

/// The Pings of a direction that no Pong answered yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pings {
    pub(crate) open: VecDeque<(Vec<u8>, Moment)>,
    /// One of them was reported as unanswered.
    pub(crate) unanswered: bool,
}

/// Which deadlines ran out already: each is told once.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Passed {
    pub(crate) handshake: bool,
    pub(crate) close: bool,
    pub(crate) idle: Option<Role>,
}
