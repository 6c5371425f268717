//! The opening handshake.

mod blocking_client;
mod blocking_server;
pub mod client;
pub mod machine;
pub mod server;

use std::fmt;

pub(crate) use self::blocking_client::bad_response;
use self::machine::{HandshakeMachine, Step};
use crate::error::Error;

/// A side of a blocking handshake: [`ClientHandshake`](client::ClientHandshake) or
/// [`ServerHandshake`](server::ServerHandshake).
pub trait HandshakeRole: Sized {
    /// The stream.
    type InternalStream;
    /// What the handshake leads to.
    type FinalResult;
    /// Takes the next step.
    #[doc(hidden)]
    fn step(self, machine: HandshakeMachine<Self::InternalStream>) -> Result<Step<Self>, Error>;
}

/// A handshake that is not complete.
#[derive(Debug)]
pub struct MidHandshake<Role: HandshakeRole> {
    role: Role,
    machine: HandshakeMachine<Role::InternalStream>,
}

impl<Role: HandshakeRole> MidHandshake<Role> {
    /// The stream and what was read of it.
    pub const fn get_ref(&self) -> &HandshakeMachine<Role::InternalStream> {
        &self.machine
    }

    /// The stream and what was read of it.
    pub const fn get_mut(&mut self) -> &mut HandshakeMachine<Role::InternalStream> {
        &mut self.machine
    }

    /// Continues.
    ///
    /// Errors: [`HandshakeError::Interrupted`] if the stream would block: call it again later.
    pub fn handshake(mut self) -> Result<Role::FinalResult, HandshakeError<Role>> {
        loop {
            match self.role.step(self.machine)? {
                Step::Again(role, machine) => self = Self { role, machine },
                Step::Blocked(role, machine) => {
                    return Err(HandshakeError::Interrupted(Self { role, machine }));
                }
                Step::Done(result) => return Ok(result),
            }
        }
    }
}

/// Why a handshake did not complete.
pub enum HandshakeError<Role: HandshakeRole> {
    /// The stream would block.
    Interrupted(MidHandshake<Role>),
    /// It failed.
    Failure(Error),
}

impl<Role: HandshakeRole> fmt::Display for HandshakeError<Role> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interrupted(_) => f.write_str("the handshake waits for the stream"),
            Self::Failure(error) => error.fmt(f),
        }
    }
}

impl<Role: HandshakeRole> fmt::Debug for HandshakeError<Role> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interrupted(_) => f.write_str("Interrupted"),
            Self::Failure(error) => f.debug_tuple("Failure").field(error).finish(),
        }
    }
}

impl<Role: HandshakeRole> std::error::Error for HandshakeError<Role> {}

impl<Role: HandshakeRole> From<Error> for HandshakeError<Role> {
    fn from(error: Error) -> Self {
        Self::Failure(error)
    }
}

/// The error of a blocking handshake on a stream that does not block.
pub(crate) fn failure<R: HandshakeRole>(error: HandshakeError<R>) -> Error {
    match error {
        HandshakeError::Failure(error) => error,
        HandshakeError::Interrupted(_) => Error::Io(std::io::ErrorKind::WouldBlock.into()),
    }
}

/// The Sec-WebSocket-Accept that answers a Sec-WebSocket-Key (RFC 6455 §4.2.2).
///
/// ```
/// use framewise_tungstenite::tungstenite::handshake::derive_accept_key;
///
/// assert_eq!(derive_accept_key(b"dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
/// ```
pub fn derive_accept_key(request_key: &[u8]) -> String {
    framewise::proto::handshake::accept_value(&String::from_utf8_lossy(request_key))
}
