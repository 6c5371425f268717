//! The opening handshake over HTTP/1.1, for client and server.
//!
//! - The result for a head does not change when more bytes follow.
//! - An observer finds the same rule first, at the same byte.
//! - A request that was read and is written again is read alike; our answer to it breaks no rule.

use framewise_inspect::Observer;
use framewise_proto::handshake::http1::{Progress, read_request, read_response};
use framewise_proto::handshake::{ClientOffer, Headers, Request, ServerPolicy};
use framewise_proto::{Config, Violation};
use framewise_rules::{Answer, Limits, Role, Rule, SeenBy, Setup};

use crate::input::Input;

/// The result for a head.
#[derive(Debug, PartialEq)]
enum Judged<T> {
    More,
    Done(T, usize),
    Broken(Rule, Option<u64>),
}

fn judged<T>(progress: Progress<T>, length: usize) -> Judged<T> {
    let within = |violation: &Violation| {
        let end = violation.offset.map(|offset| offset + violation.length);
        assert!(end <= Some(length as u64), "{violation:?} in {length} bytes");
    };
    match progress {
        Progress::More => Judged::More,
        Progress::Done { value, size, notes } => {
            assert!(size <= length, "a head of {size} bytes in {length}");
            notes.iter().for_each(within);
            Judged::Done(value, size)
        }
        Progress::Broken(violation) => {
            within(&violation);
            Judged::Broken(violation.rule, violation.offset)
        }
    }
}

fn request(bytes: &[u8]) -> Judged<Request> {
    judged(read_request(bytes, &ServerPolicy::default()), bytes.len())
}

/// The result for a prefix of a head stays the result.
fn stays<T: PartialEq + std::fmt::Debug>(
    bytes: &[u8],
    seed: u8,
    read: impl Fn(&[u8]) -> Judged<T>,
) -> Judged<T> {
    let whole = read(bytes);
    let step = (bytes.len() / 32).max(1);
    for cut in (usize::from(seed) % step..bytes.len()).step_by(step) {
        let early = read(&bytes[..cut]);
        assert!(matches!(early, Judged::More) || early == whole, "{early:?}, then {whole:?}; cut at {cut}");
    }
    whole
}

/// The properties.
pub fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let (side, seed) = (input.byte(), input.byte());
    let bytes = input.rest();
    if side & 1 == 0 {
        let whole = stays(bytes, seed, request);
        agree(&[(Role::Client, bytes)], &whole);
        if let Judged::Done(request, _) = whole {
            answered(&request);
        }
    } else {
        let head = "GET /ws HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
                    Sec-WebSocket-Protocol: chat, superchat\r\n\
                    Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n";
        let Judged::Done(asked, _) = request(head.as_bytes()) else { panic!("the request is right") };
        let offer = ClientOffer::of(&asked);
        let read = |bytes: &[u8]| {
            let progress = read_response(bytes, &offer, &Config::default());
            judged(progress, bytes.len())
        };
        let whole = stays(bytes, seed, read);
        agree(&[(Role::Client, head.as_bytes()), (Role::Server, bytes)], &whole);
    }
}

/// The observer's first finding of the side that spoke last is the endpoint's.
fn agree<T>(steps: &[(Role, &[u8])], whole: &Judged<T>) {
    let expected = match whole {
        Judged::More => return,
        Judged::Done(_, size) => Err(*size),
        Judged::Broken(rule, offset) => Ok((*rule, *offset)),
    };
    let mut observer = Observer::new(Setup::DEFAULT.into());
    let leg = observer.leg("client-server");
    let mut sender = Role::Client;
    for (role, bytes) in steps {
        // Frames follow the head; they are not checked here.
        let head = match expected {
            Err(size) if *role == steps[steps.len() - 1].0 => &bytes[..size],
            Ok(_) | Err(_) => bytes,
        };
        observer.bytes(leg, *role, None, head);
        sender = *role;
    }
    let connection = observer.finish();
    let found = connection
        .findings
        .iter()
        .find(|finding| finding.by == Some(sender) && finding.answer != Some(Answer::Note))
        .and_then(|finding| Some((finding.rule?, Some(finding.offset))));
    // An observer of both directions finds rules that an endpoint cannot, and looks for a head after early frames.
    let early = found > expected.ok() && found.map(|found| found.0) == Some(Rule::ResponseNotHttp);
    if early || found.is_some_and(|(rule, _)| rule.seen_by() == SeenBy::Observer) {
        return;
    }
    assert_eq!(found, expected.ok(), "observer and endpoint");
}

/// A client of ours that sends the same request accepts the answer.
fn answered(request: &Request) {
    let offer = ClientOffer::of(request);
    let Ok(head) = offer.encode() else { return };
    let policy = ServerPolicy { limits: Limits::DEFAULT.head(head.len()), origins: None };
    let Progress::Done { value: again, .. } = read_request(&head, &policy) else {
        panic!("what we ask breaks a rule: {}", String::from_utf8_lossy(&head));
    };
    assert_eq!(ClientOffer::of(&again).encode().as_deref(), Ok(&head[..]), "asked twice");
    assert_eq!(
        (&again.key, &again.protocols, &again.extensions),
        (&request.key, &request.protocols, &request.extensions)
    );
    let protocol = request.protocols.first().map(String::as_str);
    let answer =
        request.accept(protocol, &[], &Headers::new()).expect("what was offered can be chosen").encode();
    let progress = read_response(&answer, &offer, &Config::default());
    let Progress::Done { value, size, .. } = progress else {
        panic!("what we answer breaks a rule: {}", String::from_utf8_lossy(&answer));
    };
    assert_eq!((value.status, value.protocol.as_deref(), size), (101, protocol, answer.len()));
}

/// The heads of the examples.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (_, transcript) in crate::seeds::examples() {
        if transcript.legs.first().is_some_and(|leg| leg.open.is_none()) {
            for (side, role) in [Role::Client, Role::Server].into_iter().enumerate() {
                let stream = transcript.stream(0, role);
                if !stream.is_empty() && stream.len() <= 1024 {
                    seeds.push([&[side as u8, 5][..], &stream].concat());
                }
            }
        }
    }
    seeds
}
