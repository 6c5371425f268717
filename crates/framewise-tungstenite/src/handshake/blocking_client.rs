use std::fmt;
use std::io::{Read, Write};
use std::marker::PhantomData;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use framewise::proto::deflate::DeflateAgreement;
use framewise::proto::handshake::http1::{Progress, interim, parse_response, read_response, worth_reading};
use framewise::proto::handshake::{ClientOffer, extension_required, response_ended};
use framewise::{Role, Rule, Violation};
use http::header::{
    AUTHORIZATION, CONNECTION, HOST, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION,
    UPGRADE,
};

use super::client::{Request, Response, check};
use super::machine::{HandshakeMachine, Moved, Step};
use super::{HandshakeRole, MidHandshake};
use crate::error::{Error, ProtocolError, Result, SubProtocolError, of_misuse, of_violation};
use crate::protocol::{Established, WebSocket, WebSocketConfig};

/// The client's side of a blocking handshake.
pub struct ClientHandshake<S> {
    config: WebSocketConfig,
    offer: ClientOffer,
    stream: PhantomData<S>,
}

impl<S: Read + Write> ClientHandshake<S> {
    /// Begins a handshake.
    ///
    /// Errors: a request that cannot be sent.
    #[allow(clippy::needless_pass_by_value, reason = "as in tungstenite")]
    pub fn start(stream: S, request: Request, config: Option<WebSocketConfig>) -> Result<MidHandshake<Self>> {
        let config = config.unwrap_or_default();
        config.check();
        check(&request)?;
        let mut offer = offer(&request)?;
        offer.extensions.extend(config.deflate.map(|deflate| deflate.offer()));
        let bytes = offer.encode().map_err(|misuse| of_misuse(&misuse))?;
        let role = Self { config, offer, stream: PhantomData };
        Ok(MidHandshake { role, machine: HandshakeMachine::new(stream, bytes) })
    }
}

/// What a request offers.
fn offer(request: &Request) -> Result<ClientOffer> {
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    let mut offer = ClientOffer::new("", target, [0; 16]);
    for (name, value) in request.headers() {
        match *name {
            CONNECTION | UPGRADE | SEC_WEBSOCKET_VERSION => {}
            HOST => value.to_str()?.clone_into(&mut offer.host),
            SEC_WEBSOCKET_KEY => value.to_str()?.clone_into(&mut offer.key),
            SEC_WEBSOCKET_PROTOCOL => {
                offer.protocols.extend(value.to_str()?.split(',').map(|protocol| protocol.trim().to_owned()));
            }
            _ => offer.headers.push(name.as_str(), value.as_bytes()),
        }
    }
    let authority = request.uri().authority().map_or("", |authority| authority.as_str());
    if let Some((login, _)) = authority.rsplit_once('@')
        && !request.headers().contains_key(AUTHORIZATION)
    {
        offer.headers.push("Authorization", format!("Basic {}", STANDARD.encode(login)).as_bytes());
    }
    Ok(offer)
}

impl<S: Read + Write> HandshakeRole for ClientHandshake<S> {
    type InternalStream = S;
    type FinalResult = (WebSocket<S>, Response);

    fn step(self, mut machine: HandshakeMachine<S>) -> Result<Step<Self>> {
        if !machine.write()? {
            return Ok(Step::Blocked(self, machine));
        }
        let before = machine.read.len();
        let config = self.config.to_framewise();
        let ended = match machine.fill()? {
            Moved::Blocked => return Ok(Step::Blocked(self, machine)),
            Moved::Bytes(count) => count == 0,
        };
        if !ended && !worth_reading(&machine.read, before, config.limits.head) {
            return Ok(Step::Again(self, machine));
        }
        let progress = if ended {
            Progress::Broken(response_ended(&machine.read))
        } else {
            read_response(&machine.read, &self.offer, &config)
        };
        match progress {
            Progress::More => Ok(Step::Again(self, machine)),
            Progress::Done { value, size, .. } => {
                let deflate = DeflateAgreement::in_response(&value.extensions);
                if deflate.is_none() && config.deflate.is_some_and(|deflate| deflate.required) {
                    return Err(of_violation(extension_required(size)));
                }
                let response = value.to_http()?.map(|()| None);
                let (stream, rest) = machine.into_parts(size);
                let established = Established { role: Role::Client, rest, head_size: size as u64, deflate };
                Ok(Step::Done((WebSocket::new(stream, self.config, established), response)))
            }
            Progress::Broken(violation) if violation.rule == Rule::ResponseStatus => {
                Err(rejected(&machine.read).unwrap_or_else(|| of_violation(violation)))
            }
            Progress::Broken(violation) => Err(bad_response(violation, !self.offer.protocols.is_empty())),
        }
    }
}

/// The error for a response that breaks a rule.
pub(crate) fn bad_response(violation: Violation, offers: bool) -> Error {
    if !offers && violation.rule == Rule::ResponseSubprotocolUnoffered {
        let error = SubProtocolError::ServerSentSubProtocolNoneRequested;
        return ProtocolError::SecWebSocketSubProtocolError(error).into();
    }
    of_violation(violation)
}

/// The answer with another status, and what was read of its body.
fn rejected(bytes: &[u8]) -> Option<Error> {
    let start = interim(bytes, 0);
    let parsed = parse_response(bytes, start).ok()??;
    let head = framewise::Response::from_head(&parsed.head).to_http();
    let body = bytes[start + parsed.size..].to_vec();
    Some(match head {
        Ok(response) => Error::Http(Box::new(response.map(|()| Some(body)))),
        Err(error) => error.into(),
    })
}

impl<S> fmt::Debug for ClientHandshake<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientHandshake").finish_non_exhaustive()
    }
}
