//! The way in after a handshake that another library did.

use std::fmt;
use std::sync::Arc;

use bytes::BytesMut;
use framewise_proto::deflate::DeflateAgreement;
use framewise_proto::extension::{Extension, PERMESSAGE_DEFLATE};
use framewise_proto::handshake::{
    ClientOffer, Field, Headers, HttpVersion, Request, RequestHead, Response, ResponseHead, accept_value,
    check_response, extension_required, verdict,
};
use framewise_proto::rules::{Answer, Role};
use framewise_proto::{Misuse, Violation};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, duplex};

use crate::peer_head::PeerHead;
use crate::websocket::Established;
use crate::{Config, DeflateConfig, Error, Stop, WebSocket};

/// How many bytes each end of a [`pair`] writes before it has to wait for the other.
const PAIR: usize = 64 * 1024;

/// A connection whose handshake another library did: an HTTP client or server that hands over the stream.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), framewise::Error> {
/// use framewise::Adopt;
///
/// # let (stream, peer) = tokio::io::duplex(1024);
/// # let mut peer = Adopt::server(peer).start()?;
/// // The header lines of a client's request and of the 101 that answers it, from any HTTP library.
/// let request = [("Sec-WebSocket-Protocol", "chat, superchat")];
/// let response = [("Sec-WebSocket-Protocol", "chat")];
/// let mut ws = Adopt::client(stream).request(request).response(response).start()?;
/// assert_eq!(ws.protocol(), Some("chat"));
/// ws.send("hello").await?;
/// # assert_eq!(peer.next().await.expect("a message")?.as_text(), Some("hello"));
/// # Ok(())
/// # }
/// ```
///
/// The header lines say what was agreed: the subprotocol, and permessage-deflate. Those of `http`, as hyper, reqwest, axum,
/// warp and poem have them, are passed as `response.headers()`. What is not passed was not agreed, and is not checked.
/// [`Client::handshake_headers`](crate::Client::handshake_headers) makes those of a request.
///
/// To do a handshake over your own stream, use [`Client::connect_over`](crate::Client::connect_over) and
/// [`Server::accept`](crate::Server::accept). For hyper 1, tower and axum there are `framewise::hyper`, `framewise::tower` and
/// `framewise::axum`.
#[must_use = "a stream that is not started is dropped"]
pub struct Adopt<S> {
    stream: S,
    role: Role,
    config: Arc<Config>,
    read_ahead: BytesMut,
    request: Option<Headers>,
    response: Option<Headers>,
    stop: Option<Stop>,
}

impl<S> Adopt<S> {
    /// The client's end of a connection.
    pub fn client(stream: S) -> Self {
        Self::new(stream, Role::Client)
    }

    /// The server's end of a connection.
    pub fn server(stream: S) -> Self {
        Self::new(stream, Role::Server)
    }

    fn new(stream: S, role: Role) -> Self {
        let config = Arc::default();
        Self { stream, role, config, read_ahead: BytesMut::new(), request: None, response: None, stop: None }
    }

    /// The settings of the connection.
    pub fn config(mut self, config: impl Into<Arc<Config>>) -> Self {
        self.config = config.into();
        self
    }

    /// Bytes that the other library has read from the stream after the head: the first frames of the peer.
    pub fn read_ahead(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.read_ahead = BytesMut::from(bytes.as_ref());
        self
    }

    /// The header lines of the client's request. What the response agrees is checked against what they offer; on a server's
    /// end, [`WebSocket::request`] has them.
    pub fn request<N: AsRef<str>, V: AsRef<[u8]>>(mut self, lines: impl IntoIterator<Item = (N, V)>) -> Self {
        self.request = Some(lines.into_iter().collect());
        self
    }

    /// The header lines of the 101, which say what was agreed. On a client's end, [`WebSocket::response`] has them.
    pub fn response<N: AsRef<str>, V: AsRef<[u8]>>(
        mut self,
        lines: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        self.response = Some(lines.into_iter().collect());
        self
    }

    /// As [`Server::stop`](crate::Server::stop): closes the connection when it stops.
    pub fn stop(mut self, stop: &Stop) -> Self {
        self.stop = Some(stop.clone());
        self
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Adopt<S> {
    /// Starts the connection. Offsets in its violations count from the first frame.
    ///
    /// Errors: [`Error::Violation`] if the response breaks a rule, for example `response-extension-unoffered` and
    /// `response-subprotocol-unoffered` if the request does not offer what it agrees, or `response-accept-wrong` if it does
    /// not answer the key of the request; `extension-required`
    /// if [`DeflateConfig::required`] is set, and permessage-deflate was not agreed. [`Error::Misuse`] if another extension was
    /// agreed.
    ///
    /// A stream on which something else than a frame comes first, for example the rest of a head, gives a violation that says
    /// so, when it is read.
    pub fn start(self) -> Result<WebSocket<S>, Error> {
        let Self { stream, role, mut config, read_ahead, request, response, stop } = self;
        let request = request.map(|headers| {
            let fields = headers.iter().map(|(name, value)| Field::new(name, value)).collect();
            let (target, version) = ("", HttpVersion::Http11);
            Request::from_head(&RequestHead { method: "GET", target, version, fields, place: None })
        });
        let (response, notes) = match &response {
            Some(headers) => check(headers, request.as_ref(), &config)?,
            None => (Response::default(), Vec::new()),
        };
        if response.extensions.iter().any(|extension| extension.name != PERMESSAGE_DEFLATE) {
            return Err(Misuse::Extension.into());
        }
        let deflate = DeflateAgreement::in_response(&response.extensions);
        match (deflate, config.deflate) {
            (Some(_), None) => Arc::make_mut(&mut config).deflate = Some(DeflateConfig::default()),
            (None, Some(DeflateConfig { required: true, .. })) if role == Role::Client => {
                return Err(extension_required(0).into());
            }
            (Some(_), Some(_)) | (None, _) => {}
        }
        let protocol = response.protocol.as_deref().map(Into::into);
        let head = match (role, request) {
            (Role::Server, Some(request)) => PeerHead::Request(Box::new(request)),
            (Role::Client, _) if response != Response::default() => PeerHead::Response(Box::new(response)),
            (Role::Server | Role::Client, _) => PeerHead::Forgotten,
        };
        let stop = stop.as_ref().map(Stop::register);
        let established =
            Established { config, head, head_size: 0, rest: read_ahead, notes, protocol, stop, deflate };
        Ok(WebSocket::new(stream, role, established))
    }
}

/// What a 101 agrees, and what is to be noted of it; checked by the rules, as far as the lines are there.
fn check(
    headers: &Headers,
    request: Option<&Request>,
    config: &Config,
) -> Result<(Response, Vec<Violation>), Error> {
    let offered = request.filter(|request| !request.key.is_empty());
    let accept = accept_value(offered.map_or("", |request| &request.key));
    // Lines that an HTTP library takes away, or that nothing is known to compare with, are as they should be.
    let mut fields: Vec<_> = headers.iter().map(|(name, value)| Field::new(name, value)).collect();
    if offered.is_none() {
        fields.retain(|field| !field.name.eq_ignore_ascii_case("sec-websocket-accept"));
    }
    for (name, value) in
        [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", accept.as_str())]
    {
        if !fields.iter().any(|field| field.name.eq_ignore_ascii_case(name)) {
            fields.push(Field::new(name, value.as_bytes()));
        }
    }
    let head = ResponseHead { status: 101, reason: "", fields: fields.into_iter().collect(), place: None };
    let response = Response { headers: headers.clone(), ..Response::from_head(&head) };
    let offer = match request {
        Some(request) => ClientOffer::of(request),
        None => ClientOffer {
            protocols: response.protocol.iter().cloned().collect(),
            extensions: response.extensions.iter().map(offer_of).collect(),
            ..ClientOffer::default()
        },
    };
    let notes = verdict(check_response(&head, &offer), |violation| {
        violation.answer() != Answer::Note && !config.strictness.tolerates(violation.rule)
    })?;
    Ok((response, notes))
}

/// An offer that this answer takes.
fn offer_of(answer: &Extension) -> Extension {
    if answer.name == PERMESSAGE_DEFLATE {
        return DeflateConfig::default().offer();
    }
    Extension { name: answer.name.clone(), parameters: Vec::new() }
}

impl<S> fmt::Debug for Adopt<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Adopt")
            .field("role", &self.role)
            .field("read_ahead", &self.read_ahead.len())
            .field("request", &self.request)
            .field("response", &self.response)
            .finish_non_exhaustive()
    }
}

/// A client and a server that are connected, without a handshake: for tests of handlers.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), framewise::Error> {
/// use framewise::{Error, WebSocket};
/// use tokio::io::{AsyncRead, AsyncWrite};
///
/// async fn shout<S: AsyncRead + AsyncWrite + Unpin>(mut ws: WebSocket<S>) -> Result<(), Error> {
///     while let Some(message) = ws.next().await {
///         if let Some(text) = message?.as_text() {
///             ws.send(text.to_uppercase()).await?;
///         }
///     }
///     Ok(())
/// }
///
/// let (mut client, server) = framewise::pair();
/// let handler = tokio::spawn(shout(server));
/// client.send("hello").await?;
/// assert_eq!(client.next().await.expect("an answer")?.as_text(), Some("HELLO"));
/// client.close(1000, "").await?;
/// handler.await.expect("it does not panic")?;
/// # Ok(())
/// # }
/// ```
///
/// Nothing was agreed. For other settings, use [`Adopt`] over [`tokio::io::duplex`].
pub fn pair() -> (WebSocket<DuplexStream>, WebSocket<DuplexStream>) {
    let (near, far) = duplex(PAIR);
    let config = Arc::new(Config::default());
    let new =
        |stream, role| WebSocket::new(stream, role, Established::without_agreement(Arc::clone(&config)));
    (new(near, Role::Client), new(far, Role::Server))
}
