//! Says what became of a probe, from what both ends wrote down.

pub(crate) mod http2;
mod stream;
mod time;

use framewise_inspect::{Endpoints, Observer};
use framewise_proto::handshake::accept_value;
use framewise_rules::{Cause, Role};

use crate::end::Record;
use crate::heads;
use crate::outcome;
use crate::probe::{Group, Probe};
use crate::report::{Hop, Severity, Verdict};
use crate::server::header;
use crate::tap::Seen;
use crate::tape::Tape;

pub(crate) use time::figures;

/// Bytes of a head that some intermediaries do not take.
const LARGE: usize = 2048;

/// One thing that was seen.
#[derive(Clone, Debug)]
pub(crate) struct Note {
    pub(crate) verdict: Verdict,
    pub(crate) causes: Vec<Cause>,
    pub(crate) says: String,
    pub(crate) bytes: Vec<String>,
    /// How bad it is at the worst, whatever the probe says.
    pub(crate) worst: Severity,
}

impl Note {
    pub(crate) fn new(verdict: Verdict, causes: &[Cause], says: impl Into<String>) -> Self {
        Self {
            verdict,
            causes: causes.to_vec(),
            says: says.into(),
            bytes: Vec::new(),
            worst: Severity::Error,
        }
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
    /// What the taps in between saw, in the order of the path; `None` where the connection did not pass.
    pub(crate) taps: Vec<Option<Seen>>,
}

/// Everything that was seen; empty where every byte arrived as it was sent.
pub(crate) fn judge(probe: &Probe, ends: &Ends) -> Vec<Note> {
    let Some(server) = &ends.server else { return informing(probe, vec![not_arrived(&ends.client)]) };
    let mut notes = Vec::new();
    if probe.group == Group::Handshake {
        notes.extend(head(Role::Client, ends, server));
        if server.got.body < probe.body.len() {
            notes.push(Note::new(Verdict::Dropped, &[], "the body of the request did not arrive"));
        }
    }
    if status(&ends.client.got) != Some(101) {
        notes.push(rejected(&ends.client));
        return informing(probe, notes);
    }
    if probe.group == Group::Handshake {
        notes.extend(head(Role::Server, ends, server));
        let (sent, got) = (server.sent.interim(), ends.client.got.interim());
        if sent != got {
            let says = format!("the answer “{}” before the 101 did not arrive", sent.join(", "));
            notes.push(Note::new(Verdict::Dropped, &[], says));
        }
    }
    let ways = [(Role::Client, &ends.client, server), (Role::Server, server, &ends.client)];
    for (from, one, other) in ways {
        notes.extend(stream::stream(probe, from, one, other));
    }
    notes = informing(probe, notes);
    if notes.is_empty() {
        notes.extend(ways.into_iter().filter_map(|(from, one, other)| time::ending(probe, from, one, other)));
    }
    if notes.is_empty() {
        notes.extend(ways.into_iter().filter_map(|(from, one, other)| time::delay(probe, from, one, other)));
    }
    if let Some(says) = &ends.client.failed {
        notes.push(Note::new(Verdict::Skipped, &[], format!("the command failed: {says}")));
    }
    notes
}

/// Without causes, where what is sent is illegal or rare; what an intermediary does not take for its size is capped.
fn informing(probe: &Probe, mut notes: Vec<Note>) -> Vec<Note> {
    if probe.informs {
        for note in &mut notes {
            note.causes.clear();
            if probe.sized && note.verdict == Verdict::Refused {
                note.verdict = Verdict::Capped;
            }
        }
    }
    notes
}

/// The hops of the path at which something differs; empty without taps.
pub(crate) fn hops(probe: &Probe, ends: &Ends) -> Vec<Hop> {
    if ends.taps.is_empty() {
        return Vec::new();
    }
    let mut hops = Vec::new();
    let mut from = ("the client".to_owned(), ends.client.clone());
    let mut compare = |from: &(String, Record), to: String, server: Option<Record>| {
        let ends = Ends { client: from.1.clone(), server, taps: Vec::new() };
        let notes = judge(probe, &ends);
        if !notes.is_empty() {
            let (verdict, says) = (outcome::verdict(&notes), outcome::says(&notes));
            let causes = outcome::causes(&notes);
            hops.push(Hop { from: from.0.clone(), to, verdict, says, causes });
        }
    };
    for (index, tap) in ends.taps.iter().enumerate() {
        let Some(tap) = tap else {
            compare(&from, format!("tap {}", index + 1), None);
            return hops;
        };
        let name = format!("tap {} ({})", index + 1, tap.address);
        compare(&from, name.clone(), Some(tap.server.clone()));
        from = (name, tap.client.clone());
    }
    compare(&from, "the server".to_owned(), ends.server.clone());
    hops
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
        // RFC 9112 §4: an answer begins with a status line. RFC 8446 §5.1: an alert of TLS begins with 21, and version 3.
        (None, _) if !client.got.bytes.is_empty() && !client.got.bytes.starts_with(b"HTTP/") => {
            let alert = client.got.bytes.starts_with(&[21, 3]);
            let cause = if alert { Cause::PlainInTlsPort } else { Cause::NotAWebsocketEndpoint };
            let says = "what answers the handshake does not speak HTTP";
            let bytes = vec![format!("arrived  {}", crate::compare::hex(&client.got.bytes))];
            Note::new(Verdict::Refused, &[cause], says).with(if alert { bytes } else { words(client) })
        }
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
pub(crate) fn words(client: &Record) -> Vec<String> {
    let got = &client.got;
    // What follows a 101 is no text.
    let end = if status(got) == Some(101) { got.head } else { got.bytes.len() };
    let text = String::from_utf8_lossy(&got.bytes[..end.min(1024)]).into_owned();
    text.lines().map(str::trim_end).filter(|line| !line.is_empty()).take(20).map(str::to_owned).collect()
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
            // RFC 5842 §7.2: 508 Loop Detected. Others answer 502 or 503 and say it in the text.
            let loops = ["loop detected", "forwarding loop", "request loop", "redirect loop"];
            let text = lines.join("\n").to_ascii_lowercase();
            if status(server_tape) == Some(508) || loops.iter().any(|words| text.contains(words)) {
                causes.retain(|&cause| cause != Cause::ServerErrorStatus);
                causes.insert(0, Cause::ForwardingLoop);
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

/// Whether the intermediary makes a handshake of its own towards our server, and answers the client's key itself.
fn own_handshake(client: &Record, server: &Record) -> bool {
    let value = |tape: &Tape, name: &str| header(&tape.head_text(), name).map(str::to_owned);
    let key = |tape: &Tape| value(tape, "sec-websocket-key");
    let accept = value(&client.got, "sec-websocket-accept");
    match (key(&client.sent), key(&server.got)) {
        (Some(sent), Some(arrived)) => sent != arrived && accept == Some(accept_value(&sent)),
        _ => false,
    }
}

fn head(from: Role, ends: &Ends, server: &Record) -> Vec<Note> {
    let (sent, got) = match from {
        Role::Client => (&ends.client.sent, &server.got),
        Role::Server => (&server.sent, &ends.client.got),
    };
    let (one, other) = (sent.head_text(), got.head_text());
    let what = if from == Role::Client { "request" } else { "101" };
    let own = own_handshake(&ends.client, server);
    let offered = header(&ends.client.sent.head_text(), "sec-websocket-extensions").is_some();
    let mut notes = Vec::new();
    for mut change in heads::compare(&one, &other) {
        let mut worst = Severity::Error;
        // RFC 6455 §9.1 and RFC 7692 §5: each of its connections has a key and an agreement of its own.
        match change.cause {
            Some(Cause::HeadersChangedOnPath) if own && change.says.starts_with("Sec-WebSocket-Accept") => {
                continue;
            }
            Some(Cause::KeyRewritten) if own => {
                worst = Severity::Note;
                change.says.push_str(
                    ": the intermediary makes a handshake of its own, and answers the client’s key itself",
                );
            }
            Some(Cause::ExtensionHeaderStripped | Cause::ExtensionHeaderAdded)
                if own && (offered || from == Role::Client) =>
            {
                worst = Severity::Note;
            }
            _ => {}
        }
        let causes: Vec<_> = change.cause.into_iter().collect();
        let quote = |name: &str, text: &str| -> Vec<String> {
            std::iter::once(format!("{name}:"))
                .chain(text.split("\r\n").map(|line| format!("  {line}")))
                .collect()
        };
        let bytes = [quote("sent", &one), quote("arrived", &other)].concat();
        let mut note = Note::new(Verdict::Changed, &causes, format!("{what}: {}", change.says)).with(bytes);
        note.worst = worst;
        notes.push(note);
    }
    notes
}
