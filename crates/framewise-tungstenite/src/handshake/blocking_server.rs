use std::fmt;
use std::io::{Read, Write};
use std::marker::PhantomData;

use framewise::proto::deflate::{DeflateAgreement, negotiate};
use framewise::proto::handshake::http1::{Progress, read_request, worth_reading};
use framewise::proto::handshake::{self, Request, ServerPolicy, request_ended};
use framewise::{Config, Headers, Role};

use super::machine::{HandshakeMachine, Moved, Step};
use super::server::{Callback, acceptance, create_response, rejected, rejection};
use super::{HandshakeRole, MidHandshake};
use crate::error::{Result, of_misuse, of_violation};
use crate::protocol::{Established, WebSocket, WebSocketConfig};

/// The server's side of a blocking handshake.
pub struct ServerHandshake<S, C> {
    config: WebSocketConfig,
    stage: Stage<C>,
    stream: PhantomData<S>,
}

enum Stage<C> {
    /// The request is being read; the callback decides on it.
    Reading(C),
    /// The response is being written: an acceptance, or a rejection with its error.
    Writing(Result<Accepted>),
}

struct Accepted {
    head: usize,
    deflate: Option<DeflateAgreement>,
}

impl<S: Read + Write, C: Callback> ServerHandshake<S, C> {
    /// Begins a handshake.
    pub fn start(stream: S, callback: C, config: Option<WebSocketConfig>) -> MidHandshake<Self> {
        let config = config.unwrap_or_default();
        config.check();
        let role = Self { config, stage: Stage::Reading(callback), stream: PhantomData };
        MidHandshake { role, machine: HandshakeMachine::new(stream, Vec::new()) }
    }
}

impl<S: Read + Write, C: Callback> HandshakeRole for ServerHandshake<S, C> {
    type InternalStream = S;
    type FinalResult = WebSocket<S>;

    fn step(mut self, mut machine: HandshakeMachine<S>) -> Result<Step<Self>> {
        match self.stage {
            Stage::Reading(callback) => {
                let before = machine.read.len();
                let config = self.config.to_framewise();
                let ended = match machine.fill()? {
                    Moved::Blocked => {
                        self.stage = Stage::Reading(callback);
                        return Ok(Step::Blocked(self, machine));
                    }
                    Moved::Bytes(count) => count == 0,
                };
                let policy = ServerPolicy { limits: config.limits, origins: None };
                let progress = if ended {
                    Progress::Broken(request_ended(&machine.read))
                } else if worth_reading(&machine.read, before, config.limits.head) {
                    read_request(&machine.read, &policy)
                } else {
                    Progress::More
                };
                let (response, outcome) = match progress {
                    Progress::More => {
                        self.stage = Stage::Reading(callback);
                        return Ok(Step::Again(self, machine));
                    }
                    Progress::Done { value, size, .. } => answer(&value, size, callback, &config),
                    Progress::Broken(violation) => {
                        let reply = handshake::rejection(&violation).map(|reply| reply.encode());
                        (reply.unwrap_or_default(), Err(of_violation(violation)))
                    }
                };
                machine.send(response);
                self.stage = Stage::Writing(outcome);
                Ok(Step::Again(self, machine))
            }
            Stage::Writing(outcome) => match machine.write() {
                Ok(false) => {
                    self.stage = Stage::Writing(outcome);
                    Ok(Step::Blocked(self, machine))
                }
                Ok(true) => {
                    let Accepted { head, deflate } = outcome?;
                    let (stream, rest) = machine.into_parts(head);
                    let established =
                        Established { role: Role::Server, rest, head_size: head as u64, deflate };
                    Ok(Step::Done(WebSocket::new(stream, self.config, established)))
                }
                // Why the request was rejected says more than that the client is gone.
                Err(error) => Err(outcome.err().unwrap_or(error)),
            },
        }
    }
}

/// The response to a request that breaks no rule, and what it leads to.
fn answer(
    request: &Request,
    head: usize,
    callback: impl Callback,
    config: &Config,
) -> (Vec<u8>, Result<Accepted>) {
    decide(request, head, callback, config).unwrap_or_else(|error| {
        let says = "the server's own answer would have broken the handshake\n";
        let response = handshake::reject(500, &Headers::new(), says).map(|reply| reply.encode());
        (response.unwrap_or_default(), Err(error))
    })
}

fn decide(
    request: &Request,
    head: usize,
    callback: impl Callback,
    config: &Config,
) -> Result<(Vec<u8>, Result<Accepted>)> {
    let misuse = |misuse| of_misuse(&misuse);
    let http = request.to_http()?;
    match callback.on_request(&http, create_response(&http)?) {
        Ok(response) => {
            let (protocol, headers) = acceptance(&response)?;
            let agreed = config.deflate.and_then(|deflate| negotiate(&request.extensions, &deflate));
            let (extension, deflate) = agreed.unzip();
            let reply =
                request.accept(protocol.as_deref(), extension.as_slice(), &headers).map_err(misuse)?;
            Ok((reply.encode(), Ok(Accepted { head, deflate })))
        }
        Err(response) => {
            let (headers, body) = rejection(&response)?;
            let reply = handshake::reject(response.status().as_u16(), &headers, body).map_err(misuse)?;
            let bytes = reply.encode();
            Ok((bytes, Err(rejected(response))))
        }
    }
}

impl<S, C> fmt::Debug for ServerHandshake<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match &self.stage {
            Stage::Reading(_) => "reading",
            Stage::Writing(_) => "writing",
        };
        f.debug_struct("ServerHandshake").field("stage", &stage).finish_non_exhaustive()
    }
}
