//! The proxy's end towards a client: TCP, or TLS over it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use framewise::rustls::server::Acceptor;
use framewise::rustls::{self, AlertDescription, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

/// The TLS handshake may take this long.
const PATIENCE: Duration = Duration::from_secs(10);

/// Makes certificates for TLS towards clients.
pub trait Certificates: Send + Sync {
    /// The configuration of a server with this name or address.
    ///
    /// Errors: those of making the certificate.
    fn config(&self, name: &str) -> io::Result<Arc<ServerConfig>>;
}

/// Why TLS with a client was not established.
#[derive(Debug)]
#[non_exhaustive]
pub enum TlsFault {
    /// The client does not trust the certificate's authority, or rejects the certificate for another reason.
    Rejected(AlertDescription),
    /// The handshake was not complete in time.
    TimedOut(Duration),
    /// Anything else: the client ended the connection, or speaks another protocol.
    Other(io::Error),
}

/// A connection to a client.
#[derive(Debug)]
pub(super) enum ClientStream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl ClientStream {
    /// The TCP connection.
    pub(super) fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.get_ref().0,
        }
    }

    /// Does the TLS handshake. `name` is the server's where the client sends none, because it knows it by its address.
    pub(super) async fn encrypt(
        stream: TcpStream,
        certificates: &dyn Certificates,
        name: &str,
    ) -> Result<Self, TlsFault> {
        let handshake = async {
            let start = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
            let hello = start.client_hello();
            let config = certificates.config(hello.server_name().unwrap_or(name))?;
            let stream = start.into_stream(config).await?;
            Ok(Self::Tls(Box::new(stream)))
        };
        match timeout(PATIENCE, handshake).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(TlsFault::of(error)),
            Err(_) => Err(TlsFault::TimedOut(PATIENCE)),
        }
    }
}

/// Whether a client begins TLS; false where it ends before its first byte.
pub(super) async fn begins_tls(stream: &TcpStream) -> bool {
    let mut first = [0];
    // RFC 8446 §5.1: a record of type handshake(22).
    matches!(stream.peek(&mut first).await, Ok(1)) && first[0] == 22
}

impl TlsFault {
    fn of(error: io::Error) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match inner {
            Some(rustls::Error::AlertReceived(alert)) => Self::Rejected(*alert),
            Some(_) | None => Self::Other(error),
        }
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_shutdown(cx),
        }
    }
}
