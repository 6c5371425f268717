//! Verdicts in the making, and the words for what was seen.

use framewise_proto::Violation;

use super::steps::{Course, End};
use crate::case::{Payload, Seen};
use crate::verdict::{Behaviour, Closing};

/// A verdict without its recording.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) behaviour: Behaviour,
    pub(super) closing: Closing,
    pub(super) code: Option<u16>,
    pub(super) says: String,
    pub(super) broke: Option<framewise_rules::Rule>,
}

impl Judged {
    pub(super) fn new(behaviour: Behaviour, closing: Closing, says: impl Into<String>) -> Self {
        Self { behaviour, closing, code: None, says: says.into(), broke: None }
    }

    pub(super) fn failed(says: impl Into<String>) -> Self {
        Self::new(Behaviour::Failed, Closing::None, says)
    }
}

/// What differs from the answers that are due.
pub(super) fn differs(course: &Course, due: &[Seen]) -> Option<Judged> {
    for (index, due) in due.iter().enumerate() {
        match course.seen.get(index) {
            Some(seen) if same(seen, due) => {}
            Some(seen) => {
                return Some(Judged::failed(format!(
                    "the endpoint sent {}; {} is due",
                    describe(seen),
                    describe(due)
                )));
            }
            None => {
                let how = course
                    .end
                    .as_ref()
                    .map_or_else(String::new, |end| format!(": the endpoint {}", told(end)));
                return Some(Judged::failed(format!("{} did not come{how}", describe(due))));
            }
        }
    }
    let extra = course.seen.get(due.len())?;
    Some(Judged::failed(format!("the endpoint sent {}, which is not due", describe(extra))))
}

/// A case that failed before its end was due: how that came.
pub(super) fn ended_instead(mut judged: Judged, course: &Course) -> Judged {
    match &course.end {
        None | Some(End::Flood) => judged.closing = Closing::Missing,
        Some(End::Close(close)) => {
            let code = close.as_ref().map_or(1005, |close| close.code.0);
            judged.code = Some(code);
            judged.closing = Closing::WrongCode;
        }
        Some(End::Eof | End::Reset) => judged.closing = Closing::Dropped,
        Some(End::Broke(violation)) => return broke(violation),
    }
    judged
}

pub(super) fn broke(violation: &Violation) -> Judged {
    let mut judged =
        Judged::failed(format!("the endpoint broke {} itself: {}", violation.rule, violation.sentence()));
    judged.closing = Closing::Missing;
    judged.broke = Some(violation.rule);
    judged
}

pub(super) fn told(end: &End) -> String {
    match end {
        End::Close(None) => "closed without a code".into(),
        End::Close(Some(close)) => format!("closed with {}", close.code),
        End::Eof => "ended TCP without a Close frame".into(),
        End::Reset => "reset TCP without a Close frame".into(),
        End::Flood => "sent far more than it was asked for".into(),
        End::Broke(violation) => format!("broke {} itself", violation.rule),
    }
}

pub(super) fn same(seen: &Seen, due: &Seen) -> bool {
    match (seen, due) {
        (Seen::Text(seen), Seen::Text(due)) | (Seen::Binary(seen), Seen::Binary(due)) => {
            seen.len() == due.len() && seen.bytes() == due.bytes()
        }
        (seen, due) => seen == due,
    }
}

pub(super) fn describe(seen: &Seen) -> String {
    let sized = |what: &str, payload: &Payload| {
        if payload.len() == 1 {
            format!("{what} of 1 byte")
        } else {
            format!("{what} of {} bytes", payload.len())
        }
    };
    match seen {
        Seen::Text(payload) => sized("a text message", payload),
        Seen::Binary(payload) => sized("a binary message", payload),
        Seen::Ping(payload) => format!("a Ping of {} bytes", payload.len()),
        Seen::Pong(payload) => format!("a Pong of {} bytes", payload.len()),
    }
}
