//! The upgrade of a request that [hyper](https://docs.rs/hyper) serves: feature `hyper`.
//!
//! ```no_run
//! # async fn serve(tcp: tokio::net::TcpStream) -> Result<(), Box<dyn std::error::Error>> {
//! use std::convert::Infallible;
//!
//! use framewise::Server;
//! use hyper::service::service_fn;
//!
//! let server = Server::new().protocols(["chat"]);
//! let service = service_fn(move |mut request| {
//!     let answer = framewise::hyper::upgrade(&server, &mut request);
//!     async move {
//!         Ok::<_, Infallible>(match answer {
//!             Ok((response, upgrade)) => {
//!                 tokio::spawn(async move {
//!                     let mut ws = upgrade.await?;
//!                     while let Some(message) = ws.next().await {
//!                         ws.send(message?).await?;
//!                     }
//!                     Ok::<(), framewise::Error>(())
//!                 });
//!                 response
//!             }
//!             Err(rejection) => rejection.into_http(),
//!         })
//!     }
//! });
//! let stream = hyper_util::rt::TokioIo::new(tcp);
//! hyper::server::conn::http1::Builder::new().serve_connection(stream, service).with_upgrades().await?;
//! # Ok(())
//! # }
//! ```
//!
//! The request that hyper parsed is checked by the same rules as a handshake that [`Server::accept`] reads itself. Offsets
//! count in the head as HTTP/1.1 would write it, which may differ from what the client sent in spaces around values.
//!
//! hyper's graceful shutdown leaves upgraded connections alone: [`Stop`](crate::Stop) closes them.
//!
//! Only HTTP/1.1 is supported: an extended CONNECT of HTTP/2 (RFC 8441) is answered with 505.

mod rejection;
mod upgrade_request;

use std::fmt;
use std::future::{Future, IntoFuture};
use std::io;
use std::pin::Pin;

use ::hyper::upgrade::{OnUpgrade, Upgraded};
use framewise_proto::rules::Role;
use hyper_util::rt::TokioIo;

pub use self::rejection::Rejection;
pub(crate) use self::upgrade_request::{Judged, UpgradeRequest};
use crate::websocket::Established;
use crate::{Error, Server};

/// The byte stream of an upgraded connection.
pub type Stream = TokioIo<Upgraded>;
/// A connection on an upgraded stream.
pub type WebSocket = crate::WebSocket<Stream>;

/// Answers a request. Returns the 101, and the connection that exists once hyper has sent it. The settings of the server apply
/// as in [`Server::accept`], except those of a listener. It does not wait: if a decision has to wait, decide before the call.
///
/// Errors: those of [`Server::accept`], with the response for the client: a rule that the request breaks,
/// [`Error::RequestRejected`] by [`Server::reply`] or after its [`Stop`](crate::Stop) (503), [`Error::Misuse`]; also
/// [`Error::RequestRejected`] for a request that is not HTTP/1 (505), or that hyper cannot upgrade, or on which
/// [`Server::reply`] panics (500).
pub fn upgrade<B>(
    server: &Server,
    request: &mut http::Request<B>,
) -> Result<(http::Response<String>, Upgrade), Rejection> {
    let settings = server.settings();
    let line = (request.method(), request.uri(), request.version());
    let judged = Judged::new(line, request.headers(), Some(&settings.policy()))?;
    let request = UpgradeRequest::new(judged, request.extensions_mut())?;
    let reply = request.decide(settings)?;
    request.answer(settings, reply)
}

/// A future connection: await it in a task of its own. It is ready when the 101 is sent.
///
/// Errors: [`Error::Io`] if the client is gone, the response was not sent, or the connection is not served with upgrades.
/// Dropping it drops the connection.
pub struct Upgrade {
    on_upgrade: OnUpgrade,
    opened: Established,
}

impl IntoFuture for Upgrade {
    type Output = Result<WebSocket, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let upgraded = self.on_upgrade.await.map_err(io::Error::other)?;
            Ok(crate::WebSocket::new(TokioIo::new(upgraded), Role::Server, self.opened))
        })
    }
}

impl fmt::Debug for Upgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgrade").finish_non_exhaustive()
    }
}
