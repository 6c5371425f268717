//! Cases out of the table: what each rule's bad examples send has to be rejected, and what its good ones send has to be
//! accepted.

use std::time::Duration;

use framewise_proto::deflate::DeflateAgreement;
use framewise_proto::extension::parse_extensions;
use framewise_proto::{Config, Connection, Event, Header, MessageKind, Opcode, Payload as Part};
use framewise_rules::{Answer, Limits, MessageKinds, Offender, Role, Rule, SeenBy, Setup};
use framewise_transcript::{Action, Transcript};

use super::handshake::offers_others;
use super::{codes_of, frames, framing};
use crate::case::{Case, Cut, Deflate, Due, DueStatus, Frame, Level, Needs, Of, Payload, Seen, Step, Work};

/// The key and the value that answers it, of RFC 6455 §1.3.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Places at the front of an example where it is cut into two segments.
const MOST_CUTS: usize = 12;
/// Bytes of a frame whose rest is sent.
const MOST_REST: usize = 256 * 1024;

pub(super) fn push(cases: &mut Vec<Case>) {
    // The runner speaks HTTP/1.1.
    for &rule in Rule::ALL.iter().filter(|rule| rule.topic() != "http2") {
        let examples = rule.examples();
        for (index, bad) in examples.bad.iter().enumerate() {
            if rule.seen_by() == SeenBy::Receiver && is_default(&bad.setup) {
                example(cases, rule, index, bad.transcript, true);
            }
        }
        for (index, good) in examples.good.iter().enumerate() {
            if is_default(&good.setup) {
                example(cases, rule, index, good.transcript, false);
            }
        }
    }
}

/// What needs another configuration of the endpoint tells nothing about one that has the default.
fn is_default(setup: &Setup) -> bool {
    setup.limits == Limits::DEFAULT
        && setup.origins.is_none()
        && setup.messages == MessageKinds::All
        && setup.deflate
        && !setup.requires_deflate
}

fn example(cases: &mut Vec<Case>, rule: Rule, index: usize, text: &str, bad: bool) {
    let Ok(transcript) = Transcript::parse(text) else { return };
    // What depends on a clock or on several legs is not bytes alone.
    if transcript.legs.len() != 1 || transcript.events.iter().any(|event| event.time.is_some()) {
        return;
    }
    let word = if bad { "bad" } else { "good" };
    let name = format!("table/{rule}/{word}-{}", index + 1);
    match transcript.legs[0].open.as_deref() {
        Some(extensions) => opened(cases, rule, &name, &transcript, extensions, bad),
        None => handshake(cases, rule, &name, &transcript, bad),
    }
}

/// Frames of one side after a handshake.
fn opened(
    cases: &mut Vec<Case>,
    rule: Rule,
    name: &str,
    transcript: &Transcript,
    extensions: &str,
    bad: bool,
) {
    let Some(last) = transcript.events.last() else { return };
    let from = last.from;
    let by = match rule.by() {
        Offender::Client => from == Role::Client,
        Offender::Server => from == Role::Server,
        Offender::Either => true,
    };
    // The endpoint under test decides what the other side sends; and once the stream has ended, no code can be sent.
    if !by
        || transcript
            .events
            .iter()
            .any(|event| event.from != from || !matches!(event.action, Action::Bytes(_)))
    {
        return;
    }
    let bytes = transcript.stream(0, from);
    let deflate = agreement(extensions);
    if !extensions.is_empty() && deflate.is_none() {
        return;
    }
    let agreed = parse_extensions(extensions).as_deref().and_then(DeflateAgreement::in_response);
    let strict = Strict::reads(from.peer(), agreed.as_ref(), &bytes);
    let echoes = strict.answers.iter().any(|seen| matches!(seen, Seen::Text(_) | Seen::Binary(_)));
    let (due, says) = match (rule.answer(), strict.closed) {
        (Answer::Close(code), _) if bad && strict.broke => {
            let says = format!("{}: the connection fails with {code}", rule.sentence());
            let due = if rule == Rule::LengthTopBit {
                framing::top_bit(strict.answers)
            } else {
                Due::Fail { codes: codes_of(rule), before: strict.answers, late: rest_of(rule, from, &bytes) }
            };
            (due, says)
        }
        _ if bad || strict.broke || !strict.complete => return,
        (_, Some(code)) => {
            let due = Due::Close { before: strict.answers, codes: vec![code, 1000, 1005] };
            (due, format!("It looks like {rule} and is legal: the endpoint answers its Close"))
        }
        (_, None) => (Due::Accept, format!("It looks like {rule} and is legal: the endpoint accepts it")),
    };
    let of = if from == Role::Client { Of::Server } else { Of::Client };
    let mut cuts = vec![(String::new(), Cut::Whole), ("-byte-by-byte".into(), Cut::Every(1))];
    cuts.extend((1..bytes.len().min(MOST_CUTS)).map(|at| (format!("-cut-at-{at}"), Cut::At(at))));
    for (suffix, cut) in cuts {
        let mut case =
            frames(format!("{name}{suffix}"), says.clone(), vec![Step::Bytes(bytes.clone())], due.clone());
        case.of = of;
        case.needs =
            Needs { echo: echoes && !matches!(due, Due::Accept), deflate: deflate.clone(), cases: vec![] };
        case.rule = Some(rule);
        case.level = if bad { level(rule, &bytes) } else { Level::Must };
        cases.push(case.cut(cut));
    }
}

/// What completes the last frame and its message. RFC 6455 does not say that a fault is found before the frame that has it
/// is complete, nor a bad byte before its message is.
fn rest_of(rule: Rule, from: Role, bytes: &[u8]) -> Vec<Step> {
    let header = rest_of_header(from, bytes);
    let complete = [bytes, &header].concat();
    let mut bytes = &complete[..];
    let (mut unfinished, mut missing) = (false, 0);
    while let Some(header) = Header::decode(bytes) {
        if !header.opcode.is_control() {
            unfinished = !header.fin;
        }
        let end = usize::try_from(header.length).ok().and_then(|length| length.checked_add(header.size()));
        let Some(end) = end.filter(|&end| end < MOST_REST) else { return vec![] };
        missing = end.saturating_sub(bytes.len());
        bytes = bytes.get(end..).unwrap_or_default();
    }
    let mut steps = Vec::new();
    if !header.is_empty() || missing > 0 {
        steps.push(Step::Bytes([header, vec![b'a'; missing]].concat()));
    }
    if unfinished && rule == Rule::TextInvalidUtf8 {
        steps.push(Step::Frame(Frame::new(Opcode::Continuation, "")));
    }
    steps
}

/// What the last header lacks: a length that its form is made for, and the masking key.
fn rest_of_header(from: Role, mut bytes: &[u8]) -> Vec<u8> {
    while let Some(header) = Header::decode(bytes) {
        let end = usize::try_from(header.length).ok().and_then(|length| length.checked_add(header.size()));
        bytes = end.and_then(|end| bytes.get(end..)).unwrap_or_default();
    }
    let mask = if from == Role::Client { 0x80 } else { 0 };
    let second = match bytes {
        [] => return vec![],
        [_] => mask,
        [_, second, ..] => *second,
    };
    let length: &[u8] = match second & 0x7f {
        126 => &[0, 126],
        127 => &[0, 0, 0, 0, 0, 1, 0, 0],
        _ => &[],
    };
    let key: &[u8] = if second & 0x80 == 0 { &[] } else { &[0; 4] };
    let header = [&[0, second], length, key].concat();
    header.get(bytes.len()..).map(<[u8]>::to_vec).unwrap_or_default()
}

fn agreement(extensions: &str) -> Option<Deflate> {
    let list = parse_extensions(extensions)?;
    DeflateAgreement::in_response(&list)?;
    // What the answer holds the client to has to be offered; what it says of the server may be asked for.
    Some(Deflate {
        offer: extensions.to_owned().into(),
        answers: vec![extensions.to_owned().into()],
        exactly: Some(extensions.to_owned().into()),
    })
}

/// What a strict endpoint makes of bytes.
pub(super) struct Strict {
    /// What an endpoint that echoes answers, up to the first fault.
    pub(super) answers: Vec<Seen>,
    /// The code of the Close frame, if one ends it.
    closed: Option<u16>,
    pub(super) broke: bool,
    /// Whether the bytes end between two frames.
    complete: bool,
}

impl Strict {
    pub(super) fn reads(receiver: Role, agreed: Option<&DeflateAgreement>, bytes: &[u8]) -> Self {
        let now = Duration::ZERO;
        let mut engine = match receiver {
            Role::Client => Connection::client(Config::default(), Box::new(|| [0; 4]), 0, now),
            Role::Server => Connection::server(Config::default(), 0, now),
        };
        if let Some(agreed) = agreed {
            engine = engine.with_deflate(agreed);
        }
        let mut strict = Self { answers: Vec::new(), closed: None, broke: false, complete: false };
        let mut bytes = bytes.to_vec();
        let (mut at, mut message) = (0, Vec::new());
        loop {
            let (consumed, event) = engine.receive(now, &mut bytes[at..]);
            at += consumed;
            let Some(event) = event else { break };
            match event {
                Event::Data { payload, last, .. } => {
                    let kind = payload.kind();
                    match payload {
                        Part::Text(text) => message.extend_from_slice(text.as_bytes()),
                        Part::Binary(bytes) => message.extend_from_slice(bytes),
                    }
                    if last {
                        strict.answers.push(echo(kind, std::mem::take(&mut message)));
                    }
                }
                Event::Inflated { kind, last: true, .. } => {
                    strict.answers.push(echo(kind, engine.take_inflated().into_bytes()));
                }
                Event::Ping(payload) => strict.answers.push(Seen::Pong(payload.to_vec())),
                Event::Close(close) => strict.closed = Some(close.map_or(1005, |close| close.code.0)),
                Event::Violation(_) => strict.broke = true,
                Event::Inflated { .. } | Event::Pong(_) | Event::Tolerated(_) | Event::Ended(_) => {}
            }
        }
        strict.complete = at == bytes.len() && engine.remaining() == 0;
        strict
    }
}

fn echo(kind: MessageKind, bytes: Vec<u8>) -> Seen {
    match kind {
        MessageKind::Text => Seen::Text(Payload::Bytes(bytes)),
        MessageKind::Binary => Seen::Binary(Payload::Bytes(bytes)),
    }
}

/// How binding it is to reject a bad example that has these bytes.
fn level(rule: Rule, bytes: &[u8]) -> Level {
    // RFC 7692 §7.1 binds the end that compresses: the other may hold it to that, or have the memory for more. RFC 6455 says
    // nothing of a body, and by RFC 9110 §9.3.1 the content of a GET "has no generally defined semantics".
    // Of a malformed line in a response, or one that announces a body, RFC 9112 §5 and RFC 9110 §8.6 bind the server.
    let unsaid = matches!(
        rule,
        Rule::DeflateWindowViolated
            | Rule::DeflateContextMismatch
            | Rule::RequestBody
            | Rule::ResponseHeaderMalformed
            | Rule::ResponseBodyFraming
    );
    let mended = rule == Rule::RequestHeaderMalformed && may_be_mended(bytes);
    let repeated = rule == Rule::RequestSubprotocolSyntax && only_repeats(bytes);
    let undecoded = rule == Rule::RequestKeyInvalid && !breaks_the_grammar(bytes);
    let large_port = rule == Rule::RequestHostInvalid && has_a_large_port(bytes);
    if unsaid || mended || undecoded || repeated || large_port {
        Level::May
    } else if rule.topic() == "limit" {
        Level::Should
    } else {
        Level::Must
    }
}

/// Whether a server may accept the request after it has mended it. RFC 9112 §5.2: a server "MUST either reject the message" or
/// replace a fold with spaces; RFC 9110 §5.5: a recipient of "CR, LF, or NUL within a field value MUST either reject the message or
/// replace each of those characters with SP".
fn may_be_mended(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(head);
    let mut lines = text.split("\r\n").skip(1);
    lines.any(|line| line.starts_with([' ', '\t']) || line.contains(['\r', '\0']))
}

/// Whether all subprotocols are tokens, and some come more than once. RFC 6455 §4.1 has a client send "unique strings"; what a server
/// has to find in a request (§4.2.1) is "a list of values", and its grammar (§4.3) says no more.
fn only_repeats(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(head);
    let lines = text.split("\r\n").filter_map(|line| line.strip_prefix("Sec-WebSocket-Protocol:"));
    let mut names: Vec<_> = lines.flat_map(|value| value.split(',')).map(str::trim).collect();
    // RFC 9110 §5.6.2.
    let of_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let tokens = names.iter().all(|name| !name.is_empty() && name.bytes().all(of_token));
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    tokens && names.len() < count
}

/// Whether all that is wrong with Host is a port above 65535. It follows the grammar, which is all that RFC 9112 §3.2 demands: RFC
/// 3986 §3.2.3 has "port = *DIGIT".
fn has_a_large_port(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(head);
    let host = text.split("\r\n").find_map(|line| line.strip_prefix("Host:"));
    let Some((name, port)) = host.and_then(|host| host.trim().rsplit_once(':')) else { return false };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
    !name.is_empty()
        && name.bytes().all(plain)
        && !port.is_empty()
        && port.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether the key breaks the grammar of RFC 6455 §4.1, base64 in groups of four characters: "any violations of the ABNF" have to
/// be rejected (§4.2.1). Of one that follows it, §4.2.2 says that "it is not necessary for the server to base64-decode" it.
fn breaks_the_grammar(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(head);
    let key = text.split("\r\n").find_map(|line| line.strip_prefix("Sec-WebSocket-Key:"));
    key.is_none_or(|key| !is_base64(key.trim()))
}

/// Whether it is `base64-value-non-empty` of RFC 6455 §4.1.
pub(super) fn is_base64(key: &str) -> bool {
    let data = key.trim_end_matches('=');
    let character = |byte: u8| byte.is_ascii_alphanumeric() || b"+/".contains(&byte);
    !key.is_empty()
        && key.len().is_multiple_of(4)
        && key.len() - data.len() <= 2
        && data.bytes().all(character)
}

/// Whether no sentence says what the endpoint does. RFC 9112 §3.2.2 has an origin server ignore Host where the target names
/// one; what is too large is its own affair; and RFC 9110 §8.6 lets a recipient reject a repeated Content-Length or take it
/// as one.
fn is_open(rule: Rule, bad: bool) -> bool {
    if bad {
        matches!(rule, Rule::RequestHostMismatch | Rule::RequestTooLarge | Rule::ResponseTooLarge)
    } else {
        rule == Rule::RequestContentLength
    }
}

/// A request, for a server; or the response to one, for a client.
fn handshake(cases: &mut Vec<Case>, rule: Rule, name: &str, transcript: &Transcript, bad: bool) {
    let (request, response) = (transcript.stream(0, Role::Client), transcript.stream(0, Role::Server));
    let bytes_only = transcript.events.iter().all(|event| matches!(event.action, Action::Bytes(_)));
    if !bytes_only {
        return;
    }
    let case = |says: String, of, work| Case {
        name: name.to_owned(),
        says,
        rule: Some(rule),
        level: if bad { level(rule, &request) } else { Level::Must },
        of,
        needs: Needs::default(),
        autobahn: None,
        work,
    };
    match (rule.answer(), rule.by()) {
        (Answer::Http(status), _) if response.is_empty() => {
            let head = template(
                &request,
                &[("Host: example.com\r\n", "Host: {host}\r\n"), ("GET /ws ", "GET {path} ")],
            );
            let complete = head.windows(4).any(|window| window == b"\r\n\r\n");
            let due = match bad {
                _ if is_open(rule, bad) => DueStatus::Observe,
                // A server may wait for the rest of it.
                true if !complete => DueStatus::NotAccept,
                true => DueStatus::Reject(status),
                false => DueStatus::Accept,
            };
            let says = if due == DueStatus::Observe {
                format!("It is about {rule}, and the server decides: what it does")
            } else if bad {
                format!("{}: the request is rejected, best with {status}", rule.sentence())
            } else {
                format!("It looks like {rule} and is legal: the request is accepted")
            };
            // A complete head, and nothing after it.
            if !bad && (!head.ends_with(b"\r\n\r\n") || other_host(&request)) {
                return;
            }
            let work = Work::Request { head, cut: Cut::Whole, end: due == DueStatus::NotAccept, due };
            let case = case(says, Of::Server, work);
            cases.push(if due == DueStatus::Observe {
                case.level(Level::Observe)
            } else if due == DueStatus::Accept && offers_others(&case) {
                case.level(Level::May)
            } else {
                case
            });
        }
        (Answer::Abort, Offender::Server) if !response.is_empty() && transcript.events.len() == 2 => {
            let head = template(&response, &[(ACCEPT, "{accept}")]);
            let sample = request.windows(KEY.len()).any(|window| window == KEY.as_bytes());
            if !sample || is_open(rule, bad) {
                return;
            }
            // A client may wait for the rest of a head that has no end.
            let end = bad && !head.windows(4).any(|window| window == b"\r\n\r\n");
            let says = if bad {
                format!("{}: the client gives up", rule.sentence())
            } else {
                format!("It looks like {rule} and is legal: the client accepts it")
            };
            cases.push(case(says, Of::Client, Work::Response { end, head, cut: Cut::Whole, accept: !bad }));
        }
        _ => {}
    }
}

/// Whether the example is about another host than that of the examples: a server under test has only its own.
fn other_host(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    !text.contains("Host: example.com\r\n") || !text.contains("GET /ws ") || text.contains("Origin:")
}

fn template(bytes: &[u8], replacements: &[(&str, &str)]) -> Vec<u8> {
    let mut text = bytes.to_vec();
    for (what, with) in replacements {
        if let Some(at) = text.windows(what.len()).position(|window| window == what.as_bytes()) {
            text.splice(at..at + what.len(), with.bytes());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_header_lacks_is_sent_later() {
        let rest = |from, bytes: &[u8]| rest_of_header(from, bytes);
        assert_eq!(rest(Role::Client, b"\x88\xfe"), [0, 126, 0, 0, 0, 0]);
        assert_eq!(rest(Role::Client, b"\x88\xfe\x01"), [126, 0, 0, 0, 0]);
        assert_eq!(rest(Role::Server, b"\x89\x7f"), [0, 0, 0, 0, 0, 1, 0, 0]);
        assert_eq!(rest(Role::Client, b"\x81\x80\0\0\0\0\x83"), [0x80, 0, 0, 0, 0]);
        assert!(rest(Role::Client, b"\x81\x85\0\0\0\0abc").is_empty());
        assert!(rest(Role::Server, b"").is_empty());
        let steps = rest_of(Rule::ControlTooLong, Role::Server, b"\x8a\x7e");
        assert!(matches!(&steps[..], [Step::Bytes(bytes)] if bytes.len() == 2 + 126), "{steps:?}");
    }

    #[test]
    fn a_server_may_mend_a_fold_and_what_no_value_has_but_not_a_name() {
        for (head, may) in [
            ("GET / HTTP/1.1\r\nX-Long: one\r\n  two\r\n\r\n", true),
            ("GET / HTTP/1.1\r\nX: a\rb\r\n\r\n", true),
            ("GET / HTTP/1.1\r\nX: a\0b\r\n\r\n", true),
            ("GET / HTTP/1.1\r\nX : a\r\n\r\n", false),
            ("GET / HTTP/1.1\r\nX\r\n\r\n", false),
        ] {
            assert_eq!(may_be_mended(head.as_bytes()), may, "{head:?}");
        }
    }

    #[test]
    fn a_server_may_take_a_subprotocol_that_is_listed_twice_but_not_one_that_is_no_token() {
        for (value, repeats) in [
            ("chat, superchat, chat", true),
            ("chat\r\nSec-WebSocket-Protocol: chat", true),
            ("chat, superchat", false),
            ("a b, chat, chat", false),
            ("chat, , chat", false),
            ("", false),
        ] {
            let head = format!("GET / HTTP/1.1\r\nSec-WebSocket-Protocol: {value}\r\n\r\n");
            assert_eq!(only_repeats(head.as_bytes()), repeats, "{value}");
        }
    }

    #[test]
    fn a_port_may_be_large_but_is_a_number() {
        for (host, large) in [
            ("example.com:65536", true),
            ("example.com:ws", false),
            ("example.com:", false),
            ("user@example.com:65536", false),
            ("::1", false),
            (":1", false),
            ("", false),
        ] {
            let head = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
            assert_eq!(has_a_large_port(head.as_bytes()), large, "{host}");
        }
    }

    #[test]
    fn a_key_that_follows_the_grammar_need_not_be_decoded() {
        for (key, grammar) in [
            ("dGhlIHNhbXBsZSBub25j", true),
            ("dGhlIHNhbXBsZSBub25jZSE=", true),
            ("dGhlIHNhbXBsZSBub25jZQ", false),
            ("3q2-78r-yv66vt6tvu_K_g==", false),
            ("a===", false),
            ("", false),
        ] {
            assert_eq!(is_base64(key), grammar, "{key}");
        }
    }
}
