//! How a connection has to end: with a failing Close, or after the closing handshake.

use framewise_proto::{CloseFrame, Opcode, Violation};
use framewise_rules::{CloseCode, Role};
use tokio::io::{AsyncRead, AsyncWrite};

use super::Wait;
use super::judged::{Compared, Judged, broke, compared, describe, told};
use super::steps::{Course, End, probe, send, watch};
use crate::case::{Cut, Due, Frame, Seen, Step};
use crate::session::{Happened, Session};
use crate::verdict::{Behaviour, Closing};

#[expect(clippy::too_many_arguments, reason = "they are the parts of one `Due::Fail`")]
pub(super) async fn fail<S: AsyncRead + AsyncWrite>(
    session: &mut Session<S>,
    mut course: Course,
    codes: &[u16],
    before: &[Seen],
    late: &[Step],
    cut: Cut,
    between_messages: bool,
    peer: Role,
    wait: Wait,
) -> Judged {
    let mut slow = false;
    if late.is_empty() {
        probe(session, &mut course, wait).await;
        watch(session, &mut course, wait.patience, |course| course.went_on).await;
    } else {
        watch(session, &mut course, wait.slow, |_| false).await;
        if course.end.is_none() {
            slow = true;
            send(session, &mut course, late, cut, &Due::Observe, wait).await;
            probe(session, &mut course, wait).await;
            watch(session, &mut course, wait.patience, |course| course.went_on).await;
        }
    }
    let due = codes.first().copied().unwrap_or_default();
    // Some endpoints answer a Ping before they look at the message in front of it: they have a moment to fail still.
    let answered = course.went_on;
    if answered && course.end.is_none() {
        still_fails(session, &mut course, before, between_messages, wait).await;
    }
    if answered && course.end.is_none() {
        let says = format!("the endpoint went on: it answered the next Ping; Close {due} is due");
        return Judged { closing: Closing::Missing, took_it: true, ..Judged::failed(says) };
    }
    let compared = compared(&course, before);
    if let Compared::Other(seen, _) = compared {
        let says = format!("the endpoint sent {}; Close {due} is due", describe(seen));
        return Judged { closing: Closing::Missing, took_it: true, ..Judged::failed(says) };
    }
    let lacks = matches!(compared, Compared::Lacks(_));
    if course.end.is_none() {
        let mut judged = Judged::failed(format!("the endpoint did nothing; Close {due} is due"));
        judged.closing = Closing::Missing;
        return judged;
    }
    let mut judged = closed(session, &course, Some(codes), peer, wait).await;
    if judged.behaviour == Behaviour::Ok && (slow || lacks) {
        judged.behaviour = Behaviour::NonStrict;
        let how = if slow { "but only when the rest had come" } else { "without answering what came before" };
        judged.says = format!("{}, {how}", judged.says);
    } else if answered {
        // No sentence puts the two in an order: RFC 6455 §5.5.2 wants the Pong "as soon as is practical".
        judged.says = format!("{}, after the answer to a Ping that came later", judged.says);
    }
    judged
}

/// Waits until the endpoint has failed the connection, or shows that it will not. Some answer a Ping as it comes, and the
/// messages in the order of a queue: one that sends the next message back has passed over the fault before it. Where that
/// cannot be asked, it has a moment.
async fn still_fails<S: AsyncRead + AsyncWrite>(
    session: &mut Session<S>,
    course: &mut Course,
    before: &[Seen],
    between_messages: bool,
    wait: Wait,
) {
    let due = before.iter().filter(|seen| seen.is_message()).count();
    if !(wait.echoes && between_messages) {
        watch(session, course, wait.slow, |_| false).await;
        return;
    }
    let mut out = Vec::new();
    session.encode(&mut out, &Frame::new(Opcode::Text, "and this?"));
    session.send(&out, wait.patience).await;
    watch(session, course, wait.patience, |course| course.messages() > due).await;
}

/// Closes with 1000, and judges how the endpoint takes it.
pub(super) async fn close<S: AsyncRead + AsyncWrite>(
    session: &mut Session<S>,
    mut course: Course,
    answers: &[Seen],
    peer: Role,
    wait: Wait,
) -> Judged {
    let now = session.elapsed();
    let normal = CloseFrame::new(CloseCode::NORMAL_CLOSURE, "");
    if session.engine().close(now, Some(&normal)).is_ok() {
        session.flush(wait.patience).await;
    }
    let before = course.seen.len();
    watch(session, &mut course, wait.patience, |_| false).await;
    let mut judged = closed(session, &course, Some(&[1000, 1005]), peer, wait).await;
    if !answers.is_empty() && course.seen.len() > before {
        judged.behaviour = Behaviour::Failed;
        judged.says = format!("the endpoint sent more than is due: {}", describe(&course.seen[before]));
    }
    judged
}

/// Judges the end, after one was seen: its code, and whether TCP ends, too. `codes`: those that are due.
pub(super) async fn closed<S: AsyncRead + AsyncWrite>(
    session: &mut Session<S>,
    course: &Course,
    codes: Option<&[u16]>,
    peer: Role,
    wait: Wait,
) -> Judged {
    let due = codes.and_then(|codes| codes.first().copied());
    let close = match &course.end {
        None => {
            let mut judged = Judged::failed("the endpoint did not answer the Close frame");
            judged.closing = Closing::Missing;
            return judged;
        }
        Some(End::Broke(violation)) => return broke(violation),
        Some(end @ End::Flood) => {
            let mut judged = Judged::failed(format!("the endpoint {}", told(end)));
            judged.closing = Closing::Missing;
            return judged;
        }
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
    if peer == Role::Client {
        session.shut().await;
    }
    let lingers = match ends(session, wait).await {
        Ok(ended) => peer == Role::Server && !ended,
        // RFC 6455 §5.5.1: "The application MUST NOT send any more data frames after sending a Close frame."
        Err(violation) => return broke(&violation),
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
    Judged { closing, code: Some(code), ..Judged::new(Behaviour::Ok, closing, says) }
}

/// Waits for the end of TCP. What the endpoint breaks after its Close is an error.
async fn ends<S: AsyncRead + AsyncWrite>(
    session: &mut Session<S>,
    wait: Wait,
) -> Result<bool, Box<Violation>> {
    loop {
        match session.next(wait.patience).await {
            Happened::Eof | Happened::Reset => return Ok(true),
            Happened::Quiet => return Ok(session.is_over()),
            Happened::Broke(violation) => return Err(violation),
            Happened::Seen(_) | Happened::Close(_) | Happened::Flood => {}
        }
    }
}
