//! Sends the steps of a case, and takes in what comes.

use std::time::Duration;

use framewise_proto::{CloseFrame, Opcode, Violation};
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
    probes: usize,
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
    for step in steps {
        match step {
            Step::Frame(frame) => {
                session.encode(&mut out, frame);
                if frame.opcode == Opcode::Close {
                    session.close_by_hand();
                }
                if cut == Cut::Frames {
                    write(session, &mut out, Cut::Whole, wait).await;
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
                probe(session, course, wait).await;
                watch(session, course, wait.patience, |course| course.went_on).await;
                if course.end.is_some() {
                    return;
                }
                course.went_on = false;
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
