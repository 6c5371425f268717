//! What a request gets. No I/O: it may have come over a stream, or through an HTTP library.

use framewise_proto::Violation;
use framewise_proto::deflate::{DeflateAgreement, negotiate};
use framewise_proto::handshake::{Request, reject, rejection};

use super::{Reply, Settings};
use crate::Error;

/// The 101, and what it agrees.
pub(crate) struct Accepted {
    pub(crate) response: Vec<u8>,
    pub(crate) protocol: Option<String>,
    pub(crate) deflate: Option<DeflateAgreement>,
}

/// Another response, and what the server hears of it.
#[derive(Debug)]
pub(crate) struct RequestRejection {
    pub(crate) response: Vec<u8>,
    pub(crate) error: Error,
}

impl RequestRejection {
    pub(crate) fn new(status: u16, headers: &[(String, String)], body: &str) -> Self {
        match reject(status, headers, body) {
            Ok(response) => Self { response, error: Error::RequestRejected(status) },
            Err(misuse) => misuse.into(),
        }
    }

    /// The server stops.
    pub(crate) fn stopped() -> Self {
        Self::new(503, &[], "the server is going away: connect again\n")
    }
}

impl From<Violation> for RequestRejection {
    fn from(violation: Violation) -> Self {
        Self { response: rejection(&violation).unwrap_or_default(), error: violation.into() }
    }
}

/// What the application asked for makes no answer. The client gets one all the same.
impl From<crate::Misuse> for RequestRejection {
    fn from(misuse: crate::Misuse) -> Self {
        let response = reject(500, &[], "the server's own answer would have broken the handshake\n");
        Self { response: response.unwrap_or_default(), error: misuse.into() }
    }
}

impl Settings {
    /// The subprotocol that is chosen where the application does not choose.
    pub(crate) fn choose(&self, request: &Request) -> Option<&str> {
        self.protocols.iter().find(|protocol| request.protocols.contains(protocol)).map(String::as_str)
    }

    /// The answer to a request that breaks no rule.
    pub(crate) fn answer(&self, request: &Request, mut reply: Reply) -> Result<Accepted, RequestRejection> {
        if let Some((status, body)) = &reply.rejection {
            return Err(RequestRejection::new(*status, &reply.headers, body));
        }
        let protocol = reply.protocol.or_else(|| self.choose(request).map(Into::into));
        reply.headers.extend_from_slice(&self.headers);
        let agreed = self.config.deflate.and_then(|deflate| negotiate(&request.extensions, &deflate));
        let (answer, deflate) = agreed.unzip();
        let response = request.accept(protocol.as_deref(), answer.as_slice(), &reply.headers)?;
        Ok(Accepted { response, protocol, deflate })
    }
}
