//! Faults that a proxy makes on request.

mod bytes;
mod frames;
mod parse;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use framewise_rules::Role;
use tokio::time::Instant;

use bytes::Bytes;
use frames::Frames;

/// One fault: what is done, when, and to whose messages. Its notation is that of `framewise inspect --fault`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    action: Action,
    when: When,
    /// The sender of what is changed; `None` for either.
    from: Option<Role>,
    text: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Action {
    Delay(Duration),
    Drop,
    /// Both connections are closed.
    Cut,
    Reset,
    /// A bit of a byte, from 0, the lowest.
    Flip(u8),
    /// Frames of this many bytes of payload.
    Split(usize),
    /// One frame from those of a message.
    Join,
    Close(Vec<u8>),
    Replace(Vec<u8>),
    Edit(Vec<u8>, Vec<u8>),
    Inject(Piece),
    /// It follows this many later messages.
    Hold(u64),
}

/// What is injected.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Frame(u8, Vec<u8>),
    Bytes(Vec<u8>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum When {
    Message(u64),
    /// Each of this many messages.
    Every(u64),
    /// Each message with these bytes in it.
    With(Vec<u8>),
    Frame(u64),
    /// At an offset in the stream, as findings count it.
    Byte(u64),
    /// So long after the connection began.
    After(Duration),
}

/// What is done next with a direction.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Pass(Vec<u8>),
    Wait(Duration),
    Cut,
    Reset,
    /// A fault was made.
    Made(String),
}

impl Fault {
    /// Whether messages have to be seen whole, and uncompressed.
    pub(crate) const fn reads_messages(&self) -> bool {
        matches!(self.action, Action::Replace(_) | Action::Edit(..) | Action::Join)
            || matches!(self.when, When::With(_))
    }

    /// Whether it may concern what this side sends.
    pub(crate) fn concerns(&self, side: Role) -> bool {
        self.from.is_none_or(|from| from == side)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The faults of one direction of a connection.
#[derive(Debug)]
pub(crate) struct Direction {
    frames: Frames,
    bytes: Bytes,
    /// Faults at a time, the first one last.
    timed: Vec<(Instant, Fault)>,
}

impl Direction {
    /// The faults in what this side sends; `None` where there are none.
    pub(crate) fn new(faults: &[Fault], from: Role) -> Option<Self> {
        let faults: Vec<_> = faults.iter().filter(|fault| fault.concerns(from)).cloned().collect();
        if faults.is_empty() {
            return None;
        }
        let start = Instant::now();
        let (mut framed, mut at_bytes, mut timed) = (Vec::new(), Vec::new(), Vec::new());
        for fault in faults {
            match fault.when {
                When::Byte(at) => at_bytes.push((at, fault)),
                When::After(time) => timed.push((start + time, fault)),
                When::Message(_) | When::Every(_) | When::With(_) | When::Frame(_) => framed.push(fault),
            }
        }
        timed.sort_by_key(|(time, _)| std::cmp::Reverse(*time));
        Some(Self { frames: Frames::new(framed, from), bytes: Bytes::new(at_bytes), timed })
    }

    pub(crate) fn take(&mut self, bytes: &[u8]) -> Vec<Step> {
        let steps = self.frames.take(bytes);
        self.bytes.take(steps)
    }

    pub(crate) fn end(&mut self) -> Vec<Step> {
        let steps = self.frames.end();
        self.bytes.take(steps)
    }

    /// When the next fault is due by the clock.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.timed.last().map(|(time, _)| *time)
    }

    /// The fault that is due.
    pub(crate) fn due(&mut self) -> Vec<Step> {
        let Some((_, fault)) = self.timed.pop() else { return Vec::new() };
        let mut steps = vec![Step::Made(fault.text.clone())];
        match fault.action {
            Action::Delay(time) => steps.push(Step::Wait(time)),
            Action::Cut => steps.push(Step::Cut),
            Action::Reset => steps.push(Step::Reset),
            Action::Close(payload) => steps.extend(self.frames.close(&payload)),
            Action::Inject(piece) => steps.extend(self.frames.inject(&piece)),
            // The notation has none of these at a time.
            Action::Drop | Action::Flip(_) | Action::Split(_) | Action::Join => {}
            Action::Replace(_) | Action::Edit(..) | Action::Hold(_) => {}
        }
        self.bytes.take(steps)
    }
}
