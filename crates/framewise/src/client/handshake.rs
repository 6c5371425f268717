use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use framewise_proto::Violation;
use framewise_proto::deflate::DeflateAgreement;
use framewise_proto::handshake::http1::{
    FIRST_READ, Progress, interim, parse_response, read_response, unfold, worth_reading,
};
use framewise_proto::handshake::{
    ClientOffer, Response, extension_required, response_ended, response_timed_out,
};
use framewise_proto::rules::{Role, Rule};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::{Instant, timeout, timeout_at};

use super::attempt::Attempt;
use super::{Client, offer};
use crate::error::{ConnectFault, Rejected};
use crate::peer_head::PeerHead;
use crate::websocket::Established;
use crate::{Error, WebSocket, trace};

/// How many bytes of the body of a rejection are kept.
const BODY: usize = 4096;
/// How long the client waits for them.
const BODY_TIME: Duration = Duration::from_secs(1);

/// A request that is ready to be sent.
pub(super) struct Asking {
    offer: ClientOffer,
    request: Vec<u8>,
}

/// Writes the request, so that an invalid one is reported before the client connects.
pub(super) fn ask(client: &Client, attempt: &Attempt) -> Result<Asking, Error> {
    let url = &attempt.url;
    let mut offer = offer::offer(client, &url.authority, &url.target, attempt.foreign)?;
    if let Some(value) = &url.authorization
        && offer.headers.get("authorization").is_none()
    {
        offer.headers.push("Authorization", value.as_bytes());
    }
    let request = offer.encode()?;
    Ok(Asking { offer, request })
}

pub(super) async fn open<S: AsyncRead + AsyncWrite + Unpin>(
    client: &Client,
    mut stream: S,
    attempt: &Attempt,
    asking: &Asking,
) -> Result<WebSocket<S>, Error> {
    let Attempt { url, deadline, .. } = attempt;
    let mut bytes = BytesMut::with_capacity(FIRST_READ);
    let read = match timeout_at(*deadline, exchange(client, asking, &mut stream, &mut bytes)).await {
        Ok(read) => read?,
        Err(_) => Err(response_timed_out(&bytes)),
    };
    if let Err(violation) = &read {
        trace::rule_broken(Role::Client, violation);
    }
    match read {
        Ok((response, size, notes)) => {
            let head = bytes.split_to(size);
            let deflate = DeflateAgreement::in_response(&response.extensions);
            let opened = Established {
                config: Arc::clone(&client.config),
                head_size: size as u64,
                head: PeerHead::Bytes(head[..].into()),
                // A copy: the head's buffer does not stay with the connection.
                rest: BytesMut::from(&bytes[..]),
                notes,
                protocol: response.protocol.map(Into::into),
                stop: None,
                deflate,
            };
            let ws = WebSocket::new(stream, Role::Client, opened);
            if deflate.is_none() && client.config.deflate.is_some_and(|deflate| deflate.required) {
                // RFC 6455 §7.4.1, 1010: the handshake is done, so that the answer is a Close.
                return Err(ws.fail_for(extension_required(size)).await);
            }
            Ok(ws)
        }
        Err(violation) if violation.rule == Rule::ResponseStatus => {
            Err(rejected(violation, bytes, &mut stream, attempt).await)
        }
        Err(violation) if is_tls(&bytes) => {
            let says = format!(
                "the server at {} speaks TLS where plain HTTP was expected: write wss:// ({violation})",
                url.authority
            );
            Err(attempt.error(ConnectFault::ServerSpeaksTls, says).into())
        }
        Err(violation) => Err(violation.into()),
    }
}

type Read = Result<(Response, usize, Vec<Violation>), Violation>;

async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(
    client: &Client,
    Asking { offer, request }: &Asking,
    stream: &mut S,
    bytes: &mut BytesMut,
) -> io::Result<Read> {
    // A server may reject before it has read everything: its answer counts more than the failure to write.
    let written = async {
        stream.write_all(request).await?;
        stream.flush().await
    }
    .await;
    let config = &*client.config;
    loop {
        let before = bytes.len();
        match stream.read_buf(bytes).await {
            Ok(0) => return Ok(Err(response_ended(bytes))),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                return Ok(Err(response_ended(bytes)));
            }
            Err(error) => return written.and(Err(error)),
        }
        if !worth_reading(bytes, before, config.limits.head) {
            continue;
        }
        match read_response(bytes, offer, config) {
            Progress::More => {}
            Progress::Done { value, size, notes } => return Ok(Ok((value, size, notes))),
            Progress::Broken(violation) => return Ok(Err(violation)),
        }
    }
}

/// Whether an answer begins with a TLS record: an alert (21) or a handshake (22), version 3.x.
pub(super) fn is_tls(bytes: &[u8]) -> bool {
    matches!(bytes, [0x15 | 0x16, 0x03, ..])
}

/// The answer of a server that rejected the handshake, with the start of its body.
async fn rejected<S: AsyncRead + Unpin>(
    violation: Violation,
    mut bytes: BytesMut,
    stream: &mut S,
    attempt: &Attempt,
) -> Error {
    let unfolded = unfold(&bytes, 0);
    let start = interim(&unfolded, 0);
    let (response, reason, size) = match parse_response(&unfolded, start) {
        Ok(Some(parsed)) => {
            let reason = parsed.head.reason.to_owned();
            (Response::from_head(&parsed.head), reason, start + parsed.size)
        }
        // It was read before.
        Ok(None) | Err(_) => return violation.into(),
    };
    drop(unfolded);
    let mut body = bytes.split_off(size);
    let mut rejected = Rejected {
        violation,
        status: response.status,
        reason,
        headers: response.headers,
        body: Bytes::new(),
    };
    if attempt.follows && rejected.location().is_some() {
        return Error::Rejected(Box::new(rejected));
    }
    let announced =
        rejected.header("content-length").and_then(|value| std::str::from_utf8(value).ok()?.parse().ok());
    let wanted = announced.unwrap_or(BODY).min(BODY);
    let _ = timeout(BODY_TIME.min(attempt.deadline - Instant::now()), async {
        while body.len() < wanted && matches!(stream.read_buf(&mut body).await, Ok(1..)) {}
    })
    .await;
    body.truncate(wanted);
    rejected.body = body.freeze();
    Error::Rejected(Box::new(rejected))
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_body_of_a_redirect_that_is_followed_is_not_waited_for() {
        for (follows, seconds) in [(true, 0), (false, 1)] {
            let start = Instant::now();
            let (near, mut far) = duplex(1 << 16);
            let redirect = b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n";
            far.write_all(redirect).await.expect("room for the answer");
            let mut attempt = Attempt::new("ws://h/", Duration::from_secs(10)).expect("a URL");
            attempt.follows = follows;
            let asking = ask(&Client::new(), &attempt).expect("a request");
            let error = open(&Client::new(), near, &attempt, &asking).await.expect_err("a redirect");
            assert!(matches!(error, Error::Rejected(_)), "{error}");
            assert_eq!(start.elapsed(), Duration::from_secs(seconds));
        }
    }
}
