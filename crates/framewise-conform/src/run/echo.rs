//! Messages that the endpoint echoes, and the judgement of what came back.

use framewise_proto::MessageKind;
use framewise_rules::Role;
use tokio::io::{AsyncRead, AsyncWrite};

use super::Wait;
use super::end::close;
use super::judged::{Judged, describe, ended_instead, same, told};
use super::steps::{Course, watch};
use crate::case::{Echoes, Seen};
use crate::material;
use crate::session::Session;

pub(super) async fn echoes<S: AsyncRead + AsyncWrite>(
    session: &mut Session<S>,
    echoes: &Echoes,
    peer: Role,
    wait: Wait,
) -> Judged {
    let mut course = Course::default();
    let mut source = material::Source::new(echoes.of);
    for index in 0..echoes.count {
        let message = source.message(echoes.size);
        let sent = send_message(session, &message, echoes.fragment, wait).await;
        if let Err(says) = sent {
            return Judged::failed(says);
        }
        watch(session, &mut course, wait.patience, |course| !course.seen.is_empty()).await;
        match course.seen.pop() {
            Some(seen) if same(&seen, &message) => {}
            Some(seen) => {
                return ended_instead(
                    Judged::failed(format!(
                        "message {} came back as {}; {} is due",
                        index + 1,
                        contents(&seen, &message),
                        describe(&message)
                    )),
                    &course,
                );
            }
            None => {
                let how = course
                    .end
                    .as_ref()
                    .map_or_else(String::new, |end| format!(": the endpoint {}", told(end)));
                return ended_instead(
                    Judged::failed(format!("the echo of message {} did not come{how}", index + 1)),
                    &course,
                );
            }
        }
    }
    close(session, course, &[], peer, wait).await
}

/// The first byte that differs, where the kinds and the lengths are equal.
fn contents(seen: &Seen, due: &Seen) -> String {
    let ((Seen::Text(seen_payload), Seen::Text(payload))
    | (Seen::Binary(seen_payload), Seen::Binary(payload))) = (seen, due)
    else {
        return describe(seen);
    };
    let at = seen_payload.bytes().iter().zip(payload.bytes().iter()).position(|(seen, due)| seen != due);
    match at {
        Some(at) if seen_payload.len() == payload.len() => {
            format!("{}, other from byte {at} on", describe(seen))
        }
        Some(_) | None => describe(seen),
    }
}

async fn send_message<S: AsyncRead + AsyncWrite>(
    session: &mut Session<S>,
    message: &Seen,
    fragment: usize,
    wait: Wait,
) -> Result<(), String> {
    let (kind, payload) = match message {
        Seen::Text(payload) => (MessageKind::Text, payload),
        Seen::Binary(payload) => (MessageKind::Binary, payload),
        Seen::Ping(_) | Seen::Pong(_) => return Ok(()),
    };
    let bytes = payload.bytes();
    let engine = session.engine();
    let sent = if fragment == 0 || bytes.len() <= fragment {
        match kind {
            MessageKind::Text => engine.send_text(&String::from_utf8_lossy(&bytes)),
            MessageKind::Binary => engine.send_binary(&bytes),
        }
    } else {
        engine.begin(kind).and_then(|()| {
            for piece in bytes.chunks(fragment) {
                engine.send_part(piece, piece.len() < fragment)?;
            }
            // A message of full fragments ends with an empty one, as in Autobahn's suite.
            if bytes.len().is_multiple_of(fragment) { engine.send_part(&[], true) } else { Ok(()) }
        })
    };
    sent.map_err(|misuse| format!("the message could not be sent: {misuse}"))?;
    session.flush(wait.patience).await;
    Ok(())
}
