//! Control frames that the application sends: Ping, Pong, Close.

use framewise_proto::{CloseFrame, Misuse, Violation};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Inner, WebSocket};
use crate::{CloseCode, Error, trace};

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    /// Sends a Ping with a payload of up to 125 bytes, and writes what is queued. [`WebSocket::next_event`] returns the Pong.
    ///
    /// Errors: [`Error::Misuse`] for a longer payload, and after a Close. Cancel-safe: the first poll queues the Ping;
    /// another call sends another one.
    pub async fn ping(&mut self, payload: &[u8]) -> Result<(), Error> {
        self.inner.ping(payload)?;
        self.flush().await
    }

    /// Sends an unsolicited Pong with a payload of up to 125 bytes: a heartbeat in one direction (RFC 6455 §5.5.3). Pings of
    /// the peer are answered automatically.
    ///
    /// Errors and cancellation: as [`WebSocket::ping`].
    pub async fn pong(&mut self, payload: &[u8]) -> Result<(), Error> {
        self.inner.engine.pong(payload)?;
        self.flush().await
    }

    /// Fails the connection for a violation in the handshake: sends the Close, and returns the violation.
    pub(crate) async fn fail_for(mut self, violation: Violation) -> Error {
        let now = self.inner.timer.now();
        self.inner.engine.fail_for(now, violation.clone());
        while let Some(message) = self.next().await {
            if let Err(error) = message {
                return error;
            }
        }
        violation.into()
    }

    /// As [`WebSocket::start_close`], but drops what is queued first, except for the rest of a frame that is being written: for
    /// a peer that reads too slowly.
    ///
    /// ```
    /// # async fn push(ws: &mut framewise::WebSocket<tokio::net::TcpStream>) -> Result<(), framewise::Error> {
    /// if ws.try_send("news").is_err() {
    ///     ws.abort(1008, "too slow")?;
    /// }
    /// while let Some(message) = ws.next().await {
    ///     println!("{:?}", message?);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Errors: as [`WebSocket::start_close`]; then nothing is dropped.
    pub fn abort(&mut self, code: impl Into<CloseCode>, reason: &str) -> Result<(), Error> {
        self.inner.abort(code.into(), reason)?;
        self.inner.write_now();
        Ok(())
    }

    /// Queues a Ping, and writes what the stream takes now. [`WebSocket::next`] writes the rest.
    ///
    /// Errors: [`Error::Misuse`] for a payload of more than 125 bytes, and after a Close.
    pub fn start_ping(&mut self, payload: &[u8]) -> Result<(), Error> {
        self.inner.ping(payload)?;
        self.inner.write_now();
        Ok(())
    }

    /// Queues an unsolicited Pong, as [`WebSocket::start_ping`] a Ping.
    ///
    /// Errors: as [`WebSocket::start_ping`].
    pub fn start_pong(&mut self, payload: &[u8]) -> Result<(), Error> {
        self.inner.engine.pong(payload)?;
        self.inner.write_now();
        Ok(())
    }

    /// Queues a Close after what is queued already, and writes what the stream takes now. [`WebSocket::next`] writes the
    /// rest, returns the messages that still arrive, and then `None`.
    ///
    /// Errors: [`Error::Misuse`] for a code or a reason that must not be sent, and after a Close.
    pub fn start_close(&mut self, code: impl Into<CloseCode>, reason: &str) -> Result<(), Error> {
        self.inner.start_close(code.into(), reason)?;
        self.inner.write_now();
        Ok(())
    }
}

impl<S> Inner<S> {
    pub(super) fn ping(&mut self, payload: &[u8]) -> Result<(), Misuse> {
        self.engine.ping(self.timer.now(), payload)
    }

    pub(super) fn start_close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        self.engine.close(self.timer.now(), frame(code, reason).as_ref())?;
        trace::close_sent(self.engine.role(), code, reason);
        Ok(())
    }

    /// Drops what is queued, but for a frame that is being written, and queues a Close.
    pub(super) fn abort(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        self.engine.abort(self.timer.now(), frame(code, reason).as_ref())?;
        if let Some(in_flight) = &mut self.in_flight {
            in_flight.outbox.drop_unbegun();
        }
        trace::close_sent(self.engine.role(), code, reason);
        Ok(())
    }
}

/// The Close with this code: 1005 stands for the absence of a code (RFC 6455 §7.1.5).
fn frame(code: CloseCode, reason: &str) -> Option<CloseFrame> {
    let none = code == CloseCode::NO_STATUS && reason.is_empty();
    (!none).then(|| CloseFrame::new(code, reason))
}
