use std::fmt;
use std::future::{Future, IntoFuture};
use std::net::SocketAddr;
use std::pin::Pin;
#[cfg(feature = "tls")]
use std::sync::Arc;

use tokio::net::TcpStream;

#[cfg(feature = "tls")]
use super::tls;
use super::{PendingRequest, Server, handshake};
use crate::stop::StopRegistration;
use crate::stream::Layer;
use crate::{Error, NetStream, WebSocket, deadline};

/// A TCP connection before its handshake: await it, or [`Handshake::request`].
pub struct Handshake {
    server: Server,
    stream: TcpStream,
    peer: SocketAddr,
    stop: Option<StopRegistration>,
}

impl Handshake {
    pub(super) fn new(
        server: &Server,
        stream: TcpStream,
        peer: SocketAddr,
        stop: Option<StopRegistration>,
    ) -> Self {
        Self { server: server.clone(), stream, peer, stop }
    }

    /// The address of the client.
    pub const fn peer_addr(&self) -> SocketAddr {
        self.peer
    }

    /// Does the TLS handshake, where there is one, and reads the request, which the caller answers when it has
    /// decided: as [`Server::request`]. Both together may take [`Limits::handshake`](crate::Limits::handshake).
    ///
    /// Errors: [`Error::Violation`], as [`Server::accept`]; [`Error::Io`] when TLS fails, and when the client speaks plain
    /// HTTP to a port of TLS (it is answered 400). Dropping the future cuts the connection.
    pub async fn request(self) -> Result<PendingRequest<NetStream>, Error> {
        Box::pin(self.read()).await
    }

    async fn read(self) -> Result<PendingRequest<NetStream>, Error> {
        let Self { server, stream, stop, .. } = self;
        let deadline = deadline::after(server.settings.config.limits.handshake);
        #[cfg(feature = "tls")]
        if let Some(config) = &server.settings.tls {
            let mut stop = stop;
            let limits = &server.settings.config.limits;
            // Boxed: a plain connection does not need the memory for it.
            let accepting = Box::pin(tls::accept(Arc::clone(config), stream, limits, &mut stop, deadline));
            let stream = accepting.await?;
            return handshake::request(server.settings, stream, stop, deadline).await;
        }
        handshake::request(
            server.settings,
            NetStream::new(Layer::Plain(Layer::Plain(stream))),
            stop,
            deadline,
        )
        .await
    }
}

impl IntoFuture for Handshake {
    type Output = Result<WebSocket<NetStream>, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    /// Reads the request, and answers it as [`Server::accept`].
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let server = self.server.clone();
            let pending = self.read().await?;
            let reply = server.settings.decide(pending.request());
            pending.respond(reply).await
        })
    }
}

impl fmt::Debug for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshake").field("peer", &self.peer).finish_non_exhaustive()
    }
}
