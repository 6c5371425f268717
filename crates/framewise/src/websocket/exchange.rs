//! What most programs need of a connection: the next message, sending one, and closing.

use std::future::poll_fn;
use std::task::ready;

use tokio::io::{AsyncRead, AsyncWrite};

use super::{Inner, WebSocket};
use crate::{CloseCode, Error, Message};

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    /// Returns the next message, or `None` when the closing handshake is complete.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), framewise::Error> {
    /// let (mut client, mut server) = framewise::pair();
    /// tokio::spawn(async move {
    ///     client.send("hello").await?;
    ///     client.close(1000, "").await
    /// });
    /// while let Some(message) = server.next().await {
    ///     assert_eq!(message?.as_text(), Some("hello"));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// It answers Pings and the Close by itself, and writes what is queued before it waits. Then a server ends TCP at once; a
    /// client waits until the server has, at most a second (RFC 6455 §5.5.1). [`WebSocket::next_event`] returns the Close
    /// before that.
    ///
    /// Errors, once, and then `None`: [`Error::Violation`] if the peer broke a rule or the connection was lost; the
    /// Close frame has then been sent, and the peer has had until [`crate::Limits::close`] to end its side. [`Error::Io`] if
    /// the stream failed.
    ///
    /// Cancel-safe: no message is lost.
    #[allow(clippy::should_implement_trait, reason = "the name that streams have; an iterator would block")]
    pub fn next(&mut self) -> impl Future<Output = Option<Result<Message, Error>>> {
        poll_fn(|cx| self.inner.poll_message(cx))
    }

    /// Sends a message. When it returns, the stream has taken the message, with one exception: while complete messages that
    /// have already arrived wait for [`WebSocket::next`], it is only queued, up to [`crate::Config::send_queue`], so that all
    /// answers to one read are written together. To queue a message in any case, use [`WebSocket::feed`].
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), framewise::Error> {
    /// let (mut client, mut server) = framewise::pair();
    /// client.send("text").await?;
    /// client.send(vec![1, 2, 3]).await?;
    /// assert!(server.next().await.expect("a message")?.is_text());
    /// assert!(server.next().await.expect("a message")?.is_binary());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// If both ends send more than the streams between them hold and neither reads, they wait for each other. To avoid that,
    /// send and read in two tasks with [`WebSocket::split`].
    ///
    /// Errors: [`Error::Misuse`] after a Close. [`Error::Io`] if the stream failed, or if the peer reads nothing for as
    /// long as [`crate::Limits::idle`] or [`crate::Keepalive`] allow; without either it may wait for ever.
    /// [`WebSocket::next`] then returns how the connection ended.
    ///
    /// Cancel-safe: a message is queued completely or not at all. To know which, use [`WebSocket::feed`] and
    /// [`WebSocket::flush`].
    pub fn send(&mut self, message: impl Into<Message>) -> impl Future<Output = Result<(), Error>> {
        let mut message = Some(message.into());
        poll_fn(move |cx| {
            ready!(self.inner.poll_queue(&mut message, cx, Inner::queue))?;
            self.inner.poll_sent(cx)
        })
    }

    /// Closes the connection: writes what is queued and a Close, then waits for the peer's Close, at most
    /// [`crate::Limits::close`]. Then a server ends TCP at once; a client waits until the server has, at most a second.
    /// Messages that arrive meanwhile are dropped; to receive them, use [`WebSocket::start_close`]. If the connection is
    /// closing already, it waits for the end.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), framewise::Error> {
    /// let (mut client, mut server) = framewise::pair();
    /// let closing = tokio::spawn(async move { client.close(1001, "the program ends").await });
    /// assert!(server.next().await.is_none());
    /// assert_eq!(server.ended().expect("it ended").code, framewise::CloseCode(1001));
    /// closing.await.expect("no panic")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The reason (up to 123 bytes) is for people who debug. `close(None, "")` closes without a code.
    ///
    /// Errors: [`Error::Misuse`] for a code that must not be sent, [`Error::Violation`] if the peer does not answer
    /// (`close-timeout`) or breaks another rule. Cancel-safe: the first poll queues the Close; another call continues to
    /// wait.
    pub async fn close(&mut self, code: impl Into<CloseCode>, reason: &str) -> Result<(), Error> {
        if self.is_open() {
            self.inner.start_close(code.into(), reason)?;
        }
        poll_fn(|cx| self.inner.poll_closed(cx)).await
    }
}
