//! What an observer keeps of the frames beyond what it needs to judge them.

/// What is kept of a direction's frames.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keep {
    pub(crate) frames: Shown,
    pub(crate) contents: Contents,
}

/// What the caller is shown while the connection lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    Frames,
    FindingsAlone,
}

/// Whether messages are compared with those of another leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contents {
    Compared,
    NotCompared,
}
