use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use framewise_proto::deflate::negotiate;
use framewise_proto::handshake::{
    Progress, Request, read_request, refusal, request_ended, request_timed_out,
};
use framewise_proto::rules::Role;
use framewise_proto::{Detail, Misuse, Violation};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::{Instant, timeout, timeout_at};

use super::Settings;
use super::reply::{Reply, reason};
use crate::stop::StopSeat;
use crate::websocket::Opened;
use crate::{Error, WebSocket, head};

/// Bytes that a client may send behind a request that was refused, before the connection is cut.
const DRAINED: usize = 1024 * 1024;

pub(super) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
    settings: &Settings,
    mut stream: S,
    stop: Option<StopSeat>,
) -> Result<WebSocket<S>, Error> {
    let limits = settings.config.limits;
    let deadline = Instant::now() + limits.handshake;
    let mut bytes = BytesMut::with_capacity(head::FIRST);
    let read = match timeout_at(deadline, read(settings, &mut stream, &mut bytes)).await {
        Ok(read) => read?,
        Err(_) => Err(request_timed_out(&bytes)),
    };
    let (request, size, notes) = match read {
        Ok(read) => read,
        Err(mut violation) => {
            // A TLS record of the type handshake.
            if bytes.starts_with(&[0x16, 0x03]) {
                violation.detail = Detail::Tls;
            }
            if let Some(response) = refusal(&violation) {
                turn_down(&mut stream, &response, limits.close).await;
            }
            return Err(violation.into());
        }
    };
    let reply = settings.decide(&request);
    if let Some((status, body)) = &reply.refusal {
        turn_down(&mut stream, &refuse(*status, body, &reply)?, limits.close).await;
        return Err(Error::TurnedDown(*status));
    }
    let mut headers = reply.headers;
    let agreed = settings.config.deflate.and_then(|deflate| negotiate(&request.extensions, &deflate));
    let deflate = agreed.map(|(answer, agreement)| {
        headers.push(("Sec-WebSocket-Extensions".to_owned(), answer.to_string()));
        agreement
    });
    let response = request.accept(reply.protocol.as_deref(), &headers)?;
    timeout_at(deadline, async {
        stream.write_all(&response).await?;
        stream.flush().await
    })
    .await
    .map_err(io::Error::from)??;
    let head = bytes.split_to(size);
    let opened = Opened {
        config: Arc::clone(&settings.config),
        head,
        // A copy: the head's buffer does not stay with the connection.
        rest: BytesMut::from(&bytes[..]),
        notes,
        protocol: reply.protocol.map(Into::into),
        stop,
        deflate,
    };
    Ok(WebSocket::new(stream, Role::Server, opened))
}

type Read = Result<(Request, usize, Vec<Violation>), Violation>;

async fn read<S: AsyncRead + Unpin>(
    settings: &Settings,
    stream: &mut S,
    bytes: &mut BytesMut,
) -> io::Result<Read> {
    let policy = settings.policy();
    loop {
        let before = bytes.len();
        match stream.read_buf(bytes).await {
            Ok(0) => return Ok(Err(request_ended(bytes))),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                return Ok(Err(request_ended(bytes)));
            }
            Err(error) => return Err(error),
        }
        if !head::worth_reading(bytes, before, policy.limits.head) {
            continue;
        }
        match read_request(bytes, &policy) {
            Progress::More => {}
            Progress::Done { value, size, notes } => return Ok(Ok((value, size, notes))),
            Progress::Broken(violation) => return Ok(Err(violation)),
        }
    }
}

/// The head and body of the application's own refusal.
fn refuse(status: u16, body: &str, reply: &Reply) -> Result<Vec<u8>, Misuse> {
    if !(300..=599).contains(&status) {
        return Err(Misuse::Head);
    }
    let mut lines = String::new();
    for (name, value) in &reply.headers {
        // The same check as for the lines of a 101.
        Request::default().accept(None, &[(name.clone(), value.clone())])?;
        lines.extend([name, ": ", value, "\r\n"]);
    }
    let response = format!(
        "HTTP/1.1 {status} {}\r\nConnection: close\r\n{lines}Content-Type: text/plain; charset=utf-8\r\n\
         Content-Length: {}\r\n\r\n{body}",
        reason(status),
        body.len()
    );
    Ok(response.into_bytes())
}

/// Answers a request that is not accepted, and reads until the client's end: a connection that is closed with bytes
/// unread is reset, and the reset can overtake the answer (RFC 9112 §9.6).
async fn turn_down<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, response: &[u8], limit: Duration) {
    let answered = timeout(limit, async {
        stream.write_all(response).await?;
        stream.shutdown().await?;
        let mut rest = BytesMut::with_capacity(head::FIRST);
        let mut drained = 0;
        while drained < DRAINED {
            rest.clear();
            match stream.read_buf(&mut rest).await? {
                0 => break,
                count => drained += count,
            }
        }
        io::Result::Ok(())
    });
    // A client that is gone, or does not go: the finding is the request's.
    let _ = answered.await;
}
