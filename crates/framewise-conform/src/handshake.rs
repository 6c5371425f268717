//! Opening handshakes with the endpoint under test, from either end.

use std::time::Duration;

use framewise_proto::deflate::DeflateAgreement;
use framewise_proto::extension::{DeflateParameters, Extension, PERMESSAGE_DEFLATE, parse_extensions};
use framewise_proto::handshake::http1::{
    Parsed, Progress, parse_response, read_request, read_response, unfold,
};
use framewise_proto::handshake::{ClientOffer, Headers, Request, ServerPolicy, accept_value};
use framewise_proto::{Config, Violation};
use framewise_rules::Role;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::{Instant, timeout_at};

use crate::case::{Cut, Deflate};
use crate::log::Log;
use crate::session::Opened;
use crate::wire::Numbers;

/// Bytes of a response that are read at the most, its body included.
const MOST_RESPONSE: usize = 64 * 1024;

/// How long the body of a rejection is waited for.
const BODY: Duration = Duration::from_millis(300);

/// What a server is asked with, besides what a case adds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ask {
    /// The value of Host.
    pub host: String,
    /// Path and query.
    pub target: String,
    /// Subprotocols to offer.
    pub protocols: Vec<String>,
    /// More header lines: Origin, Cookie, Authorization.
    pub headers: Vec<(String, String)>,
}

/// Why there is no open connection.
#[derive(Debug)]
pub(crate) enum NotOpen {
    /// The server answered with another status than 101: this one.
    Status(u16),
    /// The handshake broke a rule.
    Broke(Box<Violation>),
    /// The peer ended the connection, or said nothing.
    Silent,
    /// permessage-deflate was not agreed as the case needs it.
    Unsupported(String),
}

/// Does a client's handshake.
pub(crate) async fn open<S: AsyncRead + AsyncWrite + Unpin>(
    mut io: S,
    ask: &Ask,
    deflate: Option<&Deflate>,
    patience: Duration,
) -> Result<Opened<S>, (NotOpen, Log)> {
    let start = Instant::now();
    let mut log = Log::new();
    let mut offer = ClientOffer::new(&*ask.host, &*ask.target, Numbers::new().nonce());
    offer.protocols.clone_from(&ask.protocols);
    offer.headers = ask.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
    if let Some(deflate) = deflate {
        offer.extensions = parse_extensions(&deflate.offer).unwrap_or_default();
    }
    let request = match offer.encode() {
        Ok(request) => request,
        Err(misuse) => return Err((NotOpen::Unsupported(misuse.to_string()), log)),
    };
    log.bytes(Role::Client, start.elapsed(), &request);
    if io.write_all(&request).await.is_err() || io.flush().await.is_err() {
        return Err((NotOpen::Silent, log));
    }
    let deadline = start + patience;
    let mut inbox = Vec::new();
    loop {
        match read_response(&inbox, &offer, &Config::default()) {
            Progress::More => {}
            Progress::Done { value, size, .. } => {
                let agreed = DeflateAgreement::in_response(&value.extensions);
                if let Some(says) = deflate.and_then(|deflate| lacks(deflate, &value.extensions)) {
                    return Err((NotOpen::Unsupported(says), log));
                }
                let rest = inbox.split_off(size);
                let server = value.header("server").map(|name| String::from_utf8_lossy(name).into_owned());
                return Ok(Opened { io, log, start, head: size as u64, rest, agreed, server });
            }
            Progress::Broken(violation) => {
                let status = match parse_response(&inbox, 0) {
                    Ok(Some(Parsed { head, .. })) if head.status != 101 => Some(head.status),
                    Ok(_) | Err(_) => None,
                };
                let why = status.map_or_else(|| NotOpen::Broke(Box::new(violation)), NotOpen::Status);
                // The body says why.
                let until = deadline.min(Instant::now() + BODY);
                while inbox.len() < MOST_RESPONSE
                    && read_more(&mut io, &mut inbox, &mut log, Role::Server, start, until).await
                {
                }
                return Err((why, log));
            }
        }
        if !read_more(&mut io, &mut inbox, &mut log, Role::Server, start, deadline).await {
            return Err((NotOpen::Silent, log));
        }
    }
}

/// What the answer lacks of what the case needs.
fn lacks(deflate: &Deflate, extensions: &[Extension]) -> Option<String> {
    let Some(answer) = extensions.iter().find(|extension| extension.name == PERMESSAGE_DEFLATE) else {
        return Some("the server did not agree to permessage-deflate".into());
    };
    let exactly = deflate.exactly.as_deref()?;
    let wanted = parse_extensions(exactly).unwrap_or_default();
    let same = wanted.first().and_then(DeflateParameters::of_answer) == DeflateParameters::of_answer(answer);
    (!same).then(|| format!("the server agreed to {answer}, and the case needs {exactly}"))
}

/// Reads a client's request from what comes.
pub(crate) async fn read<S: AsyncRead + Unpin>(
    io: &mut S,
    patience: Duration,
) -> (Result<(Request, usize), NotOpen>, Vec<u8>, Log, Instant) {
    let start = Instant::now();
    let deadline = start + patience;
    let mut log = Log::new();
    let mut inbox = Vec::new();
    loop {
        match read_request(&inbox, &ServerPolicy::default()) {
            Progress::More => {}
            Progress::Done { value, size, .. } => return (Ok((value, size)), inbox, log, start),
            Progress::Broken(violation) => {
                return (Err(NotOpen::Broke(Box::new(violation))), inbox, log, start);
            }
        }
        if !read_more(io, &mut inbox, &mut log, Role::Client, start, deadline).await {
            return (Err(NotOpen::Silent), inbox, log, start);
        }
    }
}

/// The head of a 101 to a request, with an answer to the client's offer of permessage-deflate as the case wants it.
pub(crate) fn accept(
    request: &Request,
    deflate: Option<&Deflate>,
) -> Result<(Vec<u8>, Option<DeflateAgreement>), NotOpen> {
    let answer = match deflate {
        None => None,
        Some(deflate) => Some(answer(request, deflate)?),
    };
    let agreed =
        answer.as_ref().and_then(|answer| DeflateAgreement::in_response(std::slice::from_ref(answer)));
    let extensions: Vec<_> = answer.into_iter().collect();
    let protocol = request.protocols.first().map(String::as_str);
    let none = Headers::default();
    let reply = request
        .accept(protocol, &extensions, &none)
        .map_err(|misuse| NotOpen::Unsupported(misuse.to_string()))?;
    Ok((reply.encode(), agreed))
}

/// The first of the case's answers that one of the client's offers allows.
fn answer(request: &Request, deflate: &Deflate) -> Result<Extension, NotOpen> {
    let offers: Vec<_> = request
        .extensions
        .iter()
        .filter(|extension| extension.name == PERMESSAGE_DEFLATE)
        .filter_map(DeflateParameters::of_offer)
        .collect();
    if offers.is_empty() {
        return Err(NotOpen::Unsupported("the client did not offer permessage-deflate".into()));
    }
    let answers = match &deflate.exactly {
        Some(exactly) => std::slice::from_ref(exactly),
        None => &deflate.answers,
    };
    for text in answers {
        let Some(answer) = parse_extensions(text).and_then(|mut list| list.pop()) else { continue };
        for offer in &offers {
            let mut answer = answer.clone();
            if deflate.exactly.is_none() {
                grant(&mut answer, offer);
            }
            let parameters = DeflateParameters::of_answer(&answer);
            if parameters.is_some_and(|parameters| parameters.answer_fault(offer).is_none()) {
                return Ok(answer);
            }
        }
    }
    let wanted = answers.first().map(AsRef::as_ref).unwrap_or_default();
    Err(NotOpen::Unsupported(format!("the client's offer does not allow the answer {wanted}")))
}

/// Adds what the client asks of the server (RFC 7692 §7.1.1.1, §7.1.2.1): an answer without it does not accept the offer.
fn grant(answer: &mut Extension, offer: &DeflateParameters) {
    if offer.server_no_context_takeover {
        answer.parameters.push(("server_no_context_takeover".into(), None));
    }
    if let Some(bits) = offer.server_max_window_bits {
        answer.parameters.push(("server_max_window_bits".into(), Some(bits.to_string())));
    }
}

/// The head that a server answered a raw request with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    /// It agrees to an extension.
    pub(crate) extension: bool,
}

/// What a server answered to a raw request, and what went over the wire.
pub(crate) async fn ask_raw<S: AsyncRead + AsyncWrite + Unpin>(
    mut io: S,
    request: &[u8],
    cut: Cut,
    end: bool,
    patience: Duration,
) -> (Result<Answered, NotOpen>, Log, Instant) {
    let start = Instant::now();
    let mut log = Log::new();
    log.bytes(Role::Client, start.elapsed(), request);
    for piece in pieces(request, cut) {
        // A server that has rejected it already may read no more: what it answered counts.
        let written = timeout_at(Instant::now() + patience, async {
            io.write_all(piece).await?;
            io.flush().await
        });
        if !matches!(written.await, Ok(Ok(()))) {
            break;
        }
    }
    if end {
        log.eof(Role::Client, start.elapsed());
        // What a server that is gone answered counts.
        let _ = io.shutdown().await;
    }
    let deadline = Instant::now() + patience;
    let mut inbox = Vec::new();
    loop {
        match parse_response(&unfold(&inbox, 0), 0) {
            Ok(Some(Parsed { head, .. })) => {
                let extension = head.fields.first("sec-websocket-extensions").is_some();
                return (Ok(Answered { status: head.status, extension }), log, start);
            }
            Ok(None) => {}
            Err(_) => return (Err(NotOpen::Status(0)), log, start),
        }
        if inbox.len() > MOST_RESPONSE
            || !read_more(&mut io, &mut inbox, &mut log, Role::Server, start, deadline).await
        {
            let ended = Instant::now() < deadline;
            return (Err(if ended { NotOpen::Silent } else { NotOpen::Status(1) }), log, start);
        }
    }
}

/// The bytes, cut.
pub(crate) fn pieces(bytes: &[u8], cut: Cut) -> Vec<&[u8]> {
    match cut {
        Cut::Whole | Cut::Frames => vec![bytes],
        Cut::Every(size) => bytes.chunks(size.max(1)).collect(),
        Cut::At(at) => {
            let (first, second) = bytes.split_at(at.min(bytes.len()));
            vec![first, second]
        }
    }
}

/// `text` with `{accept}` filled in for the client's key.
pub(crate) fn fill_accept(text: &[u8], key: &str) -> Vec<u8> {
    replace(text, b"{accept}", accept_value(key).as_bytes())
}

/// `text` with `{host}`, `{path}` and `{key}` filled in.
pub(crate) fn fill_request(text: &[u8], ask: &Ask) -> Vec<u8> {
    let offer = ClientOffer::new("", "", Numbers::new().nonce());
    let text = replace(text, b"{host}", ask.host.as_bytes());
    let text = replace(&text, b"{path}", ask.target.as_bytes());
    replace(&text, b"{key}", offer.key.as_bytes())
}

fn replace(text: &[u8], what: &[u8], with: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + with.len());
    let mut rest = text;
    while let Some(at) = rest.windows(what.len()).position(|window| window == what) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(with);
        rest = &rest[at + what.len()..];
    }
    out.extend_from_slice(rest);
    out
}

async fn read_more<S: AsyncRead + Unpin>(
    io: &mut S,
    inbox: &mut Vec<u8>,
    log: &mut Log,
    from: Role,
    start: Instant,
    deadline: Instant,
) -> bool {
    let before = inbox.len();
    match timeout_at(deadline, io.read_buf(inbox)).await {
        Ok(Ok(0)) => {
            log.eof(from, start.elapsed());
            false
        }
        Ok(Ok(_)) => {
            log.bytes(from, start.elapsed(), &inbox[before..]);
            true
        }
        Ok(Err(_)) => {
            log.reset(from, start.elapsed());
            false
        }
        Err(_) => false,
    }
}
