//! An observer of both directions: the findings, their causes and the verdict are the same however the streams are cut.
//! The findings are within the streams, and never more than the limit.

use framewise_inspect::{Connection, Observer, Report};
use framewise_proto::frame::MAX_HEADER;
use framewise_rules::{Cause, Role, Setup};

use crate::engine::{AGREEMENTS, names_whole_payload};
use crate::input::{Cut, Input};

/// One thing that a side did.
#[derive(Clone, Debug)]
enum Step<'d> {
    Bytes(Role, &'d [u8]),
    Eof(Role),
    Reset(Role),
}

/// This cause, a receiver that expects a frame in one piece, does depend on the cuts.
const CUT: Cause = Cause::ReceiverRejectsLegalFrame;

const HEADS: [(&str, &str); 2] = [
    (
        "GET /ws HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
    ),
    ("", ""),
];

/// The properties.
pub fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let (flags, seed) = (input.byte(), input.byte());
    let mut steps = Vec::new();
    if flags & 4 != 0 {
        let (request, response) = HEADS[usize::from(flags >> 3 & 1)];
        steps.push(Step::Bytes(Role::Client, request.as_bytes()));
        steps.push(Step::Bytes(Role::Server, response.as_bytes()));
    }
    while !input.rest().is_empty() && steps.len() < 64 {
        let shape = input.byte();
        let role = if shape & 1 == 0 { Role::Client } else { Role::Server };
        steps.push(match shape >> 1 {
            126 => Step::Eof(role),
            127 => Step::Reset(role),
            count => Step::Bytes(role, input.take(usize::from(count) + 1)),
        });
    }
    let open = (flags & 4 == 0).then(|| AGREEMENTS[usize::from(flags & 3)]);
    let whole = observe(open, &steps, Cut::Whole);
    for cut in [Cut::Bytes, Cut::At(1 + usize::from(seed) % 16), Cut::Pieces(seed)] {
        let pieces = observe(open, &steps, cut);
        assert_eq!(said(&whole), said(&pieces), "{open:?}, {cut:?}");
        let verdict = |connection: &Connection| {
            let verdict = connection.verdict.as_ref().filter(|verdict| verdict.cause != Some(CUT));
            verdict.map(|verdict| (verdict.rule, verdict.cause, verdict.close))
        };
        let comparable =
            [&whole, &pieces].map(|of| of.verdict.as_ref().is_none_or(|of| of.cause != Some(CUT)));
        if comparable == [true, true] {
            assert_eq!(verdict(&whole), verdict(&pieces), "{open:?}, {cut:?}");
        }
        assert_eq!(whole.ended, pieces.ended, "{open:?}, {cut:?}");
    }
    assert!(whole.findings.len() <= 1000, "{} findings", whole.findings.len());
    let length = |role: Role| -> u64 {
        let bytes = steps.iter().map(|step| match step {
            Step::Bytes(from, bytes) if *from == role => bytes.len() as u64,
            Step::Bytes(..) | Step::Eof(_) | Step::Reset(_) => 0,
        });
        bytes.sum()
    };
    for finding in &whole.findings {
        let longest = finding.by.map_or(length(Role::Client).max(length(Role::Server)), length);
        assert!(finding.offset <= longest, "{finding:?} in {longest} bytes");
        // The length of a header counts its masking key before it has arrived.
        let most = longest + MAX_HEADER as u64;
        let inflated = open != Some("") && finding.rule.is_some_and(names_whole_payload);
        assert!(inflated || finding.offset + finding.length <= most, "{finding:?} in {longest} bytes");
        assert!(finding.rule.is_some() || !finding.causes.is_empty(), "{finding:?} says nothing");
    }
    if let Some(verdict) = &whole.verdict {
        let explained = whole.findings.iter().any(|finding| finding.rule == verdict.rule);
        assert!(explained, "{verdict:?} is of no finding");
    }
    let report = Report { connections: vec![whole] };
    serde_json::to_string(&report).expect("a report is JSON");
}

fn observe(open: Option<&str>, steps: &[Step<'_>], cut: Cut) -> Connection {
    let mut observer = Observer::new(Setup::DEFAULT.into());
    let leg = observer.leg("client-server");
    if let Some(extensions) = open {
        observer.open(leg, extensions);
    }
    for step in steps {
        match step {
            Step::Bytes(role, bytes) => {
                for piece in cut.pieces(bytes) {
                    observer.bytes(leg, *role, None, piece);
                }
            }
            Step::Eof(role) => observer.eof(leg, *role, None),
            Step::Reset(role) => observer.reset(leg, *role, None),
        }
    }
    observer.finish()
}

type Said = (Option<&'static str>, Option<Role>, u64, Vec<&'static str>);

/// What is compared of the findings. Not their order: which direction is judged first depends on the cuts.
fn said(connection: &Connection) -> Vec<Said> {
    let mut findings: Vec<Said> = connection
        .findings
        .iter()
        .filter(|finding| finding.rule.is_some())
        .map(|finding| {
            let causes = finding.causes.iter().filter(|cause| cause.id != CUT);
            let causes = causes.map(|cause| cause.id.id()).collect();
            (finding.rule.map(framewise_rules::Rule::id), finding.by, finding.offset, causes)
        })
        .collect();
    findings.sort_by_key(|(rule, by, offset, _)| (*by, *offset, *rule));
    findings
}

/// The examples, both directions.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (_, transcript) in crate::seeds::examples() {
        let Some(leg) = transcript.legs.first() else { continue };
        let mut seed = vec![
            match leg.open.as_deref() {
                None => 4 | 8,
                Some("") => 0,
                Some(_) => 1,
            },
            3,
        ];
        for event in &transcript.events {
            let side = u8::from(event.from == Role::Server);
            match &event.action {
                framewise_transcript::Action::Bytes(bytes) => {
                    for piece in bytes.chunks(126) {
                        seed.push((piece.len() as u8 - 1) << 1 | side);
                        seed.extend_from_slice(piece);
                    }
                }
                framewise_transcript::Action::Eof => seed.push(126 << 1 | side),
                framewise_transcript::Action::Reset => seed.push(127 << 1 | side),
                framewise_transcript::Action::Gap(_) => {}
            }
        }
        if seed.len() <= 1024 {
            seeds.push(seed);
        }
    }
    seeds
}
