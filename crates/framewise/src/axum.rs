//! The upgrade as an extractor of [axum](https://docs.rs/axum) 0.8: feature `axum`.
//!
//! ```no_run
//! # async fn serve() -> std::io::Result<()> {
//! use axum::Router;
//! use axum::response::Response;
//! use axum::routing::any;
//! use framewise::axum::{WebSocket, WebSocketUpgrade};
//!
//! async fn handler(ws: WebSocketUpgrade) -> Response {
//!     ws.protocols(["chat"]).on_upgrade(echo)
//! }
//!
//! async fn echo(mut ws: WebSocket) -> Result<(), framewise::Error> {
//!     while let Some(message) = ws.next().await {
//!         ws.send(message?).await?;
//!     }
//!     Ok(())
//! }
//!
//! let app = Router::new().route("/ws", any(handler));
//! axum::serve(tokio::net::TcpListener::bind("127.0.0.1:9001").await?, app).await
//! # }
//! ```
//!
//! With `any` a request of a wrong method gets the sentence of the rule; with `get` axum answers it. A handler that
//! takes `Option<WebSocketUpgrade>` serves requests that ask for no WebSocket as well.

use std::fmt;
use std::future::Future;

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_core::response::{IntoResponse, Response};
use framewise_proto::handshake::Request;
use http::Method;
use http::header::{SEC_WEBSOCKET_KEY, UPGRADE};
use http::request::Parts;

use crate::hyper::{Judged, UpgradeRequest};
use crate::panic::Panic;
use crate::stop::Serving;
use crate::{
    Config, DeflateConfig, Error, HandlerResult, Keepalive, Limits, Reply, Server, Stop, Strictness,
};

pub use crate::Sender;
pub use crate::hyper::{Rejection, Stream, WebSocket};

/// The receiving half of a connection: see [`WebSocket::split`](crate::WebSocket::split).
pub type Receiver = crate::Receiver<Stream>;

/// A valid request for a WebSocket. A request that breaks a rule does not reach the handler: it is answered with the status
/// and the sentence of the rule.
#[must_use = "a handshake that is not answered with `on_upgrade` is dropped"]
pub struct WebSocketUpgrade {
    server: Server,
    request: UpgradeRequest,
    failed: Option<Box<dyn FnOnce(Error) + Send>>,
}

impl WebSocketUpgrade {
    /// Uses the settings of a server, except those of a listener. They replace the settings that were made here before.
    pub fn server(mut self, server: Server) -> Self {
        self.server = server;
        self
    }

    /// As [`Server::origins`].
    pub fn origins<T: Into<String>>(self, origins: impl IntoIterator<Item = T>) -> Self {
        self.set(|server| server.origins(origins))
    }

    /// As [`Server::protocols`].
    pub fn protocols<T: Into<String>>(self, protocols: impl IntoIterator<Item = T>) -> Self {
        self.set(|server| server.protocols(protocols))
    }

    /// As [`Server::header`].
    pub fn header(self, name: impl AsRef<str>, value: impl AsRef<[u8]>) -> Self {
        self.set(|server| server.header(name, value))
    }

    /// As [`Server::config`].
    pub fn config(self, config: Config) -> Self {
        self.set(|server| server.config(config))
    }

    /// As [`Server::limits`].
    pub fn limits(self, limits: Limits) -> Self {
        self.set(|server| server.limits(limits))
    }

    /// As [`Server::deflate`].
    pub fn deflate(self, deflate: DeflateConfig) -> Self {
        self.set(|server| server.deflate(deflate))
    }

    /// As [`Server::keepalive`].
    pub fn keepalive(self, keepalive: Keepalive) -> Self {
        self.set(|server| server.keepalive(keepalive))
    }

    /// As [`Server::send_queue`].
    pub fn send_queue(self, bytes: usize) -> Self {
        self.set(|server| server.send_queue(bytes))
    }

    /// As [`Server::strictness`].
    pub fn strictness(self, strictness: Strictness) -> Self {
        self.set(|server| server.strictness(strictness))
    }

    /// As [`Server::reply`]: decides on the request, and chooses a subprotocol and header lines.
    ///
    /// ```
    /// use axum::response::Response;
    /// use framewise::Reply;
    /// use framewise::axum::WebSocketUpgrade;
    ///
    /// async fn handler(ws: WebSocketUpgrade) -> Response {
    ///     ws.reply(|request| match request.header("Authorization") {
    ///         Some(_) => Reply::accept(),
    ///         None => Reply::reject(401, "log in first\n"),
    ///     })
    ///     .on_upgrade(|mut ws| async move { ws.send("hello").await })
    /// }
    /// ```
    pub fn reply(self, decide: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        self.set(|server| server.reply(decide))
    }

    /// As [`Server::stop`]: it closes the connections, and waits for the callbacks of `on_upgrade`. The graceful shutdown of
    /// axum does neither.
    pub fn stop(self, stop: &Stop) -> Self {
        self.set(|server| server.stop(stop))
    }

    fn set(self, set: impl FnOnce(Server) -> Server) -> Self {
        Self { server: set(self.server), ..self }
    }

    /// The request: its subprotocols, its Origin, its headers.
    pub const fn request(&self) -> &Request {
        self.request.request()
    }

    /// The subprotocol that [`WebSocketUpgrade::protocols`] and the client agree on.
    pub fn selected_protocol(&self) -> Option<&str> {
        self.server.settings().choose(self.request.request())
    }

    /// Called when there is no connection: the client is gone before the 101 is sent, or the settings lead to another
    /// response. Default: not reported.
    pub fn on_failed_upgrade(mut self, failed: impl FnOnce(Error) + Send + 'static) -> Self {
        self.failed = Some(Box::new(failed));
        self
    }

    /// Returns the response, which the handler must return: a 101, whose connection is passed to `callback` in a task of its
    /// own; or a rejection, if the Origin is not allowed or [`Server::reply`] rejects.
    ///
    /// The callback returns `()` or a `Result` with an [`Error`]; the feature `tracing` reports that. If it panics, the client
    /// gets a Close with 1011.
    #[must_use = "the response is what makes the connection"]
    pub fn on_upgrade<C, T>(self, callback: C) -> Response
    where
        C: FnOnce(WebSocket) -> T + Send + 'static,
        T: Future + Send + 'static,
        T::Output: HandlerResult,
    {
        let Self { server, request, failed } = self;
        let failed = failed.unwrap_or_else(|| Box::new(drop));
        let settings = server.settings();
        let task = settings.task();
        let answered = request.check_policy(&settings.policy()).and_then(|()| {
            let reply = request.decide(settings)?;
            request.answer(settings, reply)
        });
        match answered {
            Ok((response, upgrade)) => {
                tokio::spawn(async move {
                    match upgrade.await {
                        // A task of its own again, so that the memory of the upgrade is freed.
                        Ok(ws) => drop(tokio::spawn(Serving::new(Panic::trace(|| callback(ws)), task))),
                        Err(error) => failed(error),
                    }
                });
                response.into_response()
            }
            Err(rejection) => {
                let (response, error) = rejection.into_parts();
                failed(error);
                response.into_response()
            }
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for WebSocketUpgrade {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        // The handler sets the policy: rules that depend on it are checked in `on_upgrade`.
        let line = (&parts.method, &parts.uri, parts.version);
        let judged = Judged::new(line, &parts.headers, None)?;
        let request = UpgradeRequest::new(judged, &mut parts.extensions)?;
        Ok(Self { server: Server::new(), request, failed: None })
    }
}

/// `None`: the request does not ask for a WebSocket.
impl<S: Send + Sync> OptionalFromRequestParts<S> for WebSocketUpgrade {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Rejection> {
        let upgrades = parts.headers.get_all(UPGRADE).iter();
        let websocket = upgrades
            .flat_map(|value| value.as_bytes().split(|&byte| byte == b','))
            .any(|token| token.trim_ascii().eq_ignore_ascii_case(b"websocket"));
        // A proxy that forwards the key and not the Upgrade is a fault to report, not another kind of request; so is the
        // handshake of HTTP/2 (RFC 8441 §4).
        let key = parts.headers.contains_key(SEC_WEBSOCKET_KEY);
        if !websocket && !key && parts.method != Method::CONNECT {
            return Ok(None);
        }
        <Self as FromRequestParts<S>>::from_request_parts(parts, state).await.map(Some)
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        self.into_http().into_response()
    }
}

impl fmt::Debug for WebSocketUpgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketUpgrade")
            .field("server", &self.server)
            .field("request", self.request.request())
            .finish_non_exhaustive()
    }
}
