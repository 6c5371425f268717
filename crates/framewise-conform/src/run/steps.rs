//! Sends the steps of a case, and takes in what comes.

use std::time::Duration;

use framewise_proto::{CloseFrame, Header, Opcode, Violation};
use tokio::io::{AsyncRead, AsyncWrite};

use super::Wait;
use crate::case::{Cut, Due, Frame, Seen, Step};
use crate::session::{Happened, Session};

/// The payload of the Ping that asks whether the endpoint has gone on.
const PROBE: &[u8] = b"still there?";

/// How the runner saw the connection end.
#[derive(Debug)]
pub(super) enum End {
    /// A Close frame.
    Close(Option<CloseFrame>),
    /// The end of TCP, without a Close frame.
    Eof,
    /// A reset.
    Reset,
    /// The endpoint sent without end.
    Flood,
    /// The endpoint broke a rule itself.
    Broke(Box<Violation>),
}

/// What was seen up to some point.
#[derive(Debug, Default)]
pub(super) struct Course {
    pub(super) seen: Vec<Seen>,
    pub(super) end: Option<End>,
    /// The probe was answered.
    pub(super) went_on: bool,
    /// Pings of the case before the last probe that was answered: a Pong for them may be missing.
    pub(super) superseded: usize,
    pub(super) pings: usize,
    pub(super) probes: usize,
}

impl Course {
    /// The messages that came.
    pub(super) fn messages(&self) -> usize {
        self.seen.iter().filter(|seen| seen.is_message()).count()
    }
}

/// Sends the steps. Where they wait, what was due so far has to arrive, or the endpoint ends the connection.
pub(super) async fn send<S: AsyncRead + AsyncWrite>(
    session: &mut Session<S>,
    course: &mut Course,
    steps: &[Step],
    cut: Cut,
    due: &Due,
    wait: Wait,
) {
    let mut out = Vec::new();
    let (mut complete, expected) = (0, due.messages());
    for step in steps {
        match step {
            Step::Frame(frame) => {
                session.encode(&mut out, frame);
                let whole = frame.fin && !frame.opcode.is_control();
                complete += usize::from(whole);
                course.pings += usize::from(frame.opcode == Opcode::Ping);
                if frame.opcode == Opcode::Close {
                    session.close_by_hand();
                }
                if cut == Cut::Frames {
                    write(session, &mut out, Cut::Whole, wait).await;
                }
                // Of what goes out in pieces, an endpoint may see the fault together with the message before it, or later, as
                // the machine likes: the answer to the message is awaited.
                let in_pieces = matches!(cut, Cut::Frames | Cut::Every(_));
                if whole && in_pieces && complete <= expected && matches!(due, Due::Fail { .. }) {
                    write(session, &mut out, cut, wait).await;
                    settle(session, course, complete, wait).await;
                    if course.end.is_some() {
                        return;
                    }
                }
            }
            Step::Bytes(bytes) => {
                out.extend_from_slice(bytes);
                // A Close among them is one that the case sends.
                if matches!(due, Due::Close { .. }) {
                    session.close_by_hand();
                }
            }
            Step::Rest(payload) => session.encode_rest(&mut out, payload),
            Step::Settle => {
                write(session, &mut out, cut, wait).await;
                settle(session, course, complete.min(expected), wait).await;
                if course.end.is_some() {
                    return;
                }
            }
            Step::Eof => {
                write(session, &mut out, cut, wait).await;
                session.shut().await;
            }
            Step::Mute => session.close_by_hand(),
        }
    }
    write(session, &mut out, cut, wait).await;
}

/// Waits until the endpoint has taken in what was sent, and so many messages have come back, or it ends the connection.
async fn settle<S: AsyncRead + AsyncWrite>(
    session: &mut Session<S>,
    course: &mut Course,
    echoed: usize,
    wait: Wait,
) {
    probe(session, course, wait).await;
    // A browser answers the Ping at once, and the message when its script runs.
    let enough = |course: &Course| course.went_on && course.messages() >= echoed;
    watch(session, course, wait.patience, enough).await;
    if course.went_on {
        course.superseded = course.pings;
    }
    course.went_on = false;
}

/// Whether a new message may begin after these steps: their frames are complete, and so are their messages.
pub(super) fn between_messages<'s>(steps: impl IntoIterator<Item = &'s Step>) -> bool {
    let (mut open, mut bytes) = (false, Vec::new());
    // Bytes of the last frame that have not been sent.
    let mut missing = 0;
    for step in steps {
        match step {
            Step::Frame(frame) => {
                let length = frame.payload.len() as u64;
                missing = frame.claims.unwrap_or(length).abs_diff(length);
                if !frame.opcode.is_control() {
                    open = !frame.fin;
                }
            }
            Step::Rest(rest) => missing = missing.abs_diff(rest.len() as u64),
            Step::Bytes(more) => bytes.extend_from_slice(more),
            Step::Settle => {}
            Step::Eof | Step::Mute => return false,
        }
    }
    let mut rest = &bytes[..];
    while let Some(header) = Header::decode(rest) {
        if !header.opcode.is_control() {
            open = !header.fin;
        }
        let end = usize::try_from(header.length).ok().and_then(|length| length.checked_add(header.size()));
        let Some(after) = end.and_then(|end| rest.get(end..)) else { return false };
        rest = after;
    }
    rest.is_empty() && missing == 0 && !open
}

pub(super) async fn write<S: AsyncRead + AsyncWrite>(
    session: &mut Session<S>,
    out: &mut Vec<u8>,
    cut: Cut,
    wait: Wait,
) {
    match cut {
        Cut::Whole | Cut::Frames => session.send(out, wait.patience).await,
        Cut::Every(size) => {
            for piece in out.chunks(size.max(1)) {
                session.send(piece, wait.patience).await;
            }
        }
        Cut::At(at) => {
            let (first, second) = out.split_at(at.min(out.len()));
            session.send(first, wait.patience).await;
            session.send(second, wait.patience).await;
        }
    }
    out.clear();
}

/// Sends a Ping. An endpoint that has taken in what came before answers it; one that has failed the connection does not.
pub(super) async fn probe<S: AsyncRead + AsyncWrite>(
    session: &mut Session<S>,
    course: &mut Course,
    wait: Wait,
) {
    course.probes += 1;
    let mut out = Vec::new();
    session.encode(&mut out, &Frame::new(Opcode::Ping, PROBE));
    session.send(&out, wait.patience).await;
}

/// Takes in what comes until the connection ends, nothing comes for this time, or `enough` says so.
pub(super) async fn watch<S: AsyncRead + AsyncWrite>(
    session: &mut Session<S>,
    course: &mut Course,
    time: Duration,
    enough: impl Fn(&Course) -> bool,
) {
    while course.end.is_none() && !enough(course) {
        match session.next(time).await {
            Happened::Seen(Seen::Pong(payload)) if payload == PROBE && course.probes > 0 => {
                course.went_on = true;
            }
            // A keepalive Ping or Pong of the endpoint answers no step.
            Happened::Seen(Seen::Ping(_)) => {}
            Happened::Seen(seen) => course.seen.push(seen),
            Happened::Close(close) => course.end = Some(End::Close(close)),
            Happened::Broke(violation) => course.end = Some(End::Broke(violation)),
            Happened::Eof => course.end = Some(End::Eof),
            Happened::Reset => course.end = Some(End::Reset),
            Happened::Flood => course.end = Some(End::Flood),
            Happened::Quiet => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_begins_only_where_none_is_open() {
        let frame = |opcode| Frame::new(opcode, "a");
        let (text, ping) = (Step::Frame(frame(Opcode::Text)), Step::Frame(frame(Opcode::Ping).unfinished()));
        assert!(between_messages(&[text.clone(), ping.clone()]));
        let first = Step::Frame(frame(Opcode::Text).unfinished());
        assert!(!between_messages(&[first.clone(), ping]));
        assert!(between_messages(&[first, Step::Frame(frame(Opcode::Continuation))]));
        let short = Frame { claims: Some(2), ..frame(Opcode::Text) };
        assert!(!between_messages(&[Step::Frame(short.clone())]));
        assert!(between_messages(&[Step::Frame(short), Step::Rest(b"b".to_vec())]));
        for (bytes, between) in [
            (&b"\x81\x81\0\0\0\0a"[..], true),
            (b"\x01\x81\0\0\0\0a", false),
            (b"\x81\x82\0\0\0\0a", false),
            (b"\x81", false),
            (b"\x01\x01a\x80\x00", true),
            (b"", true),
        ] {
            assert_eq!(between_messages(&[Step::Bytes(bytes.to_vec())]), between, "{bytes:?}");
        }
        assert!(!between_messages(&[text, Step::Eof]));
    }
}
