//! Verdicts in the making, and the words for what was seen.

use framewise_proto::Violation;

use super::steps::{Course, End};
use crate::case::Seen;
use crate::verdict::{Behaviour, Closing};

/// A verdict without its recording.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) behaviour: Behaviour,
    pub(super) closing: Closing,
    pub(super) code: Option<u16>,
    pub(super) says: String,
    pub(super) broke: Option<framewise_rules::Rule>,
    /// It failed by what it took: a strict endpoint would have failed the connection.
    pub(super) took_it: bool,
}

impl Judged {
    pub(super) fn new(behaviour: Behaviour, closing: Closing, says: impl Into<String>) -> Self {
        Self { behaviour, closing, code: None, says: says.into(), broke: None, took_it: false }
    }

    pub(super) fn failed(says: impl Into<String>) -> Self {
        Self::new(Behaviour::Failed, Closing::None, says)
    }
}

/// How what was seen compares with what is due.
pub(super) enum Compared<'c> {
    /// It is the same.
    Same,
    /// This did not come any more.
    Lacks(&'c Seen),
    /// The first came instead of the second, or of nothing.
    Other(&'c Seen, Option<&'c Seen>),
}

/// Compares what was seen with what is due. RFC 6455 §5.5.3: an endpoint that "has not yet sent Pong frame(s) in response to
/// previous Ping frame(s)" may "send a Pong frame for only the most recently processed Ping frame": a Pong may be missing where
/// a later one came.
pub(super) fn compared<'c>(course: &'c Course, due: &'c [Seen]) -> Compared<'c> {
    let mut seen = course.seen.iter().peekable();
    let mut pongs = 0;
    for (index, one) in due.iter().enumerate() {
        let is_pong = matches!(one, Seen::Pong(_));
        pongs += usize::from(is_pong);
        if seen.next_if(|seen| same(seen, one)).is_some() {
            continue;
        }
        let later = due[index + 1..].iter().filter(|due| matches!(due, Seen::Pong(_)));
        let answered = later.into_iter().any(|later| seen.clone().any(|seen| same(seen, later)));
        if is_pong && (answered || pongs <= course.superseded) {
            continue;
        }
        return match seen.next() {
            Some(other) => Compared::Other(other, Some(one)),
            None => Compared::Lacks(one),
        };
    }
    seen.next().map_or(Compared::Same, |extra| Compared::Other(extra, None))
}

/// What differs from the answers that are due.
pub(super) fn differs(course: &Course, due: &[Seen]) -> Option<Judged> {
    let says = match compared(course, due) {
        Compared::Same => return None,
        Compared::Lacks(due) => {
            let how =
                course.end.as_ref().map_or_else(String::new, |end| format!(": the endpoint {}", told(end)));
            format!("{} did not come{how}", describe(due))
        }
        Compared::Other(seen, Some(due)) => {
            format!("the endpoint sent {}; {} is due", describe(seen), describe(due))
        }
        Compared::Other(seen, None) => format!("the endpoint sent {}, which is not due", describe(seen)),
    };
    Some(Judged::failed(says))
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
    let (what, length) = match seen {
        Seen::Text(payload) => ("a text message", payload.len()),
        Seen::Binary(payload) => ("a binary message", payload.len()),
        Seen::Ping(payload) => ("a Ping", payload.len()),
        Seen::Pong(payload) => ("a Pong", payload.len()),
    };
    if length == 1 { format!("{what} of 1 byte") } else { format!("{what} of {length} bytes") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pong(payload: &str) -> Seen {
        Seen::Pong(payload.into())
    }

    fn says(seen: &[Seen], superseded: usize, due: &[Seen]) -> Option<String> {
        let course = Course { seen: seen.to_vec(), superseded, ..Course::default() };
        differs(&course, due).map(|judged| judged.says)
    }

    #[test]
    fn a_pong_may_be_missing_where_a_later_one_came() {
        let text = || Seen::Text("abc".into());
        let due = [pong("1"), pong("22"), text()];
        assert_eq!(says(&[pong("1"), pong("22"), text()], 0, &due), None);
        assert_eq!(says(&[pong("22"), text()], 0, &due), None);
        assert_eq!(says(&[text()], 2, &due), None, "a Ping of the runner was answered after both");
        let missing = |seen: &[Seen], superseded| says(seen, superseded, &due).expect("a Pong is missing");
        // The last one is due, in its place, and nothing else may come instead.
        assert_eq!(missing(&[pong("1")], 0), "a Pong of 2 bytes did not come");
        assert_eq!(
            missing(&[text()], 0),
            "the endpoint sent a text message of 3 bytes; a Pong of 1 byte is due"
        );
        assert_eq!(
            missing(&[pong("1"), text()], 1),
            "the endpoint sent a text message of 3 bytes; a Pong of 2 bytes is due"
        );
        assert_eq!(
            missing(&[pong("22"), pong("1"), text()], 0),
            "the endpoint sent a Pong of 1 byte; a text message of 3 bytes is due"
        );
        assert_eq!(missing(&[pong("22")], 0), "a text message of 3 bytes did not come");
        assert_eq!(
            missing(&[pong("333"), text()], 0),
            "the endpoint sent a Pong of 3 bytes; a Pong of 1 byte is due"
        );
        assert!(missing(&[pong("1"), pong("22"), text(), text()], 0).ends_with("which is not due"));
    }
}
