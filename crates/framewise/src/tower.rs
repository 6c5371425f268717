//! The upgrade as a [tower](https://docs.rs/tower-service) service: feature `tower`.
//!
//! It is a service, not a layer: it answers every request. A request that is not a valid handshake gets the status and the
//! sentence of the rule that it breaks. The router in front of it selects the requests.

use std::convert::Infallible;
use std::fmt;
use std::future::{Future, Ready, ready};
use std::task::{Context, Poll};

use tower_service::Service;

use crate::hyper::{WebSocket, upgrade};
use crate::panic::Panic;
use crate::stop::Serving;
use crate::{HandlerResult, Server};

/// A service that upgrades each request, and passes the connection to a handler.
///
/// ```no_run
/// # async fn serve(tcp: tokio::net::TcpStream) -> Result<(), Box<dyn std::error::Error>> {
/// use framewise::Server;
/// use framewise::tower::WebSocketService;
///
/// let service = WebSocketService::new(Server::new(), |mut ws, request| async move {
///     println!("{} is here", request.uri());
///     while let Some(message) = ws.next().await {
///         ws.send(message?).await?;
///     }
///     Ok(())
/// });
/// let service = hyper_util::service::TowerToHyperService::new(service);
/// let stream = hyper_util::rt::TokioIo::new(tcp);
/// hyper::server::conn::http1::Builder::new().serve_connection(stream, service).with_upgrades().await?;
/// # Ok(())
/// # }
/// ```
///
/// The handler also gets the request, with the extensions that layers have added. It runs in a task of its own; the
/// feature `tracing` reports the error that it returns. If it panics, the client gets a Close with 1011.
#[derive(Clone)]
pub struct WebSocketService<H> {
    server: Server,
    handler: H,
}

impl<H> WebSocketService<H> {
    /// Creates a service with the settings of a server, except those of a listener. The [`Stop`](crate::Stop) of the server, if
    /// there is one, closes the connections and waits for their handlers.
    pub const fn new<T>(server: Server, handler: H) -> Self
    where
        H: Fn(WebSocket, http::Request<()>) -> T,
    {
        Self { server, handler }
    }
}

impl<H, T, B> Service<http::Request<B>> for WebSocketService<H>
where
    H: Fn(WebSocket, http::Request<()>) -> T + Clone + Send + 'static,
    T: Future + Send + 'static,
    T::Output: HandlerResult,
{
    type Response = http::Response<String>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let mut request = request.map(drop);
        let response = match upgrade(&self.server, &mut request) {
            Ok((response, upgrade)) => {
                let handler = self.handler.clone();
                let task = self.server.settings().task();
                tokio::spawn(async move {
                    if let Ok(ws) = upgrade.await {
                        // A task of its own again, so that the memory of the upgrade is freed.
                        tokio::spawn(Serving::new(Panic::trace(|| handler(ws, request)), task));
                    }
                });
                response
            }
            Err(rejection) => rejection.into_http(),
        };
        ready(Ok(response))
    }
}

impl<H> fmt::Debug for WebSocketService<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketService").field("server", &self.server).finish_non_exhaustive()
    }
}
