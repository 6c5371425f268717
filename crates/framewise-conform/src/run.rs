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
use crate::case::{Case, Cut, Due, Frame, Seen, Step, Work};
use crate::session::Session;
use crate::verdict::{Behaviour, Closing, Verdict};

/// How long a peer may take to fail a frame of which the rest was held back, beyond its round trip.
const SLOW: Duration = Duration::from_millis(300);

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
