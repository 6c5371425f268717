use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use framewise::rustls::pki_types::ServerName;
use framewise::rustls::{ClientConfig, KeyLog, RootCertStore};
use framewise::{Client, Error, Limits, NetStream, Url};
use framewise_rules::Role;
use tokio::net::lookup_host;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::Naming;
use crate::packets::Recording;
use crate::rewrite::{Rewrite, Value, When};
use crate::wire::{Duplex, Wire};

/// After this time without an answer the server counts as down.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longer than a resolver that works takes.
const RESOLVING: Duration = Duration::from_secs(3);

/// The server behind a proxy.
#[derive(Clone, Debug)]
pub struct Upstream {
    url: Url,
    /// Its scheme is http or https.
    http: bool,
}

impl Upstream {
    /// The server of a `ws://`, `wss://`, `http://` or `https://` URL; `ws://` where there is no scheme.
    ///
    /// Errors: [`Error::Connect`] with what is wrong, and what to write instead.
    pub fn parse(url: &str) -> Result<Self, Error> {
        let (scheme, rest) = url.split_once("://").unwrap_or(("ws", url));
        let (http, scheme) = match scheme.to_ascii_lowercase().as_str() {
            "http" => (true, "ws"),
            "https" => (true, "wss"),
            _ => (false, scheme),
        };
        Ok(Self { url: format!("{scheme}://{rest}").parse()?, http })
    }

    /// The server at this address.
    ///
    /// Errors: as [`Upstream::parse`].
    pub fn at(address: SocketAddr) -> Result<Self, Error> {
        Self::parse(&format!("ws://{address}"))
    }

    /// The same server, reached with TLS.
    pub(crate) fn with_tls(&self) -> Result<Self, Error> {
        Self::parse(&format!("wss://{}", self.authority()))
    }

    /// The server's name or address.
    pub(crate) fn host(&self) -> &str {
        self.url.host()
    }

    /// The path of the URL, which is ignored.
    pub fn unused_path(&self) -> Option<&str> {
        Some(self.url.target()).filter(|path| *path != "/")
    }

    /// The server's name and port.
    pub fn authority(&self) -> String {
        let (host, port) = (self.url.host(), self.url.port());
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }

    /// Whether the server speaks TLS.
    pub const fn is_tls(&self) -> bool {
        self.url.is_tls()
    }

    /// What is rewritten in the requests to it.
    pub(crate) fn rewrite(&self, naming: Naming) -> Rewrite {
        let authority = self.url.authority();
        let host = |when| Some(Value { new: authority.to_owned(), when });
        let origin = || {
            let scheme = if self.is_tls() { "https" } else { "http" };
            Some(Value { new: format!("{scheme}://{authority}"), when: When::Different })
        };
        match naming {
            Naming::Unchanged => Rewrite::default(),
            Naming::Host => Rewrite { host: host(When::AnotherName), origin: None, ..Rewrite::default() },
            Naming::Origin => Rewrite { origin: origin(), ..Rewrite::default() },
            Naming::HostAndOrigin => {
                Rewrite { host: host(When::Different), origin: origin(), ..Rewrite::default() }
            }
        }
    }

    /// Connects: TCP, and TLS where the URL says so. Where packets are recorded, TLS is done here, above what is recorded.
    pub(crate) async fn connect(&self, recording: Option<&Recording>) -> Result<Box<dyn Duplex>, Error> {
        let client = Client::new().limits(Limits::DEFAULT.handshake(PATIENCE));
        let Some(recording) = recording else {
            return Ok(Box::new(Wire::new(client.dial(&self.url.to_string()).await?, None)));
        };
        let stream = client.dial(&format!("ws://{}", self.authority())).await?;
        let tracer = recording.trace(stream.tcp(), Role::Client);
        let stream = Wire::new(stream, tracer);
        if !self.is_tls() {
            return Ok(Box::new(stream));
        }
        if let Ok(Ok(stream)) = timeout(PATIENCE, encrypt(stream, self.url.host(), recording.key_log())).await
        {
            return Ok(Box::new(stream));
        }
        // Why it failed is said best by the client that people use; should it succeed, its packets are missing.
        Ok(Box::new(Wire::new(client.dial(&self.url.to_string()).await?, None)))
    }

    /// Whether a connection to it comes back to a listener of this machine at this address: it would be passed on to the
    /// same listener, again and again. `false` where the name cannot be resolved now.
    pub async fn leads_to(&self, listener: SocketAddr) -> bool {
        if self.url.port() != listener.port() {
            return false;
        }
        let resolved = timeout(RESOLVING, lookup_host((self.url.host(), self.url.port()))).await;
        let Ok(Ok(addresses)) = resolved else { return false };
        addresses.into_iter().any(|address| reaches(address.ip(), listener.ip()))
    }
}

async fn encrypt(
    stream: Wire<NetStream>,
    host: &str,
    key_log: Arc<dyn KeyLog>,
) -> io::Result<TlsStream<Wire<NetStream>>> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = framewise::crypto_provider().ok_or(io::ErrorKind::Unsupported)?;
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.key_log = key_log;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

/// Whether a connection to an address arrives at a listener on another one, their ports being the same.
fn reaches(to: IpAddr, listener: IpAddr) -> bool {
    // A connection to the unspecified address reaches this machine.
    let to = match to.to_canonical() {
        IpAddr::V4(to) => IpAddr::V4(if to.is_unspecified() { Ipv4Addr::LOCALHOST } else { to }),
        IpAddr::V6(to) => IpAddr::V6(if to.is_unspecified() { Ipv6Addr::LOCALHOST } else { to }),
    };
    let listener = listener.to_canonical();
    // An IPv6 listener on all addresses takes IPv4 as well, unless the system says otherwise.
    let all = listener.is_unspecified() && (listener.is_ipv6() || to.is_ipv4());
    to == listener || (all && is_local(to))
}

/// Whether an address is one of this machine: then, and only then, a socket can have it.
fn is_local(address: IpAddr) -> bool {
    UdpSocket::bind((address, 0)).is_ok()
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match (self.http, self.is_tls()) {
            (false, false) => "ws",
            (false, true) => "wss",
            (true, false) => "http",
            (true, true) => "https",
        };
        write!(f, "{scheme}://{}", self.authority())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_named_in_each_way() {
        for (url, shown, path) in [
            ("ws://localhost:8080", "ws://localhost:8080", None),
            ("http://localhost", "http://localhost:80", None),
            ("HTTPS://localhost", "https://localhost:443", None),
            ("localhost:9001", "ws://localhost:9001", None),
            ("ws://[::1]:9001/chat?x=1", "ws://[::1]:9001", Some("/chat?x=1")),
            ("http://[::1]/", "http://[::1]:80", None),
        ] {
            let upstream = Upstream::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
            assert_eq!((upstream.to_string().as_str(), upstream.unused_path()), (shown, path), "{url}");
        }
        for url in ["ftp://x", "ws://", "ws://:80", "ws://x:99999", "ws://x:0"] {
            assert!(Upstream::parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_connection_that_comes_back_is_told_from_one_that_does_not() {
        let ip = |text: &str| text.parse::<IpAddr>().expect("an address");
        for (to, listener) in [
            ("127.0.0.1", "127.0.0.1"),
            ("::1", "::1"),
            ("0.0.0.0", "127.0.0.1"),
            ("::", "::1"),
            ("127.0.0.1", "0.0.0.0"),
            ("127.0.0.2", "0.0.0.0"),
            ("0.0.0.0", "0.0.0.0"),
            ("::1", "::"),
            ("127.0.0.1", "::"),
            ("::ffff:127.0.0.1", "127.0.0.1"),
        ] {
            assert!(reaches(ip(to), ip(listener)), "{to} reaches {listener}");
        }
        for (to, listener) in [
            ("127.0.0.2", "127.0.0.1"),
            ("::1", "127.0.0.1"),
            ("127.0.0.1", "::1"),
            ("::1", "0.0.0.0"),
            // An address for documentation: no machine has it.
            ("192.0.2.1", "0.0.0.0"),
            ("2001:db8::1", "::"),
        ] {
            assert!(!reaches(ip(to), ip(listener)), "{to} does not reach {listener}");
        }
    }

    #[tokio::test]
    async fn names_are_resolved_and_another_port_is_another_server() {
        let listener: SocketAddr = "127.0.0.1:6455".parse().expect("an address");
        let leads =
            |url: &'static str| async move { Upstream::parse(url).expect(url).leads_to(listener).await };
        assert!(leads("ws://localhost:6455").await);
        assert!(!leads("ws://localhost:6456").await);
        assert!(!leads("ws://name.invalid:6455").await);
    }
}
