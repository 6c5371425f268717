//! A stream that fails while it is read: what is broken by that, and what is the system's own error.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll};

use framewise::proto::Opcode;
use framewise::{Client, Error, Rule, Server};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, join, sink};

use crate::common::{REQUEST, masked};

/// A stream that gives these bytes and then fails. What is written goes nowhere, or fails, too.
struct Breaks {
    bytes: Vec<u8>,
    reads: ErrorKind,
    writes: Option<ErrorKind>,
}

impl Breaks {
    fn new(bytes: impl Into<Vec<u8>>, reads: ErrorKind) -> Self {
        Self { bytes: bytes.into(), reads, writes: None }
    }
}

impl AsyncRead for Breaks {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.bytes.is_empty() {
            return Poll::Ready(Err(self.reads.into()));
        }
        let count = self.bytes.len().min(buf.remaining());
        buf.put_slice(&self.bytes.drain(..count).collect::<Vec<u8>>());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Breaks {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(self.writes.map_or(Ok(buf.len()), |kind| Err(kind.into())))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The rule that is broken, or the kind of the system's error.
fn found(error: &Error) -> Result<Rule, ErrorKind> {
    match error {
        Error::Violation(violation) => Ok(violation.rule),
        Error::Rejected(rejected) => Ok(rejected.violation.rule),
        Error::Io(error) => Err(error.kind()),
        Error::RequestRejected(_) | Error::Misuse(_) | Error::Connect(_) | Error::Other(_) | _ => {
            panic!("{error}")
        }
    }
}

#[tokio::test]
async fn a_reset_in_the_handshake_is_its_end_and_no_other_failure_is() {
    for (kind, request, response) in [
        (ErrorKind::ConnectionReset, Ok(Rule::RequestTruncated), Ok(Rule::ResponseMissing)),
        (ErrorKind::TimedOut, Err(ErrorKind::TimedOut), Err(ErrorKind::TimedOut)),
    ] {
        let accepted = Server::new().accept(Breaks::new(&REQUEST[..40], kind)).await;
        assert_eq!(found(&accepted.expect_err("half a request")), request);
        let half = Breaks::new("HTTP/1.1 101 Switching", kind);
        let connected = Client::new().connect_over(half, "ws://example.com/").await;
        assert_eq!(found(&connected.expect_err("half a response")), response);
    }
}

#[tokio::test]
async fn a_request_that_cannot_be_written_is_told_unless_the_server_says_why() {
    for (answer, reads, told) in [
        ("", ErrorKind::TimedOut, Err(ErrorKind::BrokenPipe)),
        ("", ErrorKind::ConnectionReset, Ok(Rule::ResponseMissing)),
        ("HTTP/1.1 503 Busy\r\n\r\n", ErrorKind::TimedOut, Ok(Rule::ResponseStatus)),
    ] {
        let stream = Breaks { writes: Some(ErrorKind::BrokenPipe), ..Breaks::new(answer, reads) };
        let connected = Client::new().connect_over(stream, "ws://example.com/").await;
        assert_eq!(found(&connected.expect_err("nothing is written")), told, "{answer} {reads}");
    }
}

#[tokio::test]
async fn a_connection_that_is_lost_names_how() {
    let reset = Ok(Rule::ConnectionReset);
    for (kind, lost) in [
        (ErrorKind::ConnectionReset, reset),
        (ErrorKind::ConnectionAborted, reset),
        (ErrorKind::BrokenPipe, reset),
        // TLS without its close_notify, as a proxy may end it.
        (ErrorKind::UnexpectedEof, Ok(Rule::CloseMissing)),
        (ErrorKind::TimedOut, Err(ErrorKind::TimedOut)),
    ] {
        let bytes = [REQUEST.as_bytes(), &masked(Opcode::Text, true, b"before")].concat();
        let mut server = Server::new().accept(Breaks::new(bytes, kind)).await.expect("a handshake");
        assert_eq!(server.next().await.expect("a message").expect("it is right").as_text(), Some("before"));
        let error = server.next().await.expect("an error").expect_err("it is lost");
        assert_eq!(found(&error), lost, "{kind}");
        let as_bytes = match lost {
            Ok(Rule::ConnectionReset) => ErrorKind::ConnectionReset,
            Ok(_) => ErrorKind::UnexpectedEof,
            Err(kind) => kind,
        };
        assert_eq!(io::Error::from(error).kind(), as_bytes, "{kind}");
        assert!(server.next().await.is_none());
    }
}

/// A client that sends without end.
struct Endless {
    sent: usize,
}

impl AsyncRead for Endless {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        assert!(self.sent < 16 << 20, "it reads for ever");
        let count = buf.remaining();
        buf.put_slice(&b"\r\n".repeat(count)[..count]);
        self.sent += count;
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn what_a_rejected_client_sends_on_is_not_read_for_ever() {
    let rejected = Server::new().accept(join(Endless { sent: 0 }, sink())).await;
    found(&rejected.expect_err("no request")).expect("a rule is broken");
}
