//! Compares the engine with tungstenite, in this process, and with wsproto, in a Python process if it is installed.
//!
//! All get the same frames. Their results may differ only as `differences.md` lists, with who is right.

mod tungstenite;
mod wsproto;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::LazyLock;

use framewise_proto::{Header, MessageKind};
use framewise_rules::Role;

use crate::engine::{Flags, Run, Seen};
use crate::input::{Cut, Input};

/// The result of an implementation for a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The complete messages that it delivered.
    pub messages: Vec<(MessageKind, Vec<u8>)>,
    /// How it ended.
    pub end: End,
}

/// How an implementation ended a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Not yet: it accepted all bytes.
    Open,
    /// With a Close that it received.
    Closed(Option<u16>),
    /// It failed the connection: our rule or the other's name of the error, and the close code if it has one.
    Failed(String, Option<u16>),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => f.write_str("open"),
            Self::Closed(_) => f.write_str("closed"),
            Self::Failed(name, _) => f.write_str(name),
        }
    }
}

/// The known differences: peer, our result, its result.
static KNOWN: LazyLock<BTreeSet<Difference>> = LazyLock::new(|| {
    let rows = include_str!("../differences.md")
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| peer"));
    rows.filter_map(|row| {
        let mut cells = row.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', ""));
        Some((cells.next()?, cells.next()?, cells.next()?))
    })
    .collect()
});

/// A difference: peer, our result, its result.
pub type Difference = (String, String, String);

/// The properties.
pub fn check(data: &[u8]) {
    for (difference, detail) in differences(data) {
        assert!(
            known().iter().any(|row| shows(row, &difference)),
            "differences.md does not list it: {difference:?}\n{detail}"
        );
    }
}

/// Whether a row lists this difference; `*` matches any result.
pub fn shows(row: &Difference, difference: &Difference) -> bool {
    row.0 == difference.0 && row.1 == difference.1 && (row.2 == difference.2 || row.2 == "*")
}

/// The rows of the list.
pub fn known() -> &'static BTreeSet<Difference> {
    &KNOWN
}

/// The differences for a stream.
pub fn differences(data: &[u8]) -> Vec<(Difference, String)> {
    let mut input = Input::new(data);
    // Compression is not compared, and the others cannot be configured to tolerate a violation.
    let flags = Flags { agreed: "", lenient: false, limited: false, ..Flags::of(input.byte()) };
    let stream = &input.rest()[..input.rest().len().min(2048)];
    let (ours, at) = ours(flags, stream);
    let waiting = at.is_some_and(|at| ends_inside(stream, at));
    let tungstenite = Some(("tungstenite", tungstenite::judge(flags.role, stream)));
    let wsproto = wsproto::judge(flags.role, stream).map(|theirs| ("wsproto", theirs));
    let theirs = [tungstenite, wsproto].into_iter().flatten().filter(|(_, theirs)| {
        // The others find a fault only once the frame is complete, we in its first bytes.
        let waits = waiting && theirs.end == End::Open && ours.messages == theirs.messages;
        !waits && !agree(&ours, theirs)
    });
    theirs
        .map(|(peer, theirs)| {
            let difference = (peer.to_owned(), ours.end.to_string(), theirs.end.to_string());
            (difference, format!("ours: {ours:?}\ntheirs: {theirs:?}"))
        })
        .collect()
}

/// Whether the frame with this byte is incomplete.
fn ends_inside(stream: &[u8], at: u64) -> bool {
    let mut start = 0_u64;
    loop {
        let Some(header) = stream.get(start as usize..).and_then(Header::decode) else { return true };
        let end = start.saturating_add(header.size() as u64).saturating_add(header.length);
        if end > stream.len() as u64 {
            return true;
        }
        if at < end {
            return false;
        }
        start = end;
    }
}

/// The engine's result, and the offset of the fault.
fn ours(flags: Flags, stream: &[u8]) -> (Verdict, Option<u64>) {
    let run = Run::before_the_end(flags.connection(flags.role), &Cut::Whole.pieces(stream));
    let at = run.violation.as_ref().and_then(|violation| violation.offset);
    let mut verdict = Verdict { messages: Vec::new(), end: End::Open };
    for seen in run.seen {
        match seen {
            Seen::Message(kind, message) => verdict.messages.push((kind, message)),
            Seen::Close(close) => verdict.end = End::Closed(close.map(|close| close.0)),
            Seen::Violation(rule, ..) => {
                let code = rule.answer().close_code().map(|code| code.0);
                verdict.end = End::Failed(rule.id().to_owned(), code);
            }
            Seen::Ping(_) | Seen::Pong(_) | Seen::Tolerated(..) | Seen::Ended(..) => {}
        }
    }
    (verdict, at)
}

/// Whether two verdicts are the same.
fn agree(ours: &Verdict, theirs: &Verdict) -> bool {
    if ours.messages != theirs.messages {
        return false;
    }
    match (&ours.end, &theirs.end) {
        (End::Open, End::Open) => true,
        (End::Closed(a), End::Closed(b)) => a == b,
        (End::Failed(_, a), End::Failed(_, b)) => a == b || a.is_none() || b.is_none(),
        (End::Open | End::Closed(_) | End::Failed(..), _) => false,
    }
}

/// The streams of the examples that begin after a handshake without extensions.
pub fn seeds() -> Vec<Vec<u8>> {
    crate::seeds::streams()
        .into_iter()
        .filter(|(_, open, _)| open.is_empty())
        .map(|(sender, _, stream)| [&[u8::from(sender == Role::Server)][..], &stream].concat())
        .collect()
}
