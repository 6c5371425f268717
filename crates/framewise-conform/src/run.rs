//! Runs one case on an open connection, and judges what came back.

mod echo;
mod end;
mod judged;
mod steps;

use std::time::Duration;

use framewise_proto::Opcode;
use framewise_rules::Role;
use tokio::io::{AsyncRead, AsyncWrite};

use self::end::{close, closed, fail};
use self::judged::{Judged, broke, differs, ended_instead, told};
use self::steps::{Course, End, probe, send, watch};
use crate::case::{Case, Cut, Due, Frame, Level, Seen, Step, Work};
use crate::session::Session;
use crate::verdict::{Behaviour, Closing, Verdict};

/// How long a case waits for the endpoint, by how fast that was before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    /// For what is due: so long after the last byte that moved.
    pub(crate) patience: Duration,
    /// For what may come or not: a failing Close although the rest of the frame is held back.
    pub(crate) slow: Duration,
    /// The endpoint sends messages back.
    pub(crate) echoes: bool,
}

/// Runs a case over an open connection. `peer`: the role of the endpoint under test.
pub(crate) async fn run<S: AsyncRead + AsyncWrite>(
    case: &Case,
    mut session: Session<S>,
    peer: Role,
    wait: Wait,
) -> Verdict {
    let judged = match &case.work {
        Work::Frames { steps, cut, due } => frames(&mut session, steps, *cut, due, peer, wait).await,
        Work::Echoes(echoes) => echo::echoes(&mut session, echoes, peer, wait).await,
        // They are done before there is a connection.
        Work::Beside { .. } | Work::Request { .. } | Work::Response { .. } => {
            Judged::new(Behaviour::Informational, Closing::None, "")
        }
    };
    verdict(as_binding(case, within_limits(case, judged)), session)
}

/// What no sentence forbids is no failure, though a strict endpoint rejects it.
fn as_binding(case: &Case, judged: Judged) -> Judged {
    if case.level != Level::May || !judged.took_it {
        return judged;
    }
    let says = format!("{}, but nothing obliges the endpoint to that", judged.says);
    Judged { behaviour: Behaviour::NonStrict, closing: Closing::None, says, ..judged }
}

/// RFC 6455 §10.4: implementations that have limits "MUST protect themselves against exceeding those limits". An endpoint
/// that says with 1009 or 1008 that a large message, or one of many fragments, is beyond its limit does not support it.
fn within_limits(case: &Case, judged: Judged) -> Judged {
    let large = case.level > Level::Must && matches!(case.family(), "size" | "flood");
    // Where only a MAY would be broken, it may end the connection as it likes.
    let ended = matches!(judged.code, Some(1008 | 1009))
        || case.level == Level::May && judged.closing == Closing::Dropped;
    let limit = large && ended && judged.behaviour == Behaviour::Failed;
    if !limit {
        return judged;
    }
    let says = format!("the endpoint has a limit: {}", judged.says);
    Judged { behaviour: Behaviour::Unsupported, says, ..judged }
}

/// Runs steps on `other`, and judges what becomes of a message that is begun on `near` before and ended after it.
pub(crate) async fn beside<S: AsyncRead + AsyncWrite>(
    mut near: Session<S>,
    mut other: Session<S>,
    steps: &[Step],
    wait: Wait,
) -> Verdict {
    let mut course = Course::default();
    let first = Step::Frame(Frame::new(Opcode::Text, "be").unfinished());
    send(&mut near, &mut course, &[first, Step::Settle], Cut::Whole, &Due::Observe, wait).await;
    let mut theirs = Course::default();
    send(&mut other, &mut theirs, steps, Cut::Whole, &Due::Observe, wait).await;
    watch(&mut other, &mut theirs, wait.patience.min(wait.slow), |_| false).await;
    let last = Step::Frame(Frame::new(Opcode::Continuation, "side"));
    send(&mut near, &mut course, &[last], Cut::Whole, &Due::Observe, wait).await;
    let due = [Seen::Text("beside".into())];
    watch(&mut near, &mut course, wait.patience, |course| !course.seen.is_empty()).await;
    let judged = match differs(&course, &due) {
        Some(judged) => ended_instead(judged, &course),
        None => close(&mut near, course, &due, Role::Server, wait).await,
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

async fn frames<S: AsyncRead + AsyncWrite>(
    session: &mut Session<S>,
    steps: &[Step],
    cut: Cut,
    due: &Due,
    peer: Role,
    wait: Wait,
) -> Judged {
    let mut course = Course::default();
    send(session, &mut course, steps, cut, due, wait).await;
    match due {
        Due::Fail { codes, before, late } => {
            let between_messages = steps::between_messages(steps.iter().chain(late));
            fail(session, course, codes, before, late, cut, between_messages, peer, wait).await
        }
        Due::Answer(answers) => {
            watch(session, &mut course, wait.patience, |course| course.seen.len() >= answers.len()).await;
            if let Some(judged) = differs(&course, answers) {
                return ended_instead(judged, &course);
            }
            close(session, course, answers, peer, wait).await
        }
        Due::Accept => {
            probe(session, &mut course, wait).await;
            watch(session, &mut course, wait.patience, |course| course.went_on).await;
            if course.went_on {
                return close(session, course, &[], peer, wait).await;
            }
            let says = match &course.end {
                None => "the endpoint did not answer a Ping afterwards".to_owned(),
                Some(end) => format!("all of it was legal, and the endpoint {}", told(end)),
            };
            ended_instead(Judged::failed(says), &course)
        }
        Due::Close { before, codes } => {
            watch(session, &mut course, wait.patience, |_| false).await;
            let mut judged = closed(session, &course, Some(codes), peer, wait).await;
            if let Some(other) = differs(&course, before) {
                judged.behaviour = Behaviour::Failed;
                judged.says = other.says;
            }
            judged
        }
        Due::Lost { before } => {
            let wait = Wait { patience: wait.patience.min(wait.slow * 3), ..wait };
            watch(session, &mut course, wait.patience, |_| false).await;
            if let Some(End::Broke(violation)) = &course.end {
                return broke(violation);
            }
            course.seen.retain(Seen::is_message);
            let more = course.seen.len() > before.len();
            match differs(&course, before).filter(|_| more || !before.is_empty()) {
                Some(judged) => judged,
                None => Judged::new(Behaviour::Ok, Closing::None, "what was incomplete did not come back"),
            }
        }
        Due::Observe => {
            let wait = Wait { patience: wait.patience.min(wait.slow * 3), ..wait };
            watch(session, &mut course, wait.patience, |_| false).await;
            let says = match &course.end {
                None => "the endpoint went on".to_owned(),
                Some(end) => format!("the endpoint {}", told(end)),
            };
            if let Some(End::Broke(violation)) = &course.end {
                return broke(violation);
            }
            let mut judged = closed(session, &course, None, peer, wait).await;
            judged.behaviour = Behaviour::Informational;
            judged.says = says;
            judged
        }
    }
}
