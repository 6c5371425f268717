//! The answer to a request. No I/O: the request comes over a stream, or through an HTTP library.

use framewise_proto::Violation;
use framewise_proto::deflate::{DeflateAgreement, negotiate};
use framewise_proto::handshake::{self, Headers, Request, reject, rejection};

use super::{Reply, Settings};
use crate::{Error, Misuse};

/// A reply in the form that is sent: bytes, or the response of an HTTP library.
pub(crate) trait Written {
    fn write(reply: &handshake::Reply<'_>) -> Self;
}

impl Written for Vec<u8> {
    fn write(reply: &handshake::Reply<'_>) -> Self {
        reply.encode()
    }
}

/// The 101, and what was agreed with it.
pub(crate) struct Accepted<R> {
    pub(crate) response: R,
    pub(crate) protocol: Option<String>,
    pub(crate) deflate: Option<DeflateAgreement>,
}

/// Another response, and the error that the server gets.
#[derive(Debug)]
pub(crate) struct RequestRejection<R> {
    pub(crate) response: R,
    pub(crate) error: Error,
}

impl<R: Written> RequestRejection<R> {
    pub(crate) fn new(status: u16, headers: &Headers, body: &str) -> Self {
        match reject(status, headers, body) {
            Ok(reply) => Self { response: R::write(&reply), error: Error::RequestRejected(status) },
            Err(misuse) => misuse.into(),
        }
    }

    /// The answer of a server that is stopping.
    pub(crate) fn stopped() -> Self {
        Self::new(503, &Headers::new(), "the server is going away: connect again\n")
    }

    /// The answer of a server whose application fails, or panics, before it answers.
    pub(crate) fn failed() -> Self {
        Self::new(500, &Headers::new(), "the server failed before it answered\n")
    }
}

impl<R: Written> From<Violation> for RequestRejection<R> {
    fn from(violation: Violation) -> Self {
        // Every rule of a request is answered with a status.
        let reply = rejection(&violation).unwrap_or_else(|| internal(""));
        Self { response: R::write(&reply), error: violation.into() }
    }
}

/// The application's reply is not a valid response. The client gets a 500.
impl<R: Written> From<Misuse> for RequestRejection<R> {
    fn from(misuse: Misuse) -> Self {
        let reply = internal("the server's own answer would have broken the handshake\n");
        Self { response: R::write(&reply), error: misuse.into() }
    }
}

fn internal(body: &str) -> handshake::Reply<'_> {
    let fields = vec![("Content-Type".into(), b"text/plain; charset=utf-8"[..].into())];
    handshake::Reply { status: 500, fields, body: body.into() }
}

impl Settings {
    /// The subprotocol that is chosen if the application does not choose one.
    pub(crate) fn choose(&self, request: &Request) -> Option<&str> {
        self.protocols.iter().find(|protocol| request.protocols.contains(protocol)).map(String::as_str)
    }

    /// The answer to a valid request.
    pub(crate) fn answer<R: Written>(
        &self,
        request: &Request,
        mut reply: Reply,
    ) -> Result<Accepted<R>, RequestRejection<R>> {
        if let Some((status, body)) = &reply.rejection {
            return Err(RequestRejection::new(*status, &reply.headers, body));
        }
        let protocol = reply.protocol.or_else(|| self.choose(request).map(Into::into));
        reply.headers.extend(self.headers.iter());
        let agreed = self.config.deflate.and_then(|deflate| negotiate(&request.extensions, &deflate));
        let (answer, deflate) = agreed.unzip();
        let response = R::write(&request.accept(protocol.as_deref(), answer.as_slice(), &reply.headers)?);
        Ok(Accepted { response, protocol, deflate })
    }
}
