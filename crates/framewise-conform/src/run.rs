//! Runs one case on an open connection, and judges what came back.

mod echo;

use std::time::Duration;

use framewise_proto::{CloseFrame, Opcode, Violation};
use framewise_rules::{CloseCode, Role};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::case::{Case, Cut, Due, Frame, Payload, Seen, Step, Work};
use crate::session::{Happened, Session};
use crate::verdict::{Behaviour, Closing, Verdict};

/// The payload of the Ping that asks whether the endpoint has gone on.
const PROBE: &[u8] = b"still there?";
/// How long a peer may take to fail a frame of which the rest was held back, beyond its round trip.
const SLOW: Duration = Duration::from_millis(300);

/// How the runner saw the connection end.
#[derive(Debug)]
enum End {
    /// A Close frame.
    Close(Option<CloseFrame>),
    /// The end of TCP, without a Close frame.
    Eof,
    /// A reset.
    Reset,
    /// The endpoint broke a rule itself.
    Broke(Box<Violation>),
}

/// What was seen up to some point.
#[derive(Debug, Default)]
struct Course {
    seen: Vec<Seen>,
    end: Option<End>,
    /// The probe was answered.
    went_on: bool,
    probes: usize,
}

/// Runs a case over an open connection. `peer`: the role of the endpoint under test.
pub(crate) async fn run<S: AsyncRead + AsyncWrite>(
    case: &Case,
    mut session: Session<S>,
    peer: Role,
    patience: Duration,
) -> Verdict {
    let judged = match &case.work {
        Work::Frames { steps, cut, due } => frames(&mut session, steps, *cut, due, peer, patience).await,
        Work::Echoes(echoes) => echo::echoes(&mut session, echoes, peer, patience).await,
        // They are done before there is a connection.
        Work::Beside { .. } | Work::Request { .. } | Work::Response { .. } => {
            Judged::new(Behaviour::Informational, Closing::None, "")
        }
    };
    verdict(judged, session)
}

/// Runs steps on `other`, and judges what becomes of a message that is begun on `near` before and ended after it.
pub(crate) async fn beside<S: AsyncRead + AsyncWrite>(
    mut near: Session<S>,
    mut other: Session<S>,
    steps: &[Step],
    patience: Duration,
) -> Verdict {
    let mut course = Course::default();
    let first = Step::Frame(Frame::new(Opcode::Text, "be").unfinished());
    send(&mut near, &mut course, &[first, Step::Settle], Cut::Whole, &Due::Observe, patience).await;
    let mut theirs = Course::default();
    send(&mut other, &mut theirs, steps, Cut::Whole, &Due::Observe, patience).await;
    watch(&mut other, &mut theirs, patience.min(SLOW), |_| false).await;
    let last = Step::Frame(Frame::new(Opcode::Continuation, "side"));
    send(&mut near, &mut course, &[last], Cut::Whole, &Due::Observe, patience).await;
    let due = [Seen::Text("beside".into())];
    watch(&mut near, &mut course, patience, |course| !course.seen.is_empty()).await;
    let judged = match differs(&course, &due) {
        Some(judged) => ended_instead(judged, &course),
        None => close(&mut near, course, &due, Role::Server, patience).await,
    };
    drop(other);
    verdict(judged, near)
}

fn verdict<S: AsyncRead + AsyncWrite>(judged: Judged, session: Session<S>) -> Verdict {
    let took = session.elapsed();
    let (transcript, complete) = session.into_log().into_transcript();
    Verdict {
        behaviour: judged.behaviour,
        closing: judged.closing,
        code: judged.code,
        says: judged.says,
        broke: judged.broke,
        transcript,
        complete,
        took,
    }
}

/// A verdict without its recording.
#[derive(Debug)]
struct Judged {
    behaviour: Behaviour,
    closing: Closing,
    code: Option<u16>,
    says: String,
    broke: Option<framewise_rules::Rule>,
}

impl Judged {
    fn new(behaviour: Behaviour, closing: Closing, says: impl Into<String>) -> Self {
        Self { behaviour, closing, code: None, says: says.into(), broke: None }
    }

    fn failed(says: impl Into<String>) -> Self {
        Self::new(Behaviour::Failed, Closing::None, says)
    }
}

async fn frames<S: AsyncRead + AsyncWrite>(
    session: &mut Session<S>,
    steps: &[Step],
    cut: Cut,
    due: &Due,
    peer: Role,
    patience: Duration,
) -> Judged {
    let mut course = Course::default();
    send(session, &mut course, steps, cut, due, patience).await;
    match due {
        Due::Fail { codes, before, late } => {
            fail(session, course, codes, before, late, cut, peer, patience).await
        }
        Due::Answer(answers) => {
            watch(session, &mut course, patience, |course| course.seen.len() >= answers.len()).await;
            if let Some(judged) = differs(&course, answers) {
                return ended_instead(judged, &course);
            }
            close(session, course, answers, peer, patience).await
        }
        Due::Accept => {
            probe(session, &mut course, patience).await;
            watch(session, &mut course, patience, |course| course.went_on).await;
            if course.went_on {
                return close(session, course, &[], peer, patience).await;
            }
            let says = match &course.end {
                None => "the endpoint did not answer a Ping afterwards".to_owned(),
                Some(end) => format!("all of it was legal, and the endpoint {}", told(end)),
            };
            ended_instead(Judged::failed(says), &course)
        }
        Due::Close { before, codes } => {
            watch(session, &mut course, patience, |_| false).await;
            let mut judged = closed(session, &course, Some(codes), peer, patience).await;
            if let Some(other) = differs(&course, before) {
                judged.behaviour = Behaviour::Failed;
                judged.says = other.says;
            }
            judged
        }
        Due::Observe => {
            let patience = patience.min(SLOW * 3);
            watch(session, &mut course, patience, |_| false).await;
            let says = match &course.end {
                None => "the endpoint went on".to_owned(),
                Some(end) => format!("the endpoint {}", told(end)),
            };
            if let Some(End::Broke(violation)) = &course.end {
                return broke(violation);
            }
            let mut judged = closed(session, &course, None, peer, patience).await;
            judged.behaviour = Behaviour::Informational;
            judged.says = says;
            judged
        }
    }
}

/// Sends the steps. Where they wait, what was due so far has to arrive, or the endpoint ends the connection.
async fn send<S: AsyncRead + AsyncWrite>(
    session: &mut Session<S>,
    course: &mut Course,
    steps: &[Step],
    cut: Cut,
    due: &Due,
    patience: Duration,
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
                    write(session, &mut out, Cut::Whole, patience).await;
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
                write(session, &mut out, cut, patience).await;
                probe(session, course, patience).await;
                watch(session, course, patience, |course| course.went_on).await;
                if course.end.is_some() {
                    return;
                }
                course.went_on = false;
            }
            Step::Eof => {
                write(session, &mut out, cut, patience).await;
                session.shut().await;
            }
            Step::Mute => session.close_by_hand(),
        }
    }
    write(session, &mut out, cut, patience).await;
}

async fn write<S: AsyncRead + AsyncWrite>(
    session: &mut Session<S>,
    out: &mut Vec<u8>,
    cut: Cut,
    patience: Duration,
) {
    match cut {
        Cut::Whole | Cut::Frames => session.send(out, patience).await,
        Cut::Every(size) => {
            for piece in out.chunks(size.max(1)) {
                session.send(piece, patience).await;
            }
        }
        Cut::At(at) => {
            let (first, second) = out.split_at(at.min(out.len()));
            session.send(first, patience).await;
            session.send(second, patience).await;
        }
    }
    out.clear();
}

/// Sends a Ping. An endpoint that has taken in what came before answers it; one that has failed the connection does not.
async fn probe<S: AsyncRead + AsyncWrite>(session: &mut Session<S>, course: &mut Course, patience: Duration) {
    course.probes += 1;
    let mut out = Vec::new();
    session.encode(&mut out, &Frame::new(Opcode::Ping, PROBE));
    session.send(&out, patience).await;
}

/// Takes in what comes until the connection ends, nothing comes, or `enough` says so.
async fn watch<S: AsyncRead + AsyncWrite>(
    session: &mut Session<S>,
    course: &mut Course,
    patience: Duration,
    enough: impl Fn(&Course) -> bool,
) {
    while course.end.is_none() && !enough(course) {
        match session.next(patience).await {
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
            Happened::Quiet => return,
        }
    }
}

#[expect(clippy::too_many_arguments, reason = "they are the parts of one `Due::Fail`")]
async fn fail<S: AsyncRead + AsyncWrite>(
    session: &mut Session<S>,
    mut course: Course,
    codes: &[u16],
    before: &[Seen],
    late: &[Step],
    cut: Cut,
    peer: Role,
    patience: Duration,
) -> Judged {
    let mut slow = false;
    if late.is_empty() {
        probe(session, &mut course, patience).await;
        watch(session, &mut course, patience, |course| course.went_on).await;
    } else {
        watch(session, &mut course, SLOW, |_| false).await;
        if course.end.is_none() {
            slow = true;
            send(session, &mut course, late, cut, &Due::Observe, patience).await;
            probe(session, &mut course, patience).await;
            watch(session, &mut course, patience, |course| course.went_on).await;
        }
    }
    let due = codes.first().copied().unwrap_or_default();
    // Some endpoints answer a Ping before they look at the message in front of it: they have a moment to fail still.
    let answered = course.went_on;
    if answered && course.end.is_none() {
        watch(session, &mut course, SLOW, |_| false).await;
    }
    if answered && course.end.is_none() {
        let mut judged =
            Judged::failed(format!("the endpoint went on: it answered the next Ping; Close {due} is due"));
        judged.closing = Closing::Missing;
        return judged;
    }
    let beginning = course.seen.len() <= before.len()
        && course.seen.iter().zip(before).all(|(seen, due)| same(seen, due));
    if !beginning {
        let seen = course.seen.iter().zip(before.iter().map(Some).chain(std::iter::repeat(None)));
        let extra =
            seen.into_iter().find(|(seen, due)| due.is_none_or(|due| !same(seen, due))).map(|(seen, _)| seen);
        let what = extra.map_or_else(String::new, describe);
        let mut judged = Judged::failed(format!("the endpoint sent {what}; Close {due} is due"));
        judged.closing = Closing::Missing;
        return judged;
    }
    if course.end.is_none() {
        let mut judged = Judged::failed(format!("the endpoint did nothing; Close {due} is due"));
        judged.closing = Closing::Missing;
        return judged;
    }
    let mut judged = closed(session, &course, Some(codes), peer, patience).await;
    if judged.behaviour == Behaviour::Ok && (slow || answered || course.seen.len() < before.len()) {
        judged.behaviour = Behaviour::NonStrict;
        judged.says = if answered {
            format!("{}, but only after the answer to a Ping that came later", judged.says)
        } else if slow {
            format!("{}, but only when the rest had come", judged.says)
        } else {
            format!("{}, without answering what came before", judged.says)
        };
    }
    judged
}

/// Closes with 1000, and judges how the endpoint takes it.
async fn close<S: AsyncRead + AsyncWrite>(
    session: &mut Session<S>,
    mut course: Course,
    answers: &[Seen],
    peer: Role,
    patience: Duration,
) -> Judged {
    let now = session.elapsed();
    let normal = CloseFrame::new(CloseCode::NORMAL_CLOSURE, "");
    if session.engine().close(now, Some(&normal)).is_ok() {
        session.flush(patience).await;
    }
    let before = course.seen.len();
    watch(session, &mut course, patience, |_| false).await;
    let mut judged = closed(session, &course, Some(&[1000, 1005]), peer, patience).await;
    if !answers.is_empty() && course.seen.len() > before {
        judged.behaviour = Behaviour::Failed;
        judged.says = format!("the endpoint sent more than is due: {}", describe(&course.seen[before]));
    }
    judged
}

/// Judges the end, after one was seen: its code, and whether TCP ends, too. `codes`: those that are due.
async fn closed<S: AsyncRead + AsyncWrite>(
    session: &mut Session<S>,
    course: &Course,
    codes: Option<&[u16]>,
    peer: Role,
    patience: Duration,
) -> Judged {
    let due = codes.and_then(|codes| codes.first().copied());
    let close = match &course.end {
        None => {
            let mut judged = Judged::failed("the endpoint did not answer the Close frame");
            judged.closing = Closing::Missing;
            return judged;
        }
        Some(End::Broke(violation)) => return broke(violation),
        Some(end @ (End::Eof | End::Reset)) => {
            let says = match due {
                Some(due) => format!("the endpoint {}; Close {due} is due", told(end)),
                None => format!("the endpoint {}", told(end)),
            };
            return Judged::new(Behaviour::Ok, Closing::Dropped, says);
        }
        Some(End::Close(close)) => close,
    };
    let code = close.as_ref().map_or(1005, |close| close.code.0);
    // RFC 6455 §7.1.1: "the server MUST close the connection immediately" once both Close frames were sent. A client
    // waits for the server, which is this end.
    let lingers = match peer {
        Role::Server => !ends(session, patience).await,
        Role::Client => {
            session.shut().await;
            ends(session, patience).await;
            false
        }
    };
    let wrong = codes.filter(|codes| !codes.contains(&code));
    let (closing, says) = match wrong {
        Some(codes) if code == 1005 => {
            (Closing::NoCode, format!("a Close frame without a code came; {} is due", codes[0]))
        }
        Some(codes) => (Closing::WrongCode, format!("Close {code} came; {} is due", codes[0])),
        None if lingers => {
            (Closing::Lingering, "the endpoint did not end TCP after the closing handshake".to_owned())
        }
        None if code == 1005 => (Closing::Clean, "a Close frame without a code came".to_owned()),
        None => (Closing::Clean, format!("Close {code} came")),
    };
    Judged { behaviour: Behaviour::Ok, closing, code: Some(code), says, broke: None }
}

/// Waits for the end of TCP.
async fn ends<S: AsyncRead + AsyncWrite>(session: &mut Session<S>, patience: Duration) -> bool {
    loop {
        match session.next(patience).await {
            Happened::Eof | Happened::Reset => return true,
            Happened::Quiet => return session.is_over(),
            Happened::Seen(_) | Happened::Close(_) | Happened::Broke(_) => {}
        }
    }
}

/// What differs from the answers that are due.
fn differs(course: &Course, due: &[Seen]) -> Option<Judged> {
    for (index, due) in due.iter().enumerate() {
        match course.seen.get(index) {
            Some(seen) if same(seen, due) => {}
            Some(seen) => {
                return Some(Judged::failed(format!(
                    "the endpoint sent {}; {} is due",
                    describe(seen),
                    describe(due)
                )));
            }
            None => {
                let how = course
                    .end
                    .as_ref()
                    .map_or_else(String::new, |end| format!(": the endpoint {}", told(end)));
                return Some(Judged::failed(format!("{} did not come{how}", describe(due))));
            }
        }
    }
    let extra = course.seen.get(due.len())?;
    Some(Judged::failed(format!("the endpoint sent {}, which is not due", describe(extra))))
}

/// A case that failed before its end was due: how that came.
fn ended_instead(mut judged: Judged, course: &Course) -> Judged {
    match &course.end {
        None => judged.closing = Closing::Missing,
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

fn broke(violation: &Violation) -> Judged {
    let mut judged =
        Judged::failed(format!("the endpoint broke {} itself: {}", violation.rule, violation.sentence()));
    judged.closing = Closing::Missing;
    judged.broke = Some(violation.rule);
    judged
}

fn told(end: &End) -> String {
    match end {
        End::Close(None) => "closed without a code".into(),
        End::Close(Some(close)) => format!("closed with {}", close.code),
        End::Eof => "ended TCP without a Close frame".into(),
        End::Reset => "reset TCP without a Close frame".into(),
        End::Broke(violation) => format!("broke {} itself", violation.rule),
    }
}

fn same(seen: &Seen, due: &Seen) -> bool {
    match (seen, due) {
        (Seen::Text(seen), Seen::Text(due)) | (Seen::Binary(seen), Seen::Binary(due)) => {
            seen.len() == due.len() && seen.bytes() == due.bytes()
        }
        (seen, due) => seen == due,
    }
}

fn describe(seen: &Seen) -> String {
    let sized = |what: &str, payload: &Payload| {
        if payload.len() == 1 {
            format!("{what} of 1 byte")
        } else {
            format!("{what} of {} bytes", payload.len())
        }
    };
    match seen {
        Seen::Text(payload) => sized("a text message", payload),
        Seen::Binary(payload) => sized("a binary message", payload),
        Seen::Ping(payload) => format!("a Ping of {} bytes", payload.len()),
        Seen::Pong(payload) => format!("a Pong of {} bytes", payload.len()),
    }
}
