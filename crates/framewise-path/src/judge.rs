//! Says what became of a probe, from what both ends wrote down.

use std::time::Duration;

use framewise_inspect::{Endpoints, Observer};
use framewise_proto::Opcode;
use framewise_rules::{Cause, Role};

use crate::compare::{self, Difference};
use crate::end::Record;
use crate::heads;
use crate::probe::{Group, Probe};
use crate::report::Verdict;
use crate::tape::{Ended, Tape};

/// A frame that takes longer than this at the median was held back: far more than a busy machine needs.
const LATE: Duration = Duration::from_millis(200);
/// Bytes of a head that some intermediaries do not take.
const LARGE: usize = 2048;

/// One thing that was seen.
#[derive(Clone, Debug)]
pub(crate) struct Note {
    pub(crate) verdict: Verdict,
    pub(crate) causes: Vec<Cause>,
    pub(crate) says: String,
    pub(crate) bytes: Vec<String>,
}

impl Note {
    fn new(verdict: Verdict, causes: &[Cause], says: impl Into<String>) -> Self {
        Self { verdict, causes: causes.to_vec(), says: says.into(), bytes: Vec::new() }
    }

    fn with(mut self, bytes: Vec<String>) -> Self {
        self.bytes = bytes;
        self
    }
}

/// What both ends wrote down; the server's is missing where no connection arrived.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ends {
    pub(crate) client: Record,
    pub(crate) server: Option<Record>,
}

/// Everything that was seen; empty where every byte arrived as it was sent.
pub(crate) fn judge(probe: &Probe, ends: &Ends) -> Vec<Note> {
    let Some(server) = &ends.server else { return vec![not_arrived(&ends.client)] };
    let mut notes = Vec::new();
    if probe.group == Group::Handshake {
        notes.extend(head(Role::Client, &ends.client.sent, &server.got));
    }
    if status(&ends.client.got) == Some(101) {
        if probe.group == Group::Handshake {
            notes.extend(head(Role::Server, &server.sent, &ends.client.got));
        }
    } else {
        notes.push(rejected(&ends.client));
        return notes;
    }
    let ways = [(Role::Client, &ends.client, server), (Role::Server, server, &ends.client)];
    for (from, one, other) in ways {
        notes.extend(stream(probe, from, one, other));
    }
    if probe.rule.is_some() {
        for note in &mut notes {
            note.causes.clear();
        }
    }
    if notes.is_empty() {
        notes.extend(ways.into_iter().filter_map(|(from, one, other)| ending(probe, from, one, other)));
    }
    if probe.group == Group::Time && notes.is_empty() {
        notes.extend(ways.into_iter().filter_map(|(from, one, other)| delay(probe, from, one, other)));
    }
    notes
}

fn status(got: &Tape) -> Option<u16> {
    if got.head == 0 {
        return None;
    }
    let text = got.head_text();
    let head = text.rsplit("\r\n\r\n").next()?;
    head.split(' ').nth(1)?.parse().ok()
}

/// No request reached our server.
fn not_arrived(client: &Record) -> Note {
    match (status(&client.got), client.got.end) {
        (Some(101), _) => Note::new(
            Verdict::Answered,
            &[Cause::AnotherServerAnswers],
            "a 101 came, but not from our server: the intermediary answers itself, or forwards to another server",
        )
        .with(words(client)),
        (Some(_), _) => rejected(client),
        (None, Some(_)) => Note::new(
            Verdict::Closed,
            &[Cause::ConnectionCutOnPath],
            "the intermediary ended the connection without an answer to the handshake, and forwarded nothing",
        )
        .with(words(client)),
        (None, None) => Note::new(
            Verdict::Hung,
            &[Cause::ConnectionCutOnPath],
            "the intermediary took the request, and neither answered nor forwarded it within the deadline",
        )
        .with(words(client)),
    }
}

/// What the intermediary said instead of a 101.
fn words(client: &Record) -> Vec<String> {
    let text = String::from_utf8_lossy(&client.got.bytes[..client.got.bytes.len().min(1024)]).into_owned();
    text.split("\r\n").filter(|line| !line.trim().is_empty()).take(20).map(str::to_owned).collect()
}

fn rejected(client: &Record) -> Note {
    let (client_tape, server_tape) = (&client.sent, &client.got);
    let mut observer = Observer::new(Endpoints::UNKNOWN);
    let leg = observer.leg("client-proxy");
    let head = client_tape.head.max(1).min(client_tape.bytes.len());
    observer.bytes(leg, Role::Client, None, &client_tape.bytes[..head]);
    for piece in server_tape.bytes[..server_tape.bytes.len().min(16 * 1024)].chunks(4096) {
        observer.bytes(leg, Role::Server, None, piece);
    }
    if server_tape.end.is_some() {
        observer.eof(leg, Role::Server, None);
    }
    let connection = observer.finish();
    let mut causes: Vec<Cause> = Vec::new();
    for found in connection.findings.iter().flat_map(|finding| &finding.causes) {
        if !causes.contains(&found.id) && found.id != Cause::PeerCrashed {
            causes.push(found.id);
        }
    }
    let lines = words(client);
    let first = lines.first().cloned().unwrap_or_default();
    match (status(server_tape), server_tape.end) {
        (Some(_), _) => {
            // Where a plain request was not rejected, it is the size: the others are not run if the plain one is rejected.
            if client_tape.head > LARGE {
                causes.insert(0, Cause::LimitOfIntermediary);
            }
            if causes.is_empty() {
                causes.push(Cause::NotAWebsocketEndpoint);
            }
            Note::new(Verdict::Refused, &causes, format!("the handshake was answered with “{first}”"))
                .with(lines)
        }
        (None, Some(_)) => Note::new(
            Verdict::Closed,
            &[Cause::ConnectionCutOnPath],
            "the request reached our server, and the intermediary ended the connection before the 101",
        )
        .with(lines),
        (None, None) => {
            let says = "our server sent its 101, and it did not reach the client within the deadline";
            Note::new(Verdict::Hung, &[Cause::FramesBufferedOnPath], says).with(lines)
        }
    }
}

fn head(from: Role, sent: &Tape, got: &Tape) -> Vec<Note> {
    let (one, other) = (sent.head_text(), got.head_text());
    let what = if from == Role::Client { "request" } else { "101" };
    heads::compare(&one, &other)
        .into_iter()
        .map(|change| {
            let causes: Vec<_> = change.cause.into_iter().collect();
            let quote = |name: &str, text: &str| -> Vec<String> {
                std::iter::once(format!("{name}:"))
                    .chain(text.split("\r\n").map(|line| format!("  {line}")))
                    .collect()
            };
            let bytes = [quote("sent", &one), quote("arrived", &other)].concat();
            Note::new(Verdict::Changed, &causes, format!("{what}: {}", change.says)).with(bytes)
        })
        .collect()
}

/// Compares what one side sent with what the other got.
fn stream(probe: &Probe, from: Role, one: &Record, other: &Record) -> Option<Note> {
    let (difference, bytes) = compare::compare(one.sent.after_head(), other.got.after_head())?;
    let to = from.peer();
    let note =
        |verdict, causes: &[Cause], says: String| Some(Note::new(verdict, causes, says).with(bytes.clone()));
    let sized = probe.group == Group::Size;
    match difference {
        Difference::Remasked => {
            let says = format!(
                "the frames of the {from} arrived with other masking keys: the intermediary takes them apart"
            );
            note(Verdict::Changed, &[Cause::FramesRemaskedOnPath], says)
        }
        Difference::Refragmented { cap: Some(cap) } => {
            let says = format!("a frame of the {from} arrived as several frames of {cap} bytes at most");
            note(Verdict::Capped, &[Cause::FramesRefragmentedOnPath], says)
        }
        Difference::Refragmented { cap: None } => {
            let says = format!("the messages of the {from} arrived in other frames");
            note(Verdict::Changed, &[Cause::FramesRefragmentedOnPath], says)
        }
        Difference::Chunked => {
            let says =
                format!("the frames of the {from} arrived inside the chunks of Transfer-Encoding: chunked");
            note(Verdict::Changed, &[Cause::ChunkedFramingInStream], says)
        }
        Difference::PayloadDropped(opcode) => {
            let says = format!("a {opcode} of the {from} arrived without its payload");
            note(Verdict::Changed, &[Cause::PingPayloadDroppedOnPath, Cause::BytesAlteredOnPath], says)
        }
        Difference::CloseCode(sent, got) => {
            let code = |code: Option<u16>| code.map_or_else(|| "no code".to_owned(), |code| code.to_string());
            let says = format!("the Close of the {from} with {} arrived with {}", code(sent), code(got));
            note(Verdict::Changed, &[Cause::CloseCodeChangedOnPath, Cause::BytesAlteredOnPath], says)
        }
        Difference::Altered { index } => {
            let says = format!("frame {} of the {from} arrived with other bytes", number(from, index));
            note(Verdict::Changed, &[Cause::BytesAlteredOnPath], says)
        }
        Difference::Lost { index, opcode } => {
            let says = format!(
                "frame {} of the {from}, a {opcode}, did not reach the {to}; what was sent after it did",
                number(from, index)
            );
            let (verdict, cause) = match probe.group {
                Group::Early => (Verdict::Dropped, Cause::EarlyFramesLost),
                Group::Size => (Verdict::Capped, Cause::LimitOfIntermediary),
                _ if opcode == Opcode::Ping && answered(one) => {
                    (Verdict::Answered, Cause::PingAnsweredOnPath)
                }
                Group::Handshake
                | Group::Fragments
                | Group::Deflate
                | Group::Ping
                | Group::Close
                | Group::End
                | Group::Time
                | Group::Idle
                | Group::Illegal => (Verdict::Dropped, Cause::BytesAlteredOnPath),
            };
            note(verdict, &[cause], says)
        }
        Difference::Extra { opcode: Opcode::Pong, .. } => {
            let says =
                format!("the {to} got a Pong that the {from} did not send: the intermediary answers Pings");
            note(Verdict::Answered, &[Cause::PingAnsweredOnPath], says)
        }
        // A keepalive of the intermediary.
        Difference::Extra { opcode: Opcode::Ping, .. } => {
            note(Verdict::Changed, &[], format!("the {to} got a Ping of the intermediary"))
        }
        Difference::Extra { opcode: Opcode::Close, payload } => {
            let code = payload.first_chunk::<2>().map_or(1005, |code| u16::from_be_bytes(*code));
            // An endpoint's own end, which the intermediary answers for the other one, is no fault.
            if one.got.end.is_some() && other.shut.is_some() {
                return None;
            }
            let (verdict, cause) = match (code, sized) {
                (1009, _) | (_, true) => (Verdict::Capped, Cause::LimitOfIntermediary),
                _ if probe.group == Group::Idle => (Verdict::Closed, Cause::IdleTimeoutIntermediary),
                _ => (Verdict::Closed, Cause::ReceiverRejectsLegalFrame),
            };
            note(
                verdict,
                &[cause],
                format!("the intermediary sent the {to} a Close with {code}, which the {from} did not send"),
            )
        }
        Difference::Extra { opcode, .. } => {
            let says = format!("the {to} got a {opcode} frame that the {from} did not send");
            note(Verdict::Changed, &[Cause::BytesAlteredOnPath], says)
        }
        Difference::Tail { index, opcode, part } => {
            Some(tail(probe, (from, one, other), (index, opcode, part)).with(bytes))
        }
    }
}

/// A frame's number in the probe: the client sends one before.
fn number(from: Role, index: usize) -> usize {
    (index + usize::from(from == Role::Server)).max(1)
}

/// Whether a Pong came that the other side did not send.
fn answered(one: &Record) -> bool {
    let (frames, _) = crate::tape::frames(one.got.after_head());
    frames.iter().any(|frame| frame.header.opcode == Opcode::Pong)
}

/// From a frame on nothing arrived.
fn tail(
    probe: &Probe,
    (from, one, other): (Role, &Record, &Record),
    (index, opcode, part): (usize, Opcode, bool),
) -> Note {
    let to = from.peer();
    let cut = one.got.end.or(other.got.end).filter(|_| one.shut.is_none() && other.shut.is_none());
    let what = if part { "arrived in part" } else { "did not arrive" };
    let says = format!("frame {} of the {from}, a {opcode}, {what}", number(from, index));
    let close = |record: &Record| {
        let (frames, _) = crate::tape::frames(record.got.after_head());
        let close = frames.iter().rev().find(|frame| frame.header.opcode == Opcode::Close)?;
        Some(close.payload.first_chunk::<2>().map_or(1005, |code| u16::from_be_bytes(*code)))
    };
    let closed = close(one).or_else(|| close(other)).filter(|_| probe.group != Group::Close);
    if probe.group == Group::Idle
        && (cut.is_some() || closed.is_some() || index > usize::from(from == Role::Client))
    {
        return silence(probe, one, other);
    }
    if opcode == Opcode::Close && probe.group == Group::Close {
        let end =
            if cut.is_some() { "the connection ended without it" } else { "the connection stayed open" };
        return Note::new(Verdict::Dropped, &[Cause::CloseSwallowedOnPath], format!("{says}; {end}"));
    }
    if closed == Some(1009) || (probe.group == Group::Size && (cut.is_some() || closed.is_some())) {
        let code = closed.map_or_else(String::new, |code| format!(" with {code}"));
        let says = format!("{says}; the intermediary ended the connection{code}");
        return Note::new(Verdict::Capped, &[Cause::LimitOfIntermediary], says);
    }
    if let Some(code) = closed {
        let says = format!(
            "{says}; the intermediary closed with {code}, towards the {}",
            if close(one).is_some() { from } else { to }
        );
        return Note::new(Verdict::Closed, &[Cause::ReceiverRejectsLegalFrame], says);
    }
    if let Some((end, _)) = cut {
        let how = if end == Ended::Reset { "reset" } else { "ended" };
        return Note::new(
            Verdict::Closed,
            &[Cause::ConnectionCutOnPath],
            format!("{says}; the intermediary {how} the connection"),
        );
    }
    let says =
        format!("{says} within the deadline, and the connection stayed open: the intermediary holds it back");
    Note::new(Verdict::Hung, &[Cause::FramesBufferedOnPath], says)
}

/// The connection did not live through a silence.
fn silence(probe: &Probe, one: &Record, other: &Record) -> Note {
    let end = [one, other].into_iter().filter_map(|record| record.got.end).map(|(_, at)| at).min();
    let quiet = |tape: &Tape, end: Duration| {
        tape.times.iter().map(|&(_, at)| at).filter(|&at| at < end).max().map(|last| end.saturating_sub(last))
    };
    let Some(end) = end else {
        let says = format!("{}: afterwards nothing arrived, and neither side was told", probe.says);
        return Note::new(Verdict::Hung, &[Cause::IdleTimeoutIntermediary], says);
    };
    let tapes = [&one.sent, &one.got, &other.sent, &other.got];
    let silent = tapes.into_iter().filter_map(|tape| quiet(tape, end)).min();
    let seconds = silent.unwrap_or_default().as_secs_f64();
    let says = format!("the intermediary ended the connection after {seconds:.1} s of silence");
    Note::new(Verdict::Closed, &[Cause::IdleTimeoutIntermediary], says)
}

/// What the other end saw of an end.
fn ending(probe: &Probe, from: Role, one: &Record, other: &Record) -> Option<Note> {
    if probe.group != Group::End || one.shut.is_none() || other.got.end.is_some() {
        return None;
    }
    let says = format!(
        "the {from} ended its connection, and the {} did not notice within the deadline",
        from.peer()
    );
    Some(Note::new(Verdict::Hung, &[Cause::EndNotForwardedOnPath], says))
}

/// How late small frames arrived, at the median.
fn delay(probe: &Probe, from: Role, one: &Record, other: &Record) -> Option<Note> {
    if !probe.name.contains("small-frames") || one.sent.frames < 10 {
        return None;
    }
    let sent = &one.sent;
    let mut delays: Vec<_> = sent
        .times
        .iter()
        .filter(|&&(offset, _)| offset > sent.head)
        .filter_map(|&(offset, at)| {
            Some(other.got.when(offset - sent.head + other.got.head)?.saturating_sub(at))
        })
        .collect();
    delays.sort_unstable();
    let median = *delays.get(delays.len() / 2)?;
    if median < LATE {
        return None;
    }
    let says = format!(
        "small frames of the {from} arrived {} ms late (the median of {})",
        median.as_millis(),
        delays.len()
    );
    Some(Note::new(Verdict::Delayed, &[Cause::FramesBufferedOnPath], says))
}
