//! What a request gets. No I/O: it may have come over a stream, or through an HTTP library.

use framewise_proto::Violation;
use framewise_proto::deflate::{DeflateAgreement, negotiate};
use framewise_proto::handshake::{Request, refusal, turn_down};

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
pub(crate) struct TurnedDown {
    pub(crate) response: Vec<u8>,
    pub(crate) error: Error,
}

impl TurnedDown {
    pub(crate) fn new(status: u16, headers: &[(String, String)], body: &str) -> Self {
        match turn_down(status, headers, body) {
            Ok(response) => Self { response, error: Error::TurnedDown(status) },
            Err(misuse) => misuse.into(),
        }
    }

    /// The server stops.
    pub(crate) fn stopped() -> Self {
        Self::new(503, &[], "the server is going away: connect again\n")
    }
}

impl From<Violation> for TurnedDown {
    fn from(violation: Violation) -> Self {
        Self { response: refusal(&violation).unwrap_or_default(), error: violation.into() }
    }
}

/// What the application asked for makes no answer. The client gets one all the same.
impl From<crate::Misuse> for TurnedDown {
    fn from(misuse: crate::Misuse) -> Self {
        let response = turn_down(500, &[], "the server's own answer would have broken the handshake\n");
        Self { response: response.unwrap_or_default(), error: misuse.into() }
    }
}

impl Settings {
    /// The subprotocol that is chosen where the application does not choose.
    pub(crate) fn choose(&self, request: &Request) -> Option<&str> {
        self.protocols.iter().find(|protocol| request.protocols.contains(protocol)).map(String::as_str)
    }

    /// The answer to a request that breaks no rule.
    pub(crate) fn answer(&self, request: &Request, mut reply: Reply) -> Result<Accepted, TurnedDown> {
        if let Some((status, body)) = &reply.refusal {
            return Err(TurnedDown::new(*status, &reply.headers, body));
        }
        let protocol = reply.protocol.or_else(|| self.choose(request).map(Into::into));
        reply.headers.extend_from_slice(&self.headers);
        let agreed = self.config.deflate.and_then(|deflate| negotiate(&request.extensions, &deflate));
        let (answer, deflate) = agreed.unzip();
        let response = request.accept(protocol.as_deref(), answer.as_slice(), &reply.headers)?;
        Ok(Accepted { response, protocol, deflate })
    }
}
