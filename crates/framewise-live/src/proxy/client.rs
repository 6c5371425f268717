//! The proxy's end towards a client: TCP, or TLS over it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use framewise::rustls::server::Acceptor;
use framewise::rustls::{self, AlertDescription, KeyLog, ServerConfig};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::LazyConfigAcceptor;

use crate::wire::{Duplex, Wire};

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

/// Does the TLS handshake with a client. `name` is the server's where the client sends none, because it knows it by its
/// address.
pub(super) async fn encrypt(
    stream: Wire<TcpStream>,
    certificates: &dyn Certificates,
    name: &str,
    key_log: Option<Arc<dyn KeyLog>>,
) -> Result<Box<dyn Duplex>, TlsFault> {
    let handshake = async {
        let start = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
        let hello = start.client_hello();
        let mut config = certificates.config(hello.server_name().unwrap_or(name))?;
        if let Some(key_log) = key_log {
            let mut logged = ServerConfig::clone(&config);
            logged.key_log = key_log;
            config = Arc::new(logged);
        }
        start.into_stream(config).await
    };
    match timeout(PATIENCE, handshake).await {
        Ok(Ok(stream)) => Ok(Box::new(stream)),
        Ok(Err(error)) => Err(TlsFault::of(error)),
        Err(_) => Err(TlsFault::TimedOut(PATIENCE)),
    }
}

/// Whether a client begins TLS; false where it ends before its first byte.
pub(super) async fn begins_tls(stream: &Wire<TcpStream>) -> bool {
    let mut first = [0];
    let is_there = match stream.first_unread() {
        Some(byte) => {
            first[0] = byte;
            true
        }
        None => matches!(stream.tcp().peek(&mut first).await, Ok(1)),
    };
    // RFC 8446 §5.1: a record of type handshake(22).
    is_there && first[0] == 22
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
