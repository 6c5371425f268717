//! The cases: those that derive from the table of rules, and the families on top of it.

mod closing;
mod control;
mod deflate;
mod fragmentation;
mod framing;
mod handshake;
mod isolation;
mod limits;
mod offers;
mod requests;
mod responses;
mod security;
mod table;
mod text;
mod time;

use std::cmp::Ordering;

use framewise_proto::Opcode;
use framewise_rules::Rule;

use crate::case::{Case, Cut, Due, Frame, Level, Needs, Of, Payload, Seen, Step, Work};

/// Every case, in the order of its families.
pub fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    handshake::push(&mut cases);
    requests::push(&mut cases);
    responses::push(&mut cases);
    framing::push(&mut cases);
    control::push(&mut cases);
    fragmentation::push(&mut cases);
    text::push(&mut cases);
    closing::push(&mut cases);
    limits::push(&mut cases);
    deflate::push(&mut cases);
    offers::push(&mut cases);
    time::push(&mut cases);
    security::push(&mut cases);
    isolation::push(&mut cases);
    table::push(&mut cases);
    for case in &mut cases {
        case.needs.cases = presupposed(case);
    }
    cases
}

/// A Close frame is answered with one, and TCP ends.
pub(crate) const CLOSES: &str = "close/payload/code";
const ECHOES: &str = "frame/length/text-1";
const ANSWERS_PINGS: &str = "control/ping/text";
const INFLATES: &str = "deflate/frames/one-frame";

/// The cases that others may presuppose.
pub(crate) const PRESUPPOSED: [&str; 4] = [CLOSES, ECHOES, ANSWERS_PINGS, INFLATES];

/// What an endpoint has to do for the case to tell anything: the plainest case of it.
fn presupposed(case: &Case) -> Vec<&'static str> {
    let (closes, pings) = match &case.work {
        Work::Frames { due, .. } => match due {
            Due::Answer(_) => (true, false),
            Due::Accept => (true, true),
            Due::Fail { .. } => (false, true),
            Due::Close { .. } => (true, false),
            Due::Lost { .. } | Due::Observe => (false, false),
        },
        Work::Echoes(_) | Work::Beside { .. } => (true, false),
        Work::Request { .. } | Work::Response { .. } => (false, false),
    };
    [
        (case.needs.echo, ECHOES),
        (pings, ANSWERS_PINGS),
        (case.needs.deflate.is_some(), INFLATES),
        (closes, CLOSES),
    ]
    .into_iter()
    .filter(|&(needed, name)| needed && name != case.name)
    .map(|(_, name)| name)
    .collect()
}

/// Orders Autobahn's numbers: `1.2.10` comes after `1.2.9`.
pub fn by_number(a: &str, b: &str) -> Ordering {
    let numbers =
        |id: &str| -> Vec<u32> { id.split('.').map(|part| part.parse().unwrap_or(u32::MAX)).collect() };
    numbers(a).cmp(&numbers(b))
}

/// A handshake, with or without an offer of permessage-deflate, a Ping, and the closing: what a careful client does.
pub fn visit(deflate: bool) -> Case {
    let mut case = frames("visit", "A Ping is answered, and then a Close", Vec::new(), Due::Accept);
    case.needs.deflate = deflate.then(deflate::plain);
    case
}

/// A binary message of this many bytes that comes back.
pub fn echo(size: usize) -> Case {
    let payload = Payload::Repeat(b"framewise ", size);
    let steps = vec![Step::Frame(Frame::new(Opcode::Binary, payload.clone()))];
    frames("echo", "A message comes back", steps, Due::Answer(vec![Seen::Binary(payload)]))
}

/// A case without a name, to find something out.
pub(crate) fn probe(steps: Vec<Step>, due: Due) -> Case {
    frames("", "", steps, due)
}

/// A case after a handshake, at its plainest.
fn frames(name: impl Into<String>, says: impl Into<String>, steps: Vec<Step>, due: Due) -> Case {
    Case {
        name: name.into(),
        says: says.into(),
        rule: None,
        level: Level::Must,
        of: Of::Both,
        needs: Needs { echo: needs_echo(&due), ..Needs::default() },
        autobahn: None,
        work: Work::Frames { steps, cut: Cut::Whole, due },
    }
}

/// An answer that is a message is an echo.
fn needs_echo(due: &Due) -> bool {
    due.messages() > 0
}

/// The endpoint fails the connection, as the rule's row says.
fn fails(rule: Rule, before: Vec<Seen>) -> Due {
    Due::Fail { codes: codes_of(rule), before, late: Vec::new() }
}

/// The codes that the connection may fail with, that of the rule's row first.
fn codes_of(rule: Rule) -> Vec<u16> {
    let due = rule.answer().close_code().map_or(1002, |code| code.0);
    let others: &[u16] = if matches!(rule, Rule::MaskMissing | Rule::MaskPresent) {
        // RFC 6455 §5.1: the endpoint "MUST close the connection", and "MAY send a Close frame with a status code of 1002":
        // any other code is legal, and none (1005).
        &[1000, 1001, 1003, 1005, 1007, 1008, 1011]
    } else if matches!(rule, Rule::DeflateDataInvalid | Rule::DeflateContextMismatch) {
        // RFC 7692 names no code.
        &[1002]
    } else {
        &[]
    };
    std::iter::once(due).chain(others.iter().copied()).collect()
}

impl Case {
    fn rule(mut self, rule: Rule) -> Self {
        self.rule = Some(rule);
        self
    }

    fn autobahn(mut self, number: impl Into<String>) -> Self {
        self.autobahn = Some(number.into());
        self
    }

    fn cut(mut self, new: Cut) -> Self {
        match &mut self.work {
            Work::Frames { cut, .. } | Work::Request { cut, .. } | Work::Response { cut, .. } => *cut = new,
            Work::Echoes(_) | Work::Beside { .. } => {}
        }
        self
    }

    fn level(mut self, level: Level) -> Self {
        self.level = level;
        self
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use framewise_rules::{Answer, Offender, Role, SeenBy};

    use super::*;

    #[test]
    fn names_are_unique_and_plain() {
        let cases = all();
        let names: BTreeSet<_> = cases.iter().map(|case| case.name.as_str()).collect();
        assert_eq!(names.len(), cases.len());
        for name in names {
            let plain =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-/".contains(&byte);
            assert!(name.bytes().all(plain), "{name}");
        }
    }

    /// Autobahn's groups, and how many cases each has.
    const GROUPS: [(&str, u32); 57] = [
        ("1.1", 8),
        ("1.2", 8),
        ("2", 11),
        ("3", 7),
        ("4.1", 5),
        ("4.2", 5),
        ("5", 20),
        ("6.1", 3),
        ("6.2", 4),
        ("6.3", 2),
        ("6.4", 4),
        ("6.5", 5),
        ("6.6", 11),
        ("6.7", 4),
        ("6.8", 2),
        ("6.9", 4),
        ("6.10", 3),
        ("6.11", 5),
        ("6.12", 8),
        ("6.13", 5),
        ("6.14", 10),
        ("6.15", 1),
        ("6.16", 3),
        ("6.17", 5),
        ("6.18", 5),
        ("6.19", 5),
        ("6.20", 7),
        ("6.21", 8),
        ("6.22", 34),
        ("6.23", 7),
        ("7.1", 6),
        ("7.3", 6),
        ("7.5", 1),
        ("7.7", 13),
        ("7.9", 9),
        ("7.13", 2),
        ("9.1", 6),
        ("9.2", 6),
        ("9.3", 9),
        ("9.4", 9),
        ("9.5", 6),
        ("9.6", 6),
        ("9.7", 6),
        ("9.8", 6),
        ("10.1", 1),
        ("12.1", 18),
        ("12.2", 18),
        ("12.3", 18),
        ("12.4", 18),
        ("12.5", 18),
        ("13.1", 18),
        ("13.2", 18),
        ("13.3", 18),
        ("13.4", 18),
        ("13.5", 18),
        ("13.6", 18),
        ("13.7", 18),
    ];

    #[test]
    fn each_of_autobahns_517_cases_has_its_equal_once() {
        let theirs: Vec<_> = GROUPS
            .iter()
            .flat_map(|&(group, count)| (1..=count).map(move |number| format!("{group}.{number}")))
            .collect();
        assert_eq!(theirs.len(), 517);
        let cases = all();
        let mut ours: Vec<_> = cases.iter().filter_map(|case| case.autobahn.as_deref()).collect();
        ours.sort_by(|a, b| by_number(a, b));
        assert_eq!(ours, theirs);
    }

    #[test]
    fn each_rule_that_a_receiver_enforces_has_a_case() {
        let cases = all();
        for &rule in Rule::ALL {
            // What only a clock, a configuration or the end of the stream shows has no bytes to send.
            let has_bytes = matches!(rule.answer(), Answer::Close(_) | Answer::Http(_) | Answer::Abort);
            let configured = matches!(rule.topic(), "limit") || NEEDS_CONFIGURATION.contains(&rule);
            if rule.seen_by() != SeenBy::Receiver || !has_bytes || configured {
                continue;
            }
            let of = |role: Role| {
                cases
                    .iter()
                    .any(|case| case.rule == Some(rule) && case.is_for(role) && case.level <= binding(rule))
            };
            let (server, client) = (of(Role::Server), of(Role::Client));
            match rule.by() {
                Offender::Client => assert!(server, "{rule} for servers"),
                Offender::Server => assert!(client, "{rule} for clients"),
                Offender::Either => assert!(server && client, "{rule}"),
            }
        }
    }

    /// What obliges a receiver to the rule.
    fn binding(rule: Rule) -> Level {
        let may = matches!(
            rule,
            Rule::RequestBody
                | Rule::DeflateContextMismatch
                | Rule::ResponseHeaderMalformed
                | Rule::ResponseBodyFraming
        );
        if may { Level::May } else { Level::Must }
    }

    /// Rules that an endpoint breaks only under a configuration of its peer or by silence, and such that bind the sender alone.
    const NEEDS_CONFIGURATION: [Rule; 8] = [
        // No sentence says that a receiver has to notice them.
        Rule::RequestHostMismatch,
        Rule::DeflateWindowViolated,
        // Limits.
        Rule::RequestTooLarge,
        Rule::ResponseTooLarge,
        Rule::RequestTimeout,
        Rule::RequestOrigin,
        Rule::ResponseTimeout,
        Rule::ExtensionRequired,
    ];
}
