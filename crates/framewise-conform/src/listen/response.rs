//! Responses that a client has to accept, or to give up at.

use std::time::Duration;

use framewise_proto::Opcode;
use framewise_proto::handshake::http1::{Parsed, parse_response, unfold};
use framewise_proto::handshake::{ClientOffer, Request, check_response, verdict};
use framewise_rules::{Answer, Role};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;

use crate::case::{Cut, Frame, Seen};
use crate::handshake::{self, pieces};
use crate::session::{Happened, Opened, Session};
use crate::verdict::{Behaviour, Closing, Verdict};

/// Answers with the response of the case, and judges whether the client gives up or continues.
pub(super) async fn response<S: AsyncRead + AsyncWrite + Unpin>(
    request: &Request,
    mut opened: Opened<S>,
    head: &[u8],
    cut: Cut,
    end: bool,
    accept: bool,
    patience: Duration,
) -> Verdict {
    let head = handshake::fill_accept(head, &request.key);
    // What the client offered decides whether the response is right for it.
    let offer = ClientOffer::of(request);
    let mut status = None;
    let wrong = match parse_response(&unfold(&head, 0), 0) {
        Ok(Some(Parsed { head, .. })) => {
            status = Some(head.status);
            verdict(check_response(&head, &offer), |violation| violation.answer() != Answer::Note).is_err()
        }
        Ok(None) | Err(_) => true,
    };
    if wrong == accept {
        return Verdict::not_run(
            Behaviour::Unsupported,
            Closing::None,
            "the client's offer makes another case of it",
        );
    }
    for piece in pieces(&head, cut) {
        // A client that has given up may read no more.
        if !matches!(timeout(patience, opened.io.write_all(piece)).await, Ok(Ok(()))) {
            break;
        }
    }
    opened.log.bytes(Role::Server, opened.start.elapsed(), &head);
    let mut session = Session::new(Role::Server, opened);
    session.forget();
    let mut frames = Vec::new();
    session.encode(&mut frames, &Frame::new(Opcode::Ping, "still there?"));
    session.send(&frames, patience).await;
    if end {
        session.shut().await;
    }
    let happened = loop {
        match session.next(patience).await {
            // A client that speaks first has accepted; only the answer to the Ping says so for sure.
            Happened::Seen(Seen::Text(_) | Seen::Binary(_) | Seen::Ping(_)) => {}
            other @ (Happened::Seen(Seen::Pong(_))
            | Happened::Close(_)
            | Happened::Broke(_)
            | Happened::Eof
            | Happened::Reset
            | Happened::Flood
            | Happened::Quiet) => break other,
        }
    };
    let (behaviour, closing, says) = match (accept, &happened) {
        (true, Happened::Seen(_)) => (Behaviour::Ok, Closing::None, "the client accepted the response"),
        (true, _) => (Behaviour::Failed, Closing::None, "the client did not accept the response"),
        (false, Happened::Eof | Happened::Reset) => (Behaviour::Ok, Closing::None, "the client gave up"),
        // RFC 6455 §7.1.7: with a Close frame, too, the connection is failed; but before it is open there is none to send.
        (false, Happened::Close(_)) => {
            (Behaviour::NonStrict, Closing::None, "the client gave up with a Close frame")
        }
        // RFC 6455 §4.1: "If the status code received from the server is not 101, the client handles the response per HTTP
        // procedures": it may wait for a body, or keep the connection for another request.
        (false, Happened::Quiet) if status.is_some_and(|status| status >= 200) => {
            (Behaviour::NonStrict, Closing::None, "the client took it for a response of HTTP, and waits")
        }
        (false, Happened::Quiet) => (Behaviour::Failed, Closing::Missing, "the client did nothing"),
        (false, Happened::Seen(_) | Happened::Broke(_) | Happened::Flood) => {
            (Behaviour::Failed, Closing::Missing, "the client accepted the response")
        }
    };
    let took = session.elapsed();
    let (transcript, complete) = session.into_log().into_transcript();
    Verdict { transcript, complete, took, ..Verdict::not_run(behaviour, closing, says) }
}
