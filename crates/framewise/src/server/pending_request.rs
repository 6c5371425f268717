use std::fmt;
use std::io;
use std::sync::Arc;

use bytes::BytesMut;
use framewise_proto::Violation;
use framewise_proto::handshake::Request;
use framewise_proto::rules::Role;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;

use super::answer::RequestRejection;
use super::unanswered::Unanswered;
use super::{Reply, Settings, reject};
use crate::peer_head::PeerHead;
use crate::stop::StopRegistration;
use crate::websocket::Established;
use crate::{Error, WebSocket, trace};

/// A client's request that breaks no rule and is not answered yet: from [`crate::Server::request`] and
/// [`crate::Handshake::request`].
///
/// The answer has no deadline: [`Limits::handshake`](crate::Limits::handshake) covers the request only. If it is dropped
/// without an answer, because the application fails or panics, the client gets a 500, as far as the stream takes that at once.
pub struct PendingRequest<S> {
    /// Boxed: it is moved often.
    inner: Box<Inner<S>>,
}

pub(super) struct Inner<S> {
    pub(super) settings: Arc<Settings>,
    pub(super) stream: Unanswered<S>,
    pub(super) request: Request,
    pub(super) head: BytesMut,
    /// The bytes after the head.
    pub(super) rest: BytesMut,
    pub(super) notes: Vec<Violation>,
    pub(super) stop: Option<StopRegistration>,
}

impl<S> PendingRequest<S> {
    pub(super) fn new(inner: Inner<S>) -> Self {
        Self { inner: Box::new(inner) }
    }

    /// The request.
    pub fn request(&self) -> &Request {
        &self.inner.request
    }

    /// The underlying stream. Reading or writing it breaks the handshake.
    pub fn get_ref(&self) -> &S {
        self.inner.stream.get_ref()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> PendingRequest<S> {
    /// Answers the request. The settings of the [`crate::Server`] apply: its header lines, and its choice of a subprotocol if
    /// the reply does not choose one. [`crate::Server::reply`] is not called.
    ///
    /// Errors: [`Error::RequestRejected`] if the reply is a rejection, or the server stops meanwhile (503);
    /// [`Error::Misuse`] if the reply is not valid: the client then gets a 500; [`Error::Io`] if the client is gone.
    ///
    /// Dropping the future drops the stream; before its first poll, it drops the request.
    pub async fn answer(self, reply: Reply) -> Result<WebSocket<S>, Error> {
        // Boxed, so that a task that continues with the connection does not keep the memory of the answer.
        Box::pin(self.respond(reply)).await
    }

    pub(super) async fn respond(self, reply: Reply) -> Result<WebSocket<S>, Error> {
        let (stream, established, _) = self.establish(reply).await?;
        Ok(WebSocket::new(stream, Role::Server, established))
    }

    /// Answers the request, and returns what a connection begins with.
    pub(crate) async fn establish(mut self, reply: Reply) -> Result<(S, Established, Request), Error> {
        let mut stream = self.inner.stream.take();
        let Inner { settings, request, stop, .. } = &mut *self.inner;
        let limits = settings.config.limits;
        let answer = if stop.as_ref().is_some_and(StopRegistration::is_stopping) {
            Err(RequestRejection::<Vec<u8>>::stopped())
        } else {
            settings.answer(request, reply)
        };
        let accepted = match answer {
            Ok(accepted) => accepted,
            Err(RequestRejection { response, error }) => {
                trace::rejected(&error);
                reject::reject(&mut stream, &response, limits.close).await;
                return Err(error);
            }
        };
        timeout(limits.handshake, async {
            stream.write_all(&accepted.response).await?;
            stream.flush().await
        })
        .await
        .map_err(io::Error::from)??;
        let Inner { settings, request, head, rest, notes, stop, .. } = *self.inner;
        let established = Established {
            config: Arc::clone(&settings.config),
            head_size: head.len() as u64,
            head: PeerHead::Bytes(head[..].into()),
            rest,
            notes,
            protocol: accepted.protocol.map(Into::into),
            stop,
            deflate: accepted.deflate,
        };
        Ok((stream, established, request))
    }
}

impl<S> fmt::Debug for PendingRequest<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingRequest").field("request", &self.inner.request).finish_non_exhaustive()
    }
}
