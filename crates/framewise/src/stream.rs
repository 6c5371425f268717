use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
#[cfg(feature = "tls")]
use tokio_rustls::{TlsStream, rustls::CommonState};

#[cfg(feature = "tls")]
use crate::first_byte::FirstByte;

/// The stream of [`crate::connect`] and of a [`crate::Listener`]: TCP, or TLS over TCP. A client may reach the server through
/// a proxy.
#[derive(Debug)]
pub struct NetStream(Layer<Way>);

/// The transport to the peer: TCP to it or to a proxy, or TLS to a proxy.
pub(crate) type Way = Layer<TcpStream>;

/// A stream with or without TLS.
#[derive(Debug)]
pub(crate) enum Layer<S> {
    Plain(S),
    /// Boxed, so that a plain connection does not need memory for a TLS session, a kilobyte.
    #[cfg(feature = "tls")]
    Tls(Box<TlsStream<FirstByte<S>>>),
}

impl<S> Layer<S> {
    #[cfg(feature = "tls")]
    pub(crate) fn tls(stream: impl Into<TlsStream<FirstByte<S>>>) -> Self {
        Self::Tls(Box::new(stream.into()))
    }

    /// The underlying stream.
    fn get_ref(&self) -> &S {
        match self {
            Self::Plain(stream) => stream,
            #[cfg(feature = "tls")]
            Self::Tls(tls) => tls.get_ref().0.get_ref(),
        }
    }
}

impl NetStream {
    pub(crate) const fn new(stream: Layer<Way>) -> Self {
        Self(stream)
    }

    /// The underlying TCP connection: to the peer, or to the proxy.
    pub fn tcp(&self) -> &TcpStream {
        self.0.get_ref().get_ref()
    }

    /// The address of the other end of the TCP connection: that of the peer, or of the proxy.
    ///
    /// ```no_run
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// let ws = framewise::connect("ws://127.0.0.1:9001/").await?;
    /// println!("{}", ws.get_ref().peer_addr()?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Errors: those of the system, for example if the connection is lost.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.tcp().peer_addr()
    }

    /// The state of TLS: the protocol, the certificates of the peer. `None` without TLS.
    #[cfg(feature = "tls")]
    pub fn tls(&self) -> Option<&CommonState> {
        match &self.0 {
            Layer::Plain(_) => None,
            Layer::Tls(tls) => Some(tls.get_ref().1),
        }
    }

    /// Whether the connection is encrypted up to the peer.
    pub const fn is_tls(&self) -> bool {
        match &self.0 {
            Layer::Plain(_) => false,
            #[cfg(feature = "tls")]
            Layer::Tls(_) => true,
        }
    }
}

/// Calls the same method on the stream inside.
macro_rules! either {
    ($self:expr, $stream:ident => $call:expr) => {
        match $self.get_mut() {
            Layer::Plain($stream) => {
                let $stream = Pin::new($stream);
                $call
            }
            #[cfg(feature = "tls")]
            Layer::Tls($stream) => {
                let $stream = Pin::new(&mut **$stream);
                $call
            }
        }
    };
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Layer<S> {
    #[inline]
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_read(cx, buf))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Layer<S> {
    #[inline]
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        either!(self, stream => stream.poll_write(cx, buf))
    }

    #[inline]
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        either!(self, stream => stream.poll_write_vectored(cx, bufs))
    }

    #[inline]
    fn is_write_vectored(&self) -> bool {
        // As TCP and TLS do.
        true
    }

    #[inline]
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_shutdown(cx))
    }
}

impl AsyncRead for NetStream {
    #[inline]
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_read(cx, buf)
    }
}

impl AsyncWrite for NetStream {
    #[inline]
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().0).poll_write(cx, buf)
    }

    #[inline]
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().0).poll_write_vectored(cx, bufs)
    }

    #[inline]
    fn is_write_vectored(&self) -> bool {
        true
    }

    #[inline]
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::Waker;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufWriter, duplex};

    use super::*;

    #[tokio::test]
    async fn what_the_stream_inside_holds_back_is_flushed() {
        let (near, mut far) = duplex(100);
        let mut layer = Layer::Plain(BufWriter::new(near));
        layer.write_all(b"held").await.expect("room");
        let mut got = [0; 4];
        let cx = &mut Context::from_waker(Waker::noop());
        assert!(pin!(far.read_exact(&mut got)).poll(cx).is_pending(), "it is not flushed");
        layer.flush().await.expect("room");
        far.read_exact(&mut got).await.expect("it is there");
        assert_eq!(&got, b"held");
    }

    #[test]
    fn a_plain_one_is_no_larger_than_tcp() {
        assert_eq!(size_of::<NetStream>(), size_of::<TcpStream>());
    }
}
