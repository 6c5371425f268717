use std::io;
use std::pin::pin;
use std::sync::Arc;

use bytes::BytesMut;
use framewise_proto::handshake::http1::{FIRST_READ, Progress, read_request, worth_reading};
use framewise_proto::handshake::{Request, request_ended, request_timed_out};
use framewise_proto::{Detail, Violation};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::time::{Instant, timeout_at};

use super::answer::RequestRejection;
use super::pending_request::{Inner, PendingRequest};
use super::unanswered::Unanswered;
use super::{Settings, reject};
use crate::stop::{StopRegistration, unless_stopped};
use crate::{Error, trace};

/// Reads a request, until the deadline, or until the server stops.
pub(super) async fn request<S: AsyncRead + AsyncWrite + Unpin>(
    settings: Arc<Settings>,
    mut stream: S,
    mut stop: Option<StopRegistration>,
    deadline: Instant,
) -> Result<PendingRequest<S>, Error> {
    let limits = settings.config.limits;
    let mut bytes = BytesMut::with_capacity(FIRST_READ);
    let read = {
        let reading = pin!(timeout_at(deadline, read(&settings, &mut stream, &mut bytes)));
        unless_stopped(&mut stop, reading).await
    };
    let read = match read {
        Some(Ok(read)) => read?.map_err(|violation| broken(violation, &bytes)),
        Some(Err(_)) => Err(broken(request_timed_out(&bytes), &bytes)),
        None => Err(RequestRejection::stopped()),
    };
    let (request, size, notes) = match read {
        Ok(read) => read,
        Err(RequestRejection { response, error }) => {
            trace::rejected(&error);
            reject::reject(&mut stream, &response, limits.close).await;
            return Err(error);
        }
    };
    let head = bytes.split_to(size);
    // A copy, so that the connection does not keep the larger buffer of the head.
    let rest = BytesMut::from(&bytes[..]);
    let stream = Unanswered::new(stream);
    Ok(PendingRequest::new(Inner { settings, stream, request, head, rest, notes, stop }))
}

fn broken(mut violation: Violation, bytes: &[u8]) -> RequestRejection<Vec<u8>> {
    // A TLS record of the type handshake.
    if bytes.starts_with(&[0x16, 0x03]) {
        violation.detail = Detail::Tls;
    }
    violation.into()
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
        if !worth_reading(bytes, before, policy.limits.head) {
            continue;
        }
        match read_request(bytes, &policy) {
            Progress::More => {}
            Progress::Done { value, size, notes } => return Ok(Ok((value, size, notes))),
            Progress::Broken(violation) => return Ok(Err(violation)),
        }
    }
}
