use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::failure::Failure;
use crate::net::plain;

/// A server that does not answer for that long is down.
const PATIENCE: Duration = Duration::from_secs(10);

/// The server behind the proxy.
pub(crate) struct Upstream {
    url: String,
    host: String,
    port: u16,
    path: String,
    tls: Option<TlsConnector>,
}

/// A connection to it.
#[derive(Debug)]
pub(crate) enum ToServer {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Upstream {
    pub(crate) fn parse(url: &str) -> Result<Self, Failure> {
        let said = |says: &str| Failure::said(format!("{url} is no server to inspect: {says}"));
        let (scheme, rest) = url.split_once("://").unwrap_or(("ws", url));
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "ws" | "http" => false,
            "wss" | "https" => true,
            _ => return Err(said("its scheme must be ws, wss, http or https")),
        };
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let authority = authority.rsplit('@').next().unwrap_or(authority);
        let (host, port) = match authority.rsplit_once(':') {
            // The last colon of an IPv6 address without a port is inside of its brackets.
            Some((host, port)) if !port.contains(']') => {
                let port = port.parse().map_err(|_| said("its port must be a number from 1 to 65535"))?;
                (host, port)
            }
            _ => (authority, if tls { 443 } else { 80 }),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() || port == 0 {
            return Err(said("give its host and port, ws://localhost:8080 say"));
        }
        let tls = tls.then(connector).transpose()?;
        Ok(Self { url: url.to_owned(), host: host.to_owned(), port, path: path.to_owned(), tls })
    }

    /// The server at this address.
    pub(crate) fn at(address: SocketAddr) -> Self {
        let (host, port) = (address.ip().to_string(), address.port());
        Self { url: format!("ws://{address}"), host, port, path: String::new(), tls: None }
    }

    /// The path of the URL, which nothing is done with.
    pub(crate) fn unused_path(&self) -> Option<&str> {
        (!matches!(self.path.as_str(), "" | "/")).then_some(&self.path)
    }

    /// The server's name and port.
    pub(crate) fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    pub(crate) const fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// Connects; what keeps it from doing so in one sentence.
    pub(crate) async fn connect(&self) -> Result<ToServer, String> {
        let attempt = tokio::time::timeout(PATIENCE, TcpStream::connect((&*self.host, self.port))).await;
        let stream = match attempt {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(self.down(&error)),
            Err(_) => {
                return Err(format!(
                    "{self} does not answer: is the address right, or does a firewall drop what is sent?"
                ));
            }
        };
        // What a client wrote in two pieces arrives in two pieces.
        let _ = stream.set_nodelay(true);
        let Some(connector) = &self.tls else { return Ok(ToServer::Plain(stream)) };
        let name = ServerName::try_from(self.host.clone())
            .map_err(|_| format!("{} is no name for TLS", self.host))?;
        match tokio::time::timeout(PATIENCE, connector.connect(name, stream)).await {
            Ok(Ok(stream)) => Ok(ToServer::Tls(Box::new(stream))),
            Ok(Err(error)) => Err(self.no_tls(&error)),
            Err(_) => Err(format!(
                "{self} takes the connection and does not answer in TLS: is it a plain ws:// server?"
            )),
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the system has more ways to fail than a sentence each"
    )]
    fn down(&self, error: &io::Error) -> String {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => {
                format!("{self} is down: nobody listens there; start the server, or correct the port")
            }
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
                format!("{self} cannot be reached: no way leads there from this machine")
            }
            io::ErrorKind::TimedOut => format!("{self} does not answer"),
            _ if error.to_string().contains("lookup") => {
                format!("{self}: the name has no address; is it spelled right?")
            }
            _ => format!("{self} cannot be connected to: {}", plain(error)),
        }
    }

    fn no_tls(&self, error: &io::Error) -> String {
        let text = error.to_string();
        if text.contains("InvalidContentType") || text.contains("corrupt message") {
            return format!("{self} does not speak TLS; inspect it as ws://{}", self.authority());
        }
        format!("TLS with {self} failed: {text}; a private authority goes into SSL_CERT_FILE")
    }
}

impl AsyncRead for ToServer {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for ToServer {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = self.url.len() - self.path.len();
        f.write_str(self.url.get(..end).unwrap_or(&self.url))
    }
}

fn connector() -> Result<TlsConnector, Failure> {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(native.certs);
    if roots.is_empty() {
        return Err(Failure::said(
            "this system has no certificate authorities; name a file of them in SSL_CERT_FILE",
        ));
    }
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::said(format!("TLS cannot be set up: {error}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    // A server that may choose HTTP/2 would.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_named_in_each_way() {
        for (url, authority, path) in [
            ("ws://localhost:8080", "localhost:8080", None),
            ("http://localhost", "localhost:80", None),
            ("localhost:9001", "localhost:9001", None),
            ("ws://[::1]:9001/chat?x=1", "[::1]:9001", Some("/chat?x=1")),
            ("http://[::1]/", "[::1]:80", None),
        ] {
            let upstream = Upstream::parse(url).unwrap_or_else(|failure| panic!("{url}: {failure:?}"));
            assert_eq!((upstream.authority().as_str(), upstream.unused_path()), (authority, path), "{url}");
        }
        for url in ["ftp://x", "ws://", "ws://:80", "ws://x:99999", "ws://x:0"] {
            assert!(Upstream::parse(url).is_err(), "{url}");
        }
    }
}
